"""An upstream with OpenAI's endpoints for sounds, images, judgements, files and batches, as its document has them."""

import asyncio
import email
import email.policy
import json
import re
from typing import Any

from tests.support.schemas import check
from tests.support.upstream import Asked, Peer, chunk, reply

AUDIO = bytes(range(256)) * 40
PNG = b"\x89PNG\r\n\x1a\n--not-a-boundary\r\n\r\n" + bytes(300)
CONTENT = b'{"custom_id": "1"}\n{"custom_id": "2"}\n'

CATEGORIES = [
    *("hate", "hate/threatening", "harassment", "harassment/threatening", "illicit", "illicit/violent", "self-harm"),
    *("self-harm/intent", "self-harm/instructions", "sexual", "sexual/minors", "violence", "violence/graphic"),
]
MODERATION = {
    "id": "modr-1",
    "model": "omni-moderation-latest",
    "results": [
        {
            "flagged": False,
            "categories": dict.fromkeys(CATEGORIES, False),
            "category_scores": dict.fromkeys(CATEGORIES, 0.01),
            "category_applied_input_types": {name: ["text"] for name in CATEGORIES},
        }
    ],
}
IMAGE_USAGE = {
    "input_tokens": 7,
    "output_tokens": 30,
    "total_tokens": 37,
    "input_tokens_details": {"text_tokens": 7, "image_tokens": 0},
}
IMAGES = {"created": 1, "data": [{"b64_json": "aGk="}], "usage": IMAGE_USAGE}
TEXT_USAGE = {"type": "tokens", "input_tokens": 14, "output_tokens": 3, "total_tokens": 17}
TRANSCRIPT = {"text": "Hello there.", "usage": TEXT_USAGE}
FILE = {
    "id": "file-abc",
    "object": "file",
    "bytes": len(CONTENT),
    "created_at": 1,
    "expires_at": 2,
    "filename": "batch.jsonl",
    "purpose": "batch",
    "status": "processed",
}
BATCH = {
    "id": "batch_1",
    "object": "batch",
    "endpoint": "/v1/chat/completions",
    "input_file_id": "file-abc",
    "completion_window": "24h",
    "status": "validating",
    "created_at": 1,
}
SPEECH_EVENTS: list[dict[str, Any]] = [
    {"type": "speech.audio.delta", "audio": "aGk="},
    {"type": "speech.audio.done", "usage": {"input_tokens": 4, "output_tokens": 9, "total_tokens": 13}},
]
TRANSCRIPT_EVENTS: list[dict[str, Any]] = [
    {"type": "transcript.text.delta", "delta": "Hello"},
    {"type": "transcript.text.done", "text": "Hello there.", "usage": TEXT_USAGE},
]
IMAGE_EVENTS: list[dict[str, Any]] = [
    {
        "type": f"image_generation.{what}",
        "b64_json": "aGk=",
        "created_at": 1,
        "size": "1024x1024",
        "quality": "high",
        "background": "opaque",
        "output_format": "png",
        **more,
    }
    for what, more in (("partial_image", {"partial_image_index": 0}), ("completed", {"usage": IMAGE_USAGE}))
]
SCHEMAS = {
    "/audio/transcriptions": "CreateTranscriptionRequest",
    "/audio/translations": "CreateTranslationRequest",
    "/images/edits": "CreateImageEditRequest",
    "/images/variations": "CreateImageVariationRequest",
    "/files": "CreateFileRequest",
}


def form_of(asked: Asked) -> list[tuple[str, str | None, bytes]]:
    """Name, file's name and content of every field, as the standard library reads a form."""
    head = b"content-type: " + asked.headers["content-type"].encode() + b"\r\n\r\n"
    message = email.message_from_bytes(head + asked.body, policy=email.policy.HTTP)
    assert message.is_multipart()
    found = []
    for part in message.iter_parts():
        disposition = part["content-disposition"].params
        data = part.get_payload(decode=True)
        assert isinstance(data, bytes)
        found.append((disposition["name"], disposition.get("filename"), data))
    return found


