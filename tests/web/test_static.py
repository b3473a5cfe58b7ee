"""The page's files as a browser gets them, without a socket."""

import gzip
import re
from collections.abc import MutableMapping
from pathlib import PurePosixPath
from typing import Any

import msgspec
import pytest

from forebay.core.errors import MethodNotAllowedError, NotFoundError
from forebay.web.static import CONTENT_TYPES, Pages, bundled, version

PATHS = list(Pages().paths)
ASSETS = [path for path in PATHS if path.startswith("/assets/")]
SOME = ["/", "/index.html", "/dashboard", "/icon.svg", *ASSETS[:3]]
LIMIT = 200_000


class Answer(msgspec.Struct):
    """What `Pages` sent."""

    status: int
    headers: dict[str, str]
    body: bytes


@pytest.fixture(scope="module")
def pages() -> Pages:
    return Pages()


async def ask(
    pages: Pages, path: str, method: str = "GET", *if_none_match: str, request_id: str = "", coding: str = ""
) -> Answer:
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        raise AssertionError("a file is sent without reading the request's body")

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    headers = [(b"if-none-match", value.encode()) for value in if_none_match]
    headers += [(b"accept-encoding", coding.encode())] if coding else []
    await pages({"type": "http", "method": method, "path": path, "headers": headers}, receive, send, request_id)
    start, body = sent
    return Answer(start["status"], {k.decode(): v.decode() for k, v in start["headers"]}, body["body"])


@pytest.mark.parametrize("path", [*SOME, *(path for path in PATHS if not path.endswith(".js"))])
async def test_a_file_comes_whole_and_guarded(pages: Pages, path: str) -> None:
    answer = await ask(pages, path)
    assert answer.status == 200
    assert answer.headers["content-type"] == CONTENT_TYPES[PurePosixPath(path).suffix.strip(".") or "html"]
    assert answer.headers["content-length"] == str(len(answer.body))
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "'unsafe" not in answer.headers["content-security-policy"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_assets_are_the_files_and_kept_for_ever(pages: Pages) -> None:
    found = bundled()
    folder = f"/assets/{version(found)}/"
    assert {path.removeprefix(folder) for path in ASSETS} == found.keys() - {"index.html", "dashboard.html"}
    for path in ASSETS:
        answer = await ask(pages, path)
        assert answer.body == found[path.removeprefix(folder)]
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("path", ["/", "/index.html", "/dashboard", "/icon.svg"])
async def test_the_page_itself_is_asked_for_each_time(pages: Pages, path: str) -> None:
    assert (await ask(pages, path)).headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("coding", ["gzip", "br, gzip;q=0.5", "deflate,GZIP"])
async def test_who_takes_gzip_gets_it(pages: Pages, coding: str) -> None:
    plain, packed = await ask(pages, "/"), await ask(pages, "/", coding=coding)
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["vary"] == "accept-encoding"
    assert packed.headers["content-length"] == str(len(packed.body))
    assert gzip.decompress(packed.body) == plain.body


@pytest.mark.parametrize("coding", ["br", "gzip;q=0", "gzip; q=0.0", "identity", "xgzip"])
async def test_who_does_not_take_gzip_gets_the_file(pages: Pages, coding: str) -> None:
    assert "content-encoding" not in (await ask(pages, "/", coding=coding)).headers


def test_all_that_a_browser_loads_is_small(pages: Pages) -> None:
    loaded = {path: pages.find(path) for path in ["/", "/dashboard", *ASSETS] if not path.endswith(".txt")}
    sizes = {path: len(page.compressed) for path, page in loaded.items() if page}
    dashboard = sum(size for path, size in sizes.items() if "dashboard" in path)
    assert sum(sizes.values()) - dashboard < LIMIT
    assert dashboard < LIMIT / 8


def test_another_file_is_another_version() -> None:
    found = dict(bundled())
    before = version(found)
    found["icon.svg"] += b" "
    assert version(found) != before


@pytest.mark.parametrize("path", SOME)
async def test_head_is_get_without_the_body(pages: Pages, path: str) -> None:
    get, head = await ask(pages, path), await ask(pages, path, "HEAD")
    assert (head.status, head.headers, head.body) == (200, get.headers, b"")


@pytest.mark.parametrize("path", SOME)
@pytest.mark.parametrize("known", ["{}", "W/{}", '"other", {}', '"other" ,W/{}', "*"])
async def test_a_known_file_is_not_sent_again(pages: Pages, path: str, known: str) -> None:
    etag = (await ask(pages, path)).headers["etag"]
    answer = await ask(pages, path, "GET", known.format(etag))
    assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", etag)
    assert "content-length" not in answer.headers
    assert "content-security-policy" in answer.headers


@pytest.mark.parametrize("known", ['"other"', "", "W/", "nonsense,,"])
async def test_another_version_is_sent(pages: Pages, known: str) -> None:
    assert (await ask(pages, "/", "GET", known)).status == 200


async def test_several_header_lines_are_one_list(pages: Pages) -> None:
    etag = (await ask(pages, "/")).headers["etag"]
    assert (await ask(pages, "/", "GET", '"other"', etag)).status == 304


async def test_files_differ_in_their_tags(pages: Pages) -> None:
    tags = {path: (await ask(pages, path)).headers["etag"] for path in ASSETS}
    bodies = {path: (await ask(pages, path)).body for path in ASSETS}
    assert len(set(tags.values())) == len(set(bodies.values()))


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/nothing",
        "/static.py",
        "/../static.py",
        "/files/icon.svg",
        "/assets/",
        "/assets/0123456789abcdef/app/main.js",
        "//icon.svg",
        "/icon.svg/",
        "/./icon.svg",
        "/icon.svg\0",
        "/é",
    ],
)
async def test_any_other_path_is_not_found(pages: Pages, path: str) -> None:
    assert pages.find(path) is None
    with pytest.raises(NotFoundError):
        await ask(pages, path)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
