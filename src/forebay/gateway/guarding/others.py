"""What is no chat past the rules: forms, transcripts, sorted documents, drawn images, and files.

A guard reads texts. Pictures and sounds pass it by; where texts are hidden in files, for a provider to read later, they
are refused as long as a guard has a say.
"""

from contextlib import aclosing
from typing import Any, Final

import msgspec

from forebay.core.decode import MALFORMED
from forebay.core.errors import ContentFilterError, UnsupportedParameterError, UpstreamError
from forebay.core.form import Form, Part
from forebay.core.ports import Handler
from forebay.core.types import Call, Operation, Reply, Stream, Whole
from forebay.core.verdicts import Side
from forebay.gateway.guarding.inspection import Inspection
from forebay.gateway.guarding.reaction import Violation
from forebay.gateway.guarding.vault import Vault
from forebay.gateway.guarding.whole import judged

TELLING: Final = frozenset(
    {Operation.RERANK, Operation.TRANSCRIPTION, Operation.TRANSLATION, Operation.IMAGE, Operation.IMAGE_EDIT}
)
"""What is answered with texts, though not with a chat's."""

_HEARD: Final = frozenset({Operation.TRANSCRIPTION, Operation.TRANSLATION})
_LONGEST: Final = 16 * 1024 * 1024
"""So many bytes a transcript may have: speech of months."""
_NO_TEXT_FIELDS: Final = frozenset({"model", "stream", "response_format", "language", "size", "n"})


def check_stored(inspection: Inspection) -> None:
    """Refuse what would go past the guards in files and batches of them.

    Raises:
        ContentFilterError: a text would be sent or fetched that no guard has read.
    """
    access = inspection.call.request.access
    if access is None or not any(inspection.enforces(side) for side in Side):
        return
    sends = access.method == "POST" and not access.path.endswith("/cancel")
    if sends or access.path.endswith("/content"):
        raise ContentFilterError("Guards cannot read files and batches: send the requests one by one.")


async def formed(inspection: Inspection, form: Form) -> Call:
    """The call with the fields of its form as the rules let them pass; files pass them by.

    Raises:
        ContentFilterError: a rule does not let one pass, or cannot read it.
        UnavailableError: a guard that has to judge could not.
    """
    call = inspection.call
    inspection.vault = Vault(call.principal, "\n".join(_text(part) or "" for part in form.parts))
    parts = [await _part(inspection, part) for part in form.parts]
    request = msgspec.structs.replace(call.request, form=msgspec.structs.replace(form, parts=tuple(parts)))
    inspection.call = msgspec.structs.replace(call, request=request)
    return inspection.call


async def told(inspection: Inspection, call: Call, ask: Handler) -> Reply:
    """The reply as the rules let it pass.

    Raises:
        ContentFilterError: a rule does not let it pass.
        UnsupportedParameterError: it would come in pieces that no guard could judge.
    """
    operation = call.request.operation
    if operation not in TELLING:
        return await ask(call)
    if call.request.stream and operation in _HEARD:
        raise UnsupportedParameterError("Guards judge transcripts as a whole: ask without 'stream'.", param="stream")
    reply = await ask(call)
    if isinstance(reply, Stream):
        if operation not in _HEARD:
            return reply  # pictures
        reply = await _collected(reply)
    try:
        return msgspec.structs.replace(reply, body=await _passed(inspection, reply))
    except Violation as violation:
        raise violation.error() from None


async def _passed(inspection: Inspection, reply: Whole) -> bytes:
    if reply.content_type and "json" not in reply.content_type:
        return (await _transcript(inspection, _decoded(reply.body))).encode()
    try:
        body: dict[str, Any] = {"data": msgspec.json.decode(reply.body)}
    except MALFORMED:
        raise UpstreamError("The upstream answered with something that guards cannot read.") from None
    await judged(inspection, body, "reply")
    return msgspec.json.encode(body["data"])


async def _collected(reply: Stream) -> Whole:
    """A transcript that is no JSON comes in pieces, of which a guard must see all."""
    body = bytearray()
    async with aclosing(reply.events) as pieces:
        async for piece in pieces:
            body += piece.data
            if len(body) > _LONGEST:
                raise UpstreamError("The upstream answered with a longer transcript than guards can read.")
    return Whole(bytes(body), None, reply.headers, reply.content_type)


async def _transcript(inspection: Inspection, text: str) -> str:
    """``text`` as the rules let it pass; subtitles also as what is said, without the times that part its words."""
    passed = await inspection.of_reply(Side.OUTPUT).end(text)
    said = " ".join(line for line in passed.splitlines() if line.strip() and not _is_cue(line))
    if said != passed.strip() and await inspection.of_reply(Side.OUTPUT).end(said) != said:
        raise ContentFilterError("A rule finds what is parted by the times of the subtitles: ask for plain text.")
    return passed


def _is_cue(line: str) -> bool:
    """Whether a line of subtitles numbers or times what is said (SubRip, WebVTT)."""
    return "-->" in line or line.strip().isdigit() or line.startswith("WEBVTT")


def _decoded(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise UpstreamError("The upstream answered with something that guards cannot read.") from None


async def _part(inspection: Inspection, part: Part) -> Part:
    text = _text(part)
    if text is None or not inspection.judges(Side.INPUT):
        return part
    try:
        passed = await inspection.of_request(Side.INPUT).end(text)
    except Violation as violation:
        raise violation.error(part.name) from None
    if part.filename is not None:
        return msgspec.structs.replace(part, filename=passed)
    return msgspec.structs.replace(part, data=passed.encode())


def _text(part: Part) -> str | None:
    """The text of a field, a file's name; ``None`` of what is known to be none.

    Raises:
        ContentFilterError: it is in no encoding that guards can read.
    """
    if part.filename is not None:
        return part.filename
    if part.name in _NO_TEXT_FIELDS:
        return None
    try:
        return part.data.decode()
    except UnicodeDecodeError:
        raise ContentFilterError(f"Guards cannot read the field '{part.name}'.", param=part.name) from None
