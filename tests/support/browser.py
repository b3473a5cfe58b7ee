"""A browser as far as logins need one: cookies by origin, redirections one by one, forms."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import aiohttp
import msgspec

REDIRECTS = {301, 302, 303, 307, 308}
STEPS = 20


@dataclass(frozen=True)
class Page:
    """An answer."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    cookies: Mapping[str, str]

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def code(self) -> str:
        """Of an error."""
        found: str = self.json["error"]["code"]
        return found

    @property
    def location(self) -> str:
        return urljoin(self.url, self.headers["location"])

    @property
    def query(self) -> dict[str, str]:
        """What the location asks."""
        return dict(parse_qsl(urlsplit(self.location).query))


class Browser:
    """Sees the server at ``url`` as ``home``."""

    def __init__(self, http: aiohttp.ClientSession, url: str, home: str | None = None) -> None:
        self._http = http
        self._url = url
        self.home = home or url
        self.cookies: dict[str, dict[str, str]] = {}
        self.raw: list[str] = []

    @property
    def own(self) -> dict[str, str]:
        """The cookies of the server."""
        return self.cookies.setdefault(self.home, {})

    async def get(self, url: str, **headers: str) -> Page:
        return await self.send("GET", url, headers)

    async def post(self, url: str, body: Any = None, **headers: str) -> Page:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            named["content-type"] = "application/json"
        return await self.send("POST", url, named, b"" if body is None else msgspec.json.encode(body))

    async def send(self, method: str, url: str, headers: Mapping[str, str], data: Any = None) -> Page:
        url = urljoin(self.home, url)
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        jar = self.cookies.setdefault(origin, {})
        cookie = {"cookie": "; ".join(f"{name}={value}" for name, value in jar.items())} if jar else {}
        there = url.replace(self.home, self._url, 1) if origin == self.home else url
        async with self._http.request(
            method, there, headers={**headers, **cookie}, data=data, allow_redirects=False
        ) as reply:
            body = await reply.read()
            self._keep(jar, reply.headers.getall("set-cookie", []))
            return Page(url, reply.status, reply.headers, body, dict(jar))

    async def log_in_at(self, page: Page, name: str) -> Page:
        """Follow the provider's redirections and fill in its forms, up to the one that leads ``home``."""
        for _ in range(STEPS):
            if page.status in REDIRECTS:
                if page.location.startswith(self.home):
                    return page
                page = await self.get(page.location)
                continue
            text = page.body.decode()
            assert page.status == 200, text
            action = re.search(r'<form[^>]*action="([^"]+)"', text)
            hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', text)
            fields = {**dict(hidden), "login": name, "password": "any", "sub": name}
            page = await self.send("POST", unescape(action[1]) if action else page.url, {}, fields)
        raise AssertionError("never home")

    def _keep(self, jar: dict[str, str], headers: list[str]) -> None:
        self.raw += headers
        for each in headers:
            name, _, value = each.partition(";")[0].partition("=")
            if not value or "max-age=0" in each.lower():
                jar.pop(name, None)
            else:
                jar[name] = value
