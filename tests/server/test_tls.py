"""TLS as clients see it: a real certificate, verified; renewed while the server runs; nothing older than 1.2."""

import asyncio
import ssl
import subprocess
from pathlib import Path

import aiohttp
import pytest
import trustme

from forebay.server.limits import Limits
from forebay.server.tls import Certificate, TlsError
from tests.server.conftest import echo, with_lifespan
from tests.support.serving import Running, serving

NAMES = ("localhost", "127.0.0.1")


class Pair:
    """A certificate and its key in files, and who has signed it."""

    def __init__(self, folder: Path) -> None:
        self.authority = trustme.CA()
        self.files = Certificate(str(folder / "server.pem"), str(folder / "server.key"))
        self.renew()

    def renew(self) -> None:
        self.issued = self.authority.issue_cert(*NAMES)
        for text, path in (
            (b"".join(pem.bytes() for pem in self.issued.cert_chain_pems), self.files.certificate),
            (self.issued.private_key_pem.bytes(), self.files.key),
        ):
            draft = Path(path).with_suffix(".new")
            draft.write_bytes(text)
            draft.replace(path)

    def replace_key(self) -> None:
        other = self.authority.issue_cert(*NAMES).private_key_pem
        Path(self.files.key).write_bytes(other.bytes())

    def remove_key(self) -> None:
        Path(self.files.key).unlink()

    def trusting(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        return context


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


async def shown(running: Running, context: ssl.SSLContext) -> bytes | None:
    """The certificate that a new client is shown."""
    _, writer = await asyncio.open_connection("127.0.0.1", running.port, ssl=context)
    found: bytes | None = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    await writer.wait_closed()
    return found


async def test_a_client_that_verifies(pair: Pair) -> None:
    async with (
        serving(with_lifespan(echo), certificate=pair.files) as running,
        aiohttp.ClientSession() as http,
        http.post(running.url, data=b"x" * 300_000, ssl=pair.trusting()) as answer,
    ):
        assert answer.status == 200
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        assert answer.headers.getall("x-content-type-options") == ["nosniff"]


@pytest.mark.needs("curl")
async def test_curl(pair: Pair, tmp_path: Path) -> None:
    root = tmp_path / "ca.pem"
    pair.authority.cert_pem.write_to_path(str(root))
    async with serving(with_lifespan(echo), certificate=pair.files) as running:
        command = ["curl", "-sS", "--http2", "--cacert", str(root), "-d", "hello", running.url]
        ended = await asyncio.to_thread(subprocess.run, command, capture_output=True, timeout=20, check=False)
        assert (ended.returncode, ended.stderr) == (0, b"")
        old = [*command[:2], "--tlsv1.1", "--tls-max", "1.1", *command[2:]]
        ended = await asyncio.to_thread(subprocess.run, old, capture_output=True, timeout=20, check=False)
        assert ended.returncode != 0


async def test_a_renewed_certificate_is_shown_at_once(pair: Pair) -> None:
    async with serving(with_lifespan(echo), certificate=pair.files) as running, aiohttp.ClientSession() as http:
        before = await shown(running, pair.trusting())
        async with http.post(running.url, data=b"a", ssl=pair.trusting()) as answer:
            assert answer.status == 200
            pair.renew()
            after = await shown(running, pair.trusting())
            assert after != before
            assert after == ssl.PEM_cert_to_DER_cert(pair.issued.cert_chain_pems[0].bytes().decode())


async def test_half_of_a_renewal_changes_nothing(pair: Pair, caplog: pytest.LogCaptureFixture) -> None:
    async with serving(with_lifespan(echo), certificate=pair.files) as running:
        before = await shown(running, pair.trusting())
        pair.replace_key()
        assert await shown(running, pair.trusting()) == before
        assert "has not been renewed" in caplog.text
        pair.remove_key()
        assert await shown(running, pair.trusting()) == before
        pair.renew()
        assert await shown(running, pair.trusting()) != before


async def test_who_speaks_no_tls_is_let_go(pair: Pair) -> None:
    async with serving(with_lifespan(echo), certificate=pair.files) as running:
        assert b"200" not in await running.exchange(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        assert await shown(running, pair.trusting())


async def test_a_large_head_over_tls_is_refused(pair: Pair) -> None:
    async with serving(with_lifespan(echo), Limits(header_bytes=1000), pair.files) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port, ssl=pair.trusting())
        writer.write(b"GET / HTTP/1.1\r\nhost: a\r\nx: " + b"y" * 5000)
        assert (await reader.readline()).startswith(b"HTTP/1.1 400")
        writer.close()


def test_files_that_are_no_certificate(pair: Pair, tmp_path: Path) -> None:
    other = trustme.CA().issue_cert(*NAMES).private_key_pem.bytes()
    (tmp_path / "other.key").write_bytes(other)
    for files, message in (
        (Certificate(pair.files.certificate, str(tmp_path / "other.key")), "key values mismatch"),
        (Certificate(pair.files.key, pair.files.key), "are no certificate and its key"),
        (Certificate(str(tmp_path / "nowhere"), pair.files.key), "cannot be read: No such file"),
    ):
        with pytest.raises(TlsError, match=message):
            files.context()


def test_an_encrypted_key_asks_nobody(pair: Pair, tmp_path: Path) -> None:
    locked = tmp_path / "locked.key"
    command = ["openssl", "pkey", "-in", pair.files.key, "-aes256", "-passout", "pass:sesame", "-out", str(locked)]
    subprocess.run(command, check=True, capture_output=True, timeout=20)
    with pytest.raises(TlsError, match="are no certificate and its key"):
        Certificate(pair.files.certificate, str(locked)).context()
    opened = Certificate(pair.files.certificate, str(locked), "sesame")
    assert opened.context()
    assert "sesame" not in repr(opened)