async def test_files_can_only_be_read(pages: Pages, method: str) -> None:
    with pytest.raises(MethodNotAllowedError) as caught:
        await ask(pages, "/", method)
    assert caught.value.headers == {"allow": "GET, HEAD"}


async def test_as_an_endpoint_it_tells_the_request_id(pages: Pages) -> None:
    assert (await ask(pages, "/", request_id="req_1")).headers["x-request-id"] == "req_1"
    assert "x-request-id" not in (await ask(pages, "/")).headers


@pytest.mark.parametrize("path", ["/", "/dashboard"])
def test_the_page_needs_nothing_that_the_policy_forbids(pages: Pages, path: str) -> None:
    page = pages.find(path)
    assert page is not None
    html = page.body.decode()
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:|<script(?![^>]*\ssrc=)", html)
    links = re.findall(r"""(?:src|href)="([^"#]+)\"""", html)
    assert all(pages.find(f"/{link}") for link in links)


@pytest.mark.parametrize("path", [path for path in ASSETS if path.endswith(".js") and "/vendor/" not in path])
def test_modules_import_what_is_there_and_are_small(pages: Pages, path: str) -> None:
    page = pages.find(path)
    assert page is not None
    text = page.body.decode()
    assert text.startswith("// "), "a module says what it is for"
    assert len(text.splitlines()) <= 400
    assert not re.search(r"\beval\(|new Function|innerHTML|outerHTML|insertAdjacentHTML|document\.write", text)
    for target in re.findall(r"""^(?:import|export)[^;]*?from\s*"([^"]+)";""", text, re.MULTILINE):
        parts: list[str] = []
        for part in (*PurePosixPath(path).parent.parts, *PurePosixPath(target).parts):
            parts[-1:] = [] if part == ".." else [*parts[-1:], part] if part != "." else parts[-1:]
        assert pages.find("/" + "/".join(parts).lstrip("/")), target
