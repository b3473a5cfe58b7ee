"""However many credentials come, the server's memory stays what it was."""

import asyncio
import itertools
import json
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp
import psutil
import pytest
from joserfc.jwk import OctKey

from tests.support.issuing import sign
from tests.support.served import forebay

MIB = 1024 * 1024
SECRET = "s" * 32
KEY = OctKey.import_key(SECRET)
CONFIG = f"""
auth:
  issued_keys: {{pepper: "0123456789abcdef"}}
  issuers: [{{issuer: jobs, audience: [forebay], algorithms: [HS256], secret: {SECRET}, claims: {{tenant: sub}}}}]
log: {{requests: false}}
store: {{url: 'sqlite:///FOLDER/forebay.db'}}
providers: {{a: {{kind: openai, base_url: 'http://127.0.0.1:1/v1'}}}}
models: {{m: {{provider: a}}}}
"""


def token(number: int) -> str:
    """A good token of somebody who has not been here."""
    now = int(time.time())
    told = {"iss": "jobs", "aud": "forebay", "exp": now + 600, "sub": f"user-{number}", "scope": "chat"}
    return sign(KEY, json.dumps(told).encode(), "HS256")


CREDENTIALS: tuple[Callable[[int], str], ...] = (
    lambda number: f"fb-{number:043d}",
    lambda number: f"sk-{number}",
    lambda number: f"eyJ{number}.e30.AAAA",
    token,
)


async def ask(url: str, first: int, count: int) -> None:
    """So many requests, each by a credential that was never there before."""
    numbers = iter(range(first, first + count))
    body = {"model": "unknown", "messages": []}

    async def client(http: aiohttp.ClientSession) -> None:
        for number in numbers:
            headers = {"authorization": f"Bearer {CREDENTIALS[number % len(CREDENTIALS)](number)}"}
            async with http.post(f"{url}/v1/chat/completions", json=body, headers=headers) as answer:
                assert answer.status in {400, 401, 404}, await answer.text()

    async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as clients:
        for _ in range(32):
            clients.create_task(client(http))


@pytest.mark.slow
def test_memory_stays_what_it_was(tmp_path: Path) -> None:
    config = tmp_path / "forebay.yaml"
    config.write_text(CONFIG.replace("FOLDER", str(tmp_path)))
    with forebay("--config", str(config), patience=60) as served:
        process = psutil.Process(served.process.pid)
        sizes = []
        for first in itertools.count(0, 20_000):
            asyncio.run(ask(served.url, first, 20_000))
            sizes.append(process.memory_info().rss)
            if len(sizes) == 4:
                break
        print([round(size / MIB) for size in sizes])  # noqa: T201  # seen with -s
        assert sizes[3] - sizes[1] < 16 * MIB
