"""The nouns of a replay: a request, and what became of it, then and now."""

from typing import Any, Final

import msgspec

from forebay.core.money import PICO

PATHS: Final = {
    "chat/completions": "/chat/completions",
    "completions": "/completions",
    "embeddings": "/embeddings",
}
OK: Final = 200


class Outcome(msgspec.Struct, frozen=True):
    """What became of a request: ``cost`` in dollars, ``None`` where it is not known; ``latency`` in seconds.

    ``verdicts`` are what guards objected to, as ``guard:outcome``; ``None`` where nobody tells.
    """

    status: int
    latency: float
    text: str = ""
    error: str = ""
    cost: float | None = None
    tokens: int = 0
    verdicts: tuple[str, ...] | None = None


class Exchange(msgspec.Struct, frozen=True):
    """A request, at a path of OpenAI's API, and what became of it, if that is known."""

    id: str
    operation: str
    body: dict[str, Any]
    before: Outcome | None = None


def of_capture(capture: dict[str, Any]) -> Exchange:
    """A capture as ``/v1/captures`` tells it.

    Raises:
        KeyError, TypeError: it is none.
    """
    story, reply = capture.get("story"), capture.get("reply")
    before = None
    if story is not None and (reply is not None or story["error"]):
        cost = story["cost"]
        before = Outcome(
            int(story["status"]),
            float(story["latency"]),
            text_of(reply or {}),
            story["error"] or "",
            None if cost is None else cost / PICO,
            int(story["completion_tokens"]),
            objections(story),
        )
    return Exchange(str(capture["id"]), str(capture["operation"]), dict(capture["request"]), before)


def objections(story: dict[str, Any]) -> tuple[str, ...]:
    """What guards objected to, each once."""
    found = {f"{each['guard']}:{each['outcome']}" for each in story["guards"] if each["outcome"] != "passed"}
    return tuple(sorted(found))


def text_of(reply: dict[str, Any]) -> str:
    """What a whole reply says, tool calls included; of a vector nothing."""
    choices = reply.get("choices")
    if not isinstance(choices, list) or not choices:
        return ""
    message = choices[0].get("message") or {}
    said = [choices[0].get("text"), message.get("content"), message.get("refusal")]
    calls = [each.get("function", {}) for each in message.get("tool_calls") or ()]
    said += [f"{call.get('name')} {call.get('arguments')}" for call in calls]
    return "\n".join(each for each in said if isinstance(each, str) and each)
