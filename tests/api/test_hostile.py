"""Whatever stands in a field, a header or a path: no server error, no header that was not ours, no row too few."""

import asyncio
import contextlib
import http.client
import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc.jwk import OctKey

from forebay.app import assemble
from forebay.core.types import Usage
from forebay.settings import (
    AuthSettings,
    ClaimSettings,
    DeploymentSettings,
    IssuedKeySettings,
    IssuerSettings,
    KeySettings,
    ModelSettings,
    Secret,
    Settings,
    StoreSettings,
)
from forebay.settings.cache import cache_settings
from tests.api.conftest import WHOLE
from tests.support.issuing import sign
from tests.support.scripted import Scripted
from tests.support.serving import serving

SECRET = "s" * 32
ROOT = "sk-root"
NASTY = (
    "'; DROP TABLE usage; --",
    '" OR 1=1 --',
    "a\r\nx-injected: yes\r\n\r\n<html>",
    "\x00\x1b[2J\u202e\ud7ff\U0001f4a9",
    "../../etc/passwd",
    "%0d%0ax-injected:%20yes",
    "{{7*7}}${jndi:ldap://x}",
    "x" * 5000,
    "",
)
FIELD = st.one_of(st.sampled_from(NASTY), st.text(max_size=60))
ANY = st.one_of(FIELD, st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.lists(FIELD, max_size=3))
# What a client can write into a header at all; the parser refuses the rest.
HEADER = FIELD.map(lambda text: text.encode("utf-8", "ignore")[:2000].translate(None, b"\r\n\0"))
HEADERS = (
    *("cache-control", "x-forebay-provider", "accept", "origin", "host"),
    *("content-type", "traceparent", "x-request-id"),
)
QUERIES = ("model", "principal", "tenant", "since", "after", "by", "format")
SEARCHES = ("q", "query", "search", "after", "limit", "model", "rating")
LIGHTLY = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


