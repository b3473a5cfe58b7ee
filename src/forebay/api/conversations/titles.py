"""Titles of conversations: the first words at once, and what a model makes of the first answer."""

import time
from collections.abc import Sequence
from typing import Final

import msgspec

from forebay.core.conversations import Conversations, Item
from forebay.core.ports import Handler
from forebay.core.types import Call, Operation, Principal, Request, Trace, Whole

LENGTH: Final = 60
WORDS: Final = 12
TOKENS: Final = 40
SHOWN: Final = 1000
"""So many characters of question and answer are shown to the model."""

PROMPT: Final = (
    "Write a title of two to six words for this conversation, in its language. "
    "Answer with the title alone.\n\nUser: {}\n\nAssistant: {}"
)


class _Message(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    message: _Message


class _Answer(msgspec.Struct):
    choices: list[_Choice]


def first_words(items: Sequence[Item]) -> str:
    """The begin of what the user says first, up to `LENGTH` characters; empty if that is no text."""
    text = next((item.text for item in items if item.role == "user" and item.text.strip()), "")
    words = " ".join(text[: 10 * LENGTH].split())
    if len(words) <= LENGTH:
        return words
    cut = words[:LENGTH]
    return (cut.rpartition(" ")[0] or cut) + "…"


def title_of(text: str) -> str:
    """The title in what a model answered; empty if it is none: too long, or nothing."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    title = line.removeprefix("Title:").strip(" \t*#\"'“”„«»`").rstrip(".")
    return title if len(title) <= LENGTH and len(title.split()) <= WORDS else ""


class Titling(msgspec.Struct, frozen=True):
    """Asks the model that answered, on behalf of the one who asked it."""

    ask: Handler
    conversations: Conversations

    async def __call__(self, principal: Principal, model: str, request_id: str, conversation: str, said: str) -> None:
        """Give ``conversation`` a title, if the model has one for what was ``said``.

        Raises:
            ForebayError: it has not, or it cannot be kept.
        """
        messages = [{"role": "user", "content": said}]
        body = msgspec.json.encode({"model": model, "messages": messages, "max_tokens": TOKENS, "temperature": 0})
        request = Request(Operation.CHAT, model, body, translated=True)
        reply = await self.ask(Call(f"{request_id}_title", request, principal, Trace(time.perf_counter())))
        if isinstance(reply, Whole) and (title := title_of(_content(reply.body))):
            await self.conversations.retitle(conversation, title)


def prompt(question: str, answer: str) -> str:
    """How a model is asked."""
    return PROMPT.format(question[:SHOWN], answer[:SHOWN])


def _content(body: bytes) -> str:
    try:
        choices = msgspec.json.decode(body, type=_Answer).choices
    except msgspec.DecodeError:
        return ""
    return (choices[0].message.content or "") if choices else ""