def fields_of(asked: Asked) -> dict[str, Any]:
    """The fields as JSON would have them: files as strings, numbers as such, ``name[]`` as lists."""
    fields: dict[str, Any] = {}
    for name, filename, data in form_of(asked):
        value: Any = data.decode("latin-1")
        if filename is None and re.fullmatch(r"true|false|-?\d+(\.\d+)?", value):
            value = json.loads(value)
        base, bracket, rest = name.partition("[")
        if not bracket:
            fields[base] = value
        elif rest == "]":
            fields.setdefault(base, []).append(value)
        else:
            fields.setdefault(base, {})[rest[:-1]] = value
    return fields


async def openai_media(asked: Asked, peer: Peer) -> None:
    """Answer one request, which must be one that OpenAI's specification knows."""
    path = asked.target.partition("?")[0].removeprefix("/v1")
    if path in SCHEMAS and asked.method == "POST":
        fields = await asyncio.to_thread(fields_of, asked)
        await asyncio.to_thread(check, SCHEMAS[path], fields)
    elif asked.method == "POST" and asked.body:
        fields = json.loads(asked.body)
        if path != "/rerank":
            await asyncio.to_thread(check, path, fields)
    else:
        assert not asked.body
        fields = {}
    await peer.send(*_answer(asked.method, path, fields))


def _answer(method: str, path: str, fields: dict[str, Any]) -> list[bytes]:
    streams = {"/audio/transcriptions": TRANSCRIPT_EVENTS, "/images/generations": IMAGE_EVENTS}
    if path == "/audio/speech":
        return _events(SPEECH_EVENTS) if fields.get("stream_format") == "sse" else _audio()
    if fields.get("stream") and path in streams:
        return _events(streams[path])
    if fields.get("response_format") in {"text", "srt", "vtt"}:
        return [reply(b"Hello there.\n", b"content-type: text/plain; charset=utf-8")]
    if path == "/files/file-abc/content":
        return [reply(CONTENT, b"content-type: application/octet-stream")]
    return [_json(_object(method, path))]


def _object(method: str, path: str) -> object:
    listed = {"object": "list", "has_more": False, "first_id": "a", "last_id": "a"}
    rerank = {"id": "r", "results": [{"index": 1, "relevance_score": 0.9}], "usage": {"total_tokens": 21}}
    found: dict[tuple[str, str], object] = {
        ("POST", "/rerank"): rerank,
        ("POST", "/moderations"): MODERATION,
        ("POST", "/audio/transcriptions"): TRANSCRIPT,
        ("POST", "/audio/translations"): {"text": "Hello there."},
        ("POST", "/images/generations"): IMAGES,
        ("POST", "/images/edits"): IMAGES,
        ("POST", "/images/variations"): IMAGES,
        ("POST", "/files"): FILE,
        ("GET", "/files"): {**listed, "data": [FILE]},
        ("GET", "/files/file-abc"): FILE,
        ("DELETE", "/files/file-abc"): {"id": "file-abc", "object": "file", "deleted": True},
        ("POST", "/batches"): BATCH,
        ("GET", "/batches"): {**listed, "data": [BATCH]},
        ("GET", "/batches/batch_1"): {**BATCH, "status": "completed", "usage": IMAGE_USAGE},
        ("POST", "/batches/batch_1/cancel"): {**BATCH, "status": "cancelling"},
    }
    return found[method, path]


def _json(body: object) -> bytes:
    return reply(json.dumps(body).encode(), b"content-type: application/json")


def _audio() -> list[bytes]:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\ntransfer-encoding: chunked\r\n\r\n"
    return [head, *(chunk(AUDIO[at : at + 1000]) for at in range(0, len(AUDIO), 1000)), chunk(b"")]


def _events(events: list[dict[str, Any]]) -> list[bytes]:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    data = [f"event: {each['type']}\ndata: {json.dumps(each)}\n\n".encode() for each in events]
    return [head, *map(chunk, data), chunk(b"")]