class Target:
    """A server in a thread of its own, and what it answers."""

    def __init__(self, port: int, folder: Path) -> None:
        self.port = port
        self.folder = folder

    def ask(self, method: str, path: str, body: Any = None, **headers: Any) -> tuple[int, bytes]:
        """One request; what must hold for every answer is looked at here."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as connection:
            data = None if body is None else json.dumps(body, ensure_ascii=True).encode()
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            named.setdefault("authorization", f"Bearer {ROOT}")
            connection.request(method, path, data, {"content-type": "application/json", **named})
            answer = connection.getresponse()
            text = answer.read()
        assert answer.status < 500, text
        assert answer.headers["x-injected"] is None
        return answer.status, text

    def chat(self, **fields: Any) -> dict[str, Any]:
        return {"model": "m", "messages": [{"role": "user", "content": "Hi"}], **fields}


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    folder = tmp_path_factory.mktemp("hostile")
    issuer = IssuerSettings(
        "jobs",
        ("forebay",),
        algorithms=("HS256",),
        secret=Secret(SECRET),
        claims=ClaimSettings(tenant="org", models="models"),
    )
    chosen = Settings(
        auth=AuthSettings(
            (KeySettings(Secret(ROOT), "root", admin=True),), IssuedKeySettings(Secret("p" * 16)), (issuer,)
        ),
        store=StoreSettings(Secret(f"sqlite:///{folder}/forebay.db")),
        cache=cache_settings("memory"),
        models={"m": ModelSettings((DeploymentSettings("p"),))},
    )
    ended = threading.Event()
    ports: list[int] = []

    async def live() -> None:
        async with serving(assemble(chosen, {"p": Scripted(WHOLE, Usage(3, 1))})) as running:
            ports.append(running.port)
            listening.set()
            await asyncio.to_thread(ended.wait)

    listening = threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(live()))
    thread.start()
    assert listening.wait(30)
    yield Target(ports[0], folder)
    ended.set()
    thread.join(30)


@LIGHTLY
@given(name=FIELD, tenant=FIELD, scope=FIELD, model=FIELD)
def test_fields_of_a_key(target: Target, name: str, tenant: str, scope: str, model: str) -> None:
    status, text = target.ask("POST", "/admin/keys", {"name": name, "tenant": tenant, "models": ["m", model or "m"]})
    assert status in {201, 400}
    if status == 201:
        made = json.loads(text)
        bearer = f"Bearer {made['key']}"
        deadline = time.monotonic() + 5
        while target.ask("GET", "/v1/models", authorization=bearer)[0] == 401 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert target.ask("POST", "/v1/chat/completions", target.chat(), authorization=bearer)[0] == 200
        assert target.ask("DELETE", f"/admin/keys/{made['id']}")[0] == 200
    assert target.ask("POST", "/admin/keys", {"name": "a", "scopes": [scope]})[0] in {201, 400}


@LIGHTLY
@given(field=st.sampled_from(["model", "user", "metadata", "seed", "stop", "cache", "messages", "stream"]), value=ANY)
def test_fields_of_a_request(target: Target, field: str, value: object) -> None:
    for path in ("/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1/embeddings", "/v1/load_lora_adapter"):
        target.ask("POST", path, target.chat(max_tokens=5, lora_name="a", **{field: value}))
    target.ask("POST", "/v1/chat/completions", target.chat(metadata={"a": value}, user=value))


@LIGHTLY
@given(one=ANY, other=FIELD)
def test_fields_of_what_is_kept(target: Target, one: object, other: str) -> None:
    """Conversations and opinions, which go into the database as they are."""
    said = {"type": "message", "role": "user", "content": one}
    for items in ([said], [{**said, "content": other}]):
        status, text = target.ask("POST", "/v1/conversations", {"metadata": {"topic": other[:512]}, "items": items})
        if status < 300:
            identity = json.loads(text)["id"]
            target.ask("POST", f"/v1/conversations/{identity}", {"metadata": {other[:60]: other}, "title": one})
            target.ask("POST", f"/v1/conversations/{identity}/items", {"items": [said]})
            target.ask("GET", f"/v1/conversations/{identity}/items")
            target.ask("POST", "/v1/responses", {"model": "m", "input": other, "conversation": identity})
            target.ask("DELETE", f"/v1/conversations/{identity}")
    for body in ({"request_id": other, "comment": other}, {"request_id": "a", "score": one, "labels": [other]}):
        target.ask("POST", "/v1/feedback", body)
    target.ask("POST", "/v1/conversations/import", one)


@LIGHTLY
@given(name=st.sampled_from(HEADERS), value=HEADER)
def test_headers(target: Target, name: str, value: bytes) -> None:
    for method, path, body in (("POST", "/v1/chat/completions", target.chat()), ("GET", "/v1/files", None)):
        target.ask(method, path, body, **{name: value})


@LIGHTLY
@given(value=HEADER)
def test_credentials(target: Target, value: bytes) -> None:
    for scheme in (b"", b"Bearer ", b"Bearer fb-", b"Bearer eyJ", b"Basic "):
        assert target.ask("GET", "/v1/models", authorization=scheme + value)[0] in {400, 401}


@LIGHTLY
@given(value=FIELD)
def test_paths_and_queries(target: Target, value: str) -> None:
    text = quote(value.encode("utf-8", "replace"), safe="")[:3000]
    for method, path in (
        *(
            ("GET", f"{prefix}{text}")
            for prefix in ("/", "/v1/models/", "/admin/keys/", "/admin/cache/", "/v1/files/", "/v1/conversations/")
        ),
        ("GET", f"/v1/requests/{text}/route"),
        *(
            ("GET", f"/v1/usage?{name}={text}")
            for name in ("model", "principal", "tenant", "since", "after", "by", "format")
        ),
        *(
            ("GET", f"/v1/{kept}?{name}={text}")
            for kept in ("conversations", "feedback", "requests")
            for name in SEARCHES
        ),
        ("DELETE", f"/admin/cache?tenant={text}"),
        ("DELETE", f"/admin/cache?model={text}&namespace={text}"),
    ):
        target.ask(method, path)


@LIGHTLY
@given(sub=ANY, org=ANY, models=ANY, scope=ANY)
def test_claims(target: Target, sub: object, org: object, models: object, scope: object) -> None:
    now = int(time.time())
    claims = {"iss": "jobs", "aud": "forebay", "iat": now, "exp": now + 60, "sub": sub, "org": org, "models": models}
    key = OctKey.import_key(SECRET)
    token = sign(key, json.dumps({**claims, "scope": scope}).encode(), "HS256")
    status, _ = target.ask("POST", "/v1/chat/completions", target.chat(), authorization=f"Bearer {token}")
    assert status in {200, 400, 401, 403, 404}


def test_nested_and_huge_tokens(target: Target) -> None:
    now = int(time.time())
    key = OctKey.import_key(SECRET)
    inner = sign(key, {"iss": "jobs", "aud": "forebay", "exp": now + 60, "sub": "a"}, "HS256")
    for token in (
        sign(key, inner.encode(), "HS256", cty="JWT"),
        sign(key, b"[" * 3000 + b"]" * 3000, "HS256"),
        sign(key, b'{"a":' * 1000 + b"1" + b"}" * 1000, "HS256"),
        f"{inner}.{inner}",
        "eyJ" + "A" * 40_000,
    ):
        assert target.ask("GET", "/v1/models", authorization=f"Bearer {token}")[0] == 401
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", target.port, timeout=20)) as connection:
        with contextlib.suppress(ConnectionError):
            connection.request("GET", "/v1/models", headers={"authorization": f"Bearer {'x' * 10**6}"})
        assert connection.getresponse().status == 400


def test_nothing_is_lost_or_forged_after_all_that(target: Target) -> None:
    """The tables are there, with rows of whoever asked; metrics are still what a parser reads."""
    assert target.ask("POST", "/v1/chat/completions", target.chat())[0] == 200
    deadline = time.monotonic() + 10
    count = 0
    while not count and time.monotonic() < deadline:
        with contextlib.closing(sqlite3.connect(target.folder / "forebay.db")) as connection:
            count = connection.execute("SELECT count(*) FROM usage WHERE principal = 'root'").fetchone()[0]
        time.sleep(0.05)
    assert count
    for line in target.ask("GET", "/metrics")[1].decode().splitlines():
        assert line.startswith("#") or float(line.rpartition(" ")[2]) >= 0
