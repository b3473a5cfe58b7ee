"""Fetches models from a Hugging Face hub: asks what a reference means, and has its files, whole and checked.

``huggingface_hub`` is the client, because it knows the user's hub, token, proxies and certificates. Its own downloads
leave nothing behind when they are interrupted, so the bytes are written here: what has arrived of a file stays and is
continued by the next process, and a file counts only when its hash is the one that the hub states.

Sources: the hub's HTTP API (``/api/models``, ``/resolve``); RFC 9110, section 14, for ranges.
"""

import hashlib
import shutil
import time
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import IO, Final

from huggingface_hub import HfApi, constants, get_session, hf_hub_url, hf_raise_for_status
from huggingface_hub.hf_api import RepoSibling

from forebay import __version__
from forebay.engine.errors import FetchError
from forebay.engine.hub_client import PassingError, credentials, endpoint, explained, host
from forebay.engine.reference import Reference
from forebay.engine.release import File, Release, needed
from forebay.plugins import Progress

ATTEMPTS: Final = 5
"""How often a transfer is taken up again without a single byte of progress."""
PAUSE_SECONDS = 1.0

_PIECE: Final = 1024 * 1024
_WHOLE: Final = 200
_NO_SUCH_RANGE: Final = 416


def resolve(reference: Reference) -> Release:
    """Ask the hub which commit and which files ``reference`` means.

    Raises:
        FetchError: there is no such thing, it may not be read, or the hub does not answer; with the remedy.
    """
    hub = HfApi(endpoint=endpoint(), library_name="forebay", library_version=__version__)
    with explained(reference):
        try:
            found = hub.model_info(
                reference.repository,
                revision=reference.revision,
                files_metadata=True,
                timeout=constants.HF_HUB_DOWNLOAD_TIMEOUT,
            )
        except (ValueError, TypeError, KeyError, AttributeError):  # The client trusts what it reads.
            raise FetchError(f"{host()} does not answer as a hub does; is HF_ENDPOINT right?") from None
    if not found.sha:
        raise FetchError(f"{host()} does not say which commit of {reference.repository} this is.")
    files = needed(reference, [_file(each) for each in found.siblings or ()])
    for file in files:
        if file.size is None or not (file.sha256 or file.blob):
            raise FetchError(f"{host()} states no size or no hash of {file.path}, so it could not be checked.")
    return Release(reference, found.sha, files)


def fetch(release: Release, folder: Path, progress: Progress) -> Path:
    """Have the files of ``release`` in ``folder``, where parts of them may lie already; the GGUF file, or the folder.

    Raises:
        FetchError: they cannot be had, or are not those that the hub states; with the remedy.
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _check_room(release, folder)
    before = 0
    for file in release.files:
        with closing(_arrivals(release, file, folder / file.name)) as arrivals:
            for arrived in arrivals:
                progress("download", before + arrived, release.size)
        before += file.size or 0
    return folder / release.gguf.name if release.gguf else folder


def _file(sibling: RepoSibling) -> File:
    size = sibling.lfs.size if sibling.lfs else sibling.size
    return File(sibling.rfilename, size, sibling.lfs.sha256 if sibling.lfs else None, sibling.blob_id)


def _check_room(release: Release, folder: Path) -> None:
    """The files have to fit, and what is made of them, which is about as much again."""
    arrived = sum(file.stat().st_size for file in folder.iterdir())
    wanted, free = 2 * release.size - arrived, shutil.disk_usage(folder).free
    if wanted > free:
        raise FetchError(
            f"{release.reference} needs about {wanted / 1e9:.1f} GB of the disk, where {free / 1e9:.1f} GB are free; "
            "free some space or set FOREBAY_HOME to a folder on a larger disk."
        )


def _arrivals(release: Release, file: File, place: Path) -> Generator[int, None, None]:
    """Have ``file`` at ``place``; yields, again and again, how many of its bytes are here."""
    if not place.is_file():  # Only what was checked is called by its name.
        part = place.with_name(place.name + ".part")
        with part.open("a+b") as target:
            content = _Content(file, target)
            yield from _complete(release, content)
        if not content.is_right():
            part.unlink()
            raise FetchError(
                f"{file.path} is not what {host()} says it is (its hash is another), so it was thrown away; try again. "
                "If that does not help, ask whoever runs the hub or a proxy in between."
            )
        part.replace(place)
    yield file.size or 0


class _Content:
    """What has arrived of a file, and its hash so far."""

    def __init__(self, file: File, target: IO[bytes]) -> None:
        self.file = file
        self._target = target
        self._begin()
        target.seek(0)
        while piece := target.read(_PIECE):
            self._count(piece)
        if self.missing < 0:
            self.restart()

    @property
    def missing(self) -> int:
        """How many bytes are not here yet."""
        return (self.file.size or 0) - self.size

    def restart(self) -> None:
        """Forget everything."""
        self._target.truncate(0)
        self._begin()

    def add(self, piece: bytes) -> None:
        """Take the next bytes."""
        self._target.write(piece)
        self._count(piece)

    def is_right(self) -> bool:
        """Whether it is the file that the hub states."""
        return not self.missing and self._digest.hexdigest() == (self.file.sha256 or self.file.blob)

    def _begin(self) -> None:
        self.size = 0
        self._digest = hashlib.sha256()
        if not self.file.sha256:
            # Git names a file by the SHA-1 of its content behind a header.
            self._digest = hashlib.sha1(f"blob {self.file.size}\0".encode(), usedforsecurity=False)

    def _count(self, piece: bytes) -> None:
        self._digest.update(piece)
        self.size += len(piece)


def _complete(release: Release, content: _Content) -> Generator[int, None, None]:
    attempts = ATTEMPTS
    while content.missing:
        before = content.size
        try:
            with explained(release.reference):
                yield from _transfer(release, content)
        except PassingError as error:
            attempts = ATTEMPTS if content.size > before else attempts - 1
            if not attempts:
                raise FetchError(f"{error} What has arrived is kept: trying again goes on from there.") from None
            time.sleep(PAUSE_SECONDS)


def _transfer(release: Release, content: _Content) -> Generator[int, None, None]:
    file = content.file
    url = hf_hub_url(release.reference.repository, file.path, revision=release.commit, endpoint=endpoint())
    # The file as it is: a range of something compressed would be no range of it.
    headers = {**credentials(), "user-agent": f"forebay/{__version__}", "accept-encoding": "identity"}
    if content.size:
        headers["range"] = f"bytes={content.size}-"
    # The client follows redirects, and does not take the token along to another host.
    with get_session().stream("GET", url, headers=headers, timeout=constants.HF_HUB_DOWNLOAD_TIMEOUT) as reply:
        if content.size and reply.status_code in {_WHOLE, _NO_SUCH_RANGE}:
            content.restart()  # A server without ranges, or one that had less all the time.
        if reply.status_code == _NO_SUCH_RANGE:
            raise PassingError(f"{host()} did not go on with {file.path}.")
        hf_raise_for_status(reply)
        for piece in reply.iter_bytes():
            if len(piece) > content.missing:
                content.restart()
                raise PassingError(f"{host()} sent more of {file.path} than there should be.")
            content.add(piece)
            yield content.size
    if content.missing:
        raise PassingError(f"{host()} broke off in the middle of {file.path}.")
