"""The faults of `table.toml` as bytes: what an upstream sends, streamed and whole."""

import json
from collections.abc import Mapping

import msgspec

from tests.support.faulty import CHUNKED, LAST_CHUNK, PAUSE, RESET, UNTIL_CLOSED, Script, chunk, whole

TEXT = "Grüße 🌍 from the first"


def event(delta: Mapping[str, str], finish: str | None = None) -> bytes:
    """One chunk of an answer."""
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return b"data: " + json.dumps(_reply("chat.completion.chunk", choice), ensure_ascii=False).encode() + b"\n\n"


def body(text: str = TEXT, finish: str | None = "stop") -> bytes:
    """A whole answer."""
    message = {"role": "assistant", "content": text, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    return json.dumps({**_reply("chat.completion", choice), "usage": usage}, ensure_ascii=False).encode()


def _reply(kind: str, choice: Mapping[str, object]) -> dict[str, object]:
    return {"id": "x", "object": kind, "created": 1, "model": "m", "choices": [choice]}


class Fault(msgspec.Struct, frozen=True):
    """What is sent for one request after the other, the last for ever; ``None``: nobody listens."""

    streamed: tuple[Script, ...] | None
    whole: tuple[Script, ...] | None


def both(*scripts: Script) -> Fault:
    """One that is the same for both."""
    return Fault(scripts, scripts)


ROLE, STOP, DONE = event({"role": "assistant", "content": ""}), event({}, "stop"), b"data: [DONE]\n\n"
HALF, REST = event({"content": TEXT[:9]}), event({"content": TEXT[9:]})
STREAM = ROLE + HALF + REST + STOP + DONE
JSON = body()
GOOD = Fault(([CHUNKED + chunk(STREAM) + LAST_CHUNK],), ([whole(JSON)],))

_LENGTH = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(JSON)
_CLOSING = _LENGTH.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")
_CHUNKED_JSON = CHUNKED.replace(b"text/event-stream", b"application/json")
_SPLIT = HALF.index("ü".encode()) + 1
_DEEP = b'{"choices": ' + b"[" * 200_000
_GARBLED = b"\xff\xfe"
_BUSY = b'{"error": {"message": "overloaded", "code": 503}}'


def dripping(data: bytes) -> Script:
    """The same chunk again and again, for two seconds."""
    return [step for _ in range(40) for step in (chunk(data), 0.05)]


def _error(status: int, code: str = "oops", *headers: str) -> Fault:
    told = json.dumps({"error": {"message": "no", "type": "x", "code": code}}).encode()
    return both([whole(told, status, *headers)])


FAULTS: dict[str, Fault] = {
    "cut after the role, before any content": Fault(([CHUNKED, chunk(ROLE), 0.02],), ([_CLOSING],)),
    "cut after two tokens": Fault(([CHUNKED, chunk(ROLE + HALF), chunk(REST)],), ([_CLOSING + JSON[:-30]],)),
    "cut in the middle of an event": Fault(([CHUNKED, chunk(ROLE + HALF + REST[:20])],), ([_CLOSING + JSON[:20]],)),
    "ends without a finish_reason": Fault(
        ([CHUNKED + chunk(ROLE + HALF + REST) + LAST_CHUNK],), ([whole(body(finish=None))],)
    ),
    "stalls after a token": Fault(([CHUNKED, chunk(ROLE + HALF), PAUSE],), ([_LENGTH + JSON[:20], PAUSE],)),
    "stalls before the first token": Fault(([CHUNKED, PAUSE],), ([PAUSE],)),
    "only comments, no first token": Fault(
        ([CHUNKED, *dripping(b": wait\n\n"), PAUSE],), ([_CHUNKED_JSON, *dripping(b" "), PAUSE],)
    ),
    "takes longer than the total time-out": Fault(
        ([CHUNKED, chunk(ROLE), *dripping(HALF), PAUSE],),
        ([_CHUNKED_JSON, *dripping(b" "), PAUSE],),
    ),
    "malformed first event": Fault(([CHUNKED + chunk(b"data: {oops\n\n")],), ([whole(b"{oops")],)),
    "malformed later event": Fault(([CHUNKED, chunk(ROLE + HALF), 0.02, chunk(b"data: {oops\n\n")],), ([whole(b"[")],)),
    "nested too deeply": Fault(([CHUNKED + chunk(b"data: " + _DEEP + b"\n\n")],), ([whole(_DEEP)],)),
    "no UTF-8, in a later event": Fault(
        ([CHUNKED, chunk(ROLE + HALF), 0.02, chunk(HALF.replace("ü".encode(), _GARBLED))],),
        ([whole(JSON.replace("ü".encode(), _GARBLED))],),
    ),
    "empty stream": Fault(([CHUNKED + LAST_CHUNK],), ([whole(b"")],)),
    "empty completion with 200": Fault(([CHUNKED + chunk(DONE) + LAST_CHUNK],), ([whole(b'{"choices": []}')],)),
    "error as first event, or in a body with 200": Fault(
        ([CHUNKED + chunk(b"data: " + _BUSY + b"\n\n") + LAST_CHUNK],), ([whole(_BUSY)],)
    ),
    "error after content": Fault(
        ([CHUNKED, chunk(ROLE + HALF), 0.02, chunk(b'data: {"error": {"message": "boom"}}\n\n')],),
        ([whole(b'{"choices": [1], "error": {"message": "boom"}}')],),
    ),
    "HTML with 200": both([whole(b"<html>Welcome</html>", kind="text/html")]),
    "429 with Retry-After": _error(429, "rate_limit_exceeded", "retry-after: 7"),
    "529": _error(529),
    "500": _error(500),
    "401: its key is wrong": _error(401),
    "400: the request is wrong": _error(400),
    "flapping: every other connection fails": Fault(
        ([RESET], *(GOOD.streamed or ())), ([whole(b"", 503)], *(GOOD.whole or ()))
    ),
    "connection reset before a reply": both([RESET]),
    "connection reset after a token": Fault(
        ([CHUNKED, chunk(ROLE + HALF), 0.05, RESET],), ([_LENGTH + JSON[:20], 0.05, RESET],)
    ),
    "connection refused": Fault(None, None),
    "not HTTP": both([b"SSH-2.0-OpenSSH_9.9\r\n\r\n"]),
    "CRLF between events": Fault(
        ([CHUNKED + chunk(STREAM.replace(b"\n", b"\r\n")) + LAST_CHUNK],), ([whole(JSON.replace(b"}", b"\r\n}"))],)
    ),
    "split at every byte": Fault(
        ([CHUNKED, *(chunk(bytes([each])) for each in STREAM), LAST_CHUNK],),
        ([_CHUNKED_JSON, *(chunk(bytes([each])) for each in JSON), LAST_CHUNK],),
    ),
    "a character split over two reads": Fault(
        ([CHUNKED, chunk(ROLE + HALF[:_SPLIT]), 0.03, chunk(HALF[_SPLIT:] + REST + STOP + DONE), LAST_CHUNK],),
        (
            [
                _CHUNKED_JSON,
                chunk(JSON[: JSON.index("ü".encode()) + 1]),
                0.03,
                chunk(JSON[JSON.index("ü".encode()) + 1 :]),
                LAST_CHUNK,
            ],
        ),
    ),
    "no [DONE] at the end": Fault(([UNTIL_CLOSED + ROLE + HALF + REST + STOP],), ([whole(JSON)],)),
}
