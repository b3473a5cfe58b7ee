"""The page's files as a browser gets them, without a socket."""

import re
from collections.abc import MutableMapping
from importlib.resources import files
from typing import Any

import msgspec
import pytest

from forebay.core.errors import MethodNotAllowedError, NotFoundError
from forebay.web.static import FILES, Pages

PATHS = [path for path, _, _ in FILES]


class Answer(msgspec.Struct):
    """What `Pages` sent."""

    status: int
    headers: dict[str, str]
    body: bytes


@pytest.fixture
def pages() -> Pages:
    return Pages()


async def ask(pages: Pages, path: str, method: str = "GET", *if_none_match: str, request_id: str = "") -> Answer:
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        raise AssertionError("a file is sent without reading the request's body")

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    headers = [(b"if-none-match", value.encode()) for value in if_none_match]
    await pages({"type": "http", "method": method, "path": path, "headers": headers}, receive, send, request_id)
    start, body = sent
    return Answer(start["status"], {k.decode(): v.decode() for k, v in start["headers"]}, body["body"])


@pytest.mark.parametrize(("path", "name", "content_type"), FILES)
async def test_a_file_comes_whole_and_guarded(pages: Pages, path: str, name: str, content_type: str) -> None:
    answer = await ask(pages, path)
    assert answer.status == 200
    assert answer.body == files("forebay.web").joinpath("files", name).read_bytes()
    assert answer.headers["content-type"] == content_type
    assert answer.headers["content-length"] == str(len(answer.body))
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "'unsafe" not in answer.headers["content-security-policy"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("path", PATHS)
async def test_head_is_get_without_the_body(pages: Pages, path: str) -> None:
    get, head = await ask(pages, path), await ask(pages, path, "HEAD")
    assert (head.status, head.headers, head.body) == (200, get.headers, b"")


@pytest.mark.parametrize("path", PATHS)
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
    tags = {name: (await ask(pages, path)).headers["etag"] for path, name, _ in FILES}
    assert len(set(tags.values())) == len(tags)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/nothing",
        "/static.py",
        "/../static.py",
        "/files/app.js",
        "//app.js",
        "/app.js/",
        "/./app.js",
        "/app.js\0",
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


def test_every_file_of_the_package_is_served() -> None:
    there = {entry.name for entry in files("forebay.web").joinpath("files").iterdir()}
    assert there == {name for _, name, _ in FILES}


def test_the_page_needs_nothing_that_the_policy_forbids(pages: Pages) -> None:
    page = pages.find("/")
    assert page is not None
    html = page.body.decode()
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:|<script(?![^>]*\ssrc=)", html)
    links = re.findall(r"""(?:src|href)="([^"#]+)\"""", html)
    assert {f"/{link}" for link in links} == {"/app.js", "/style.css", "/icon.svg"}
