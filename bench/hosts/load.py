"""Asks gateways for streams at a steady rate, however the earlier ones fare, and prints what became of each."""

import argparse
import asyncio
import json
import time

import aiohttp

KEY = "sk-bench-hosts-0123456789"
PATIENCE = 10.0
"""So many seconds a request may take before its client goes."""

OK, TOLD, UNTOLD, NO_ANSWER, NO_CONNECTION = "ok", "broken, told", "broken, untold", "no answer", "no connection"


async def ask(session: aiohttp.ClientSession, url: str, model: str) -> dict[str, object]:
    """One request, from its begin to what became of it; times are of the monotonic clock."""
    begin, first, outcome = time.monotonic(), None, NO_ANSWER
    body = {"model": model, "messages": [{"role": "user", "content": "Hi"}], "stream": True, "max_tokens": 10}
    try:
        async with session.post(f"{url}/v1/chat/completions", json=body) as reply:
            outcome = UNTOLD if reply.status == 200 else str(reply.status)
            async for line in reply.content:
                if reply.status != 200 or not line.startswith(b"data: "):
                    continue
                first = first or time.monotonic()
                if b'"error"' in line:
                    outcome = TOLD
                elif line.startswith(b"data: [DONE]") and outcome == UNTOLD:
                    outcome = OK
    except TimeoutError:
        outcome = NO_ANSWER if first is None else UNTOLD
    except aiohttp.ClientConnectorError:
        outcome = NO_CONNECTION
    except aiohttp.ClientError:
        outcome = UNTOLD if first else NO_ANSWER
    ttft = first - begin if first else None
    return {"url": url, "model": model, "begin": begin, "end": time.monotonic(), "ttft": ttft, "outcome": outcome}


async def run(urls: list[str], model: str, rate: float, seconds: float) -> None:
    """Ask each of ``urls`` ``rate`` times a second for ``seconds``."""
    timeout = aiohttp.ClientTimeout(total=PATIENCE)
    asked: list[asyncio.Task[dict[str, object]]] = []
    headers = {"authorization": f"Bearer {KEY}"}
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
        start = time.monotonic()
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, start + number / rate - time.monotonic()))
            asked += [asyncio.create_task(ask(session, url, model)) for url in urls]
        for done in await asyncio.gather(*asked):
            print(json.dumps(done))


def main() -> None:
    """Ask, and print a line of JSON for each request."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("urls", nargs="+")
    parser.add_argument("--model", default="paced")
    parser.add_argument("--rate", type=float, default=5.0)
    parser.add_argument("--seconds", type=float, default=20.0)
    given = parser.parse_args()
    asyncio.run(run(given.urls, given.model, given.rate, given.seconds))


if __name__ == "__main__":
    main()
