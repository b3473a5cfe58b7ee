"""A conversation as a page for whoever has a link to it: text only, nothing of it is taken for HTML."""

from collections.abc import Sequence
from html import escape
from typing import Final

from forebay.core.conversations import Item
from forebay.transcripts import text_of

_BODY: Final = "margin:0 auto;padding:24px;max-width:46em;color:#222222;background:#ffffff;font:16px/1.5 sans-serif"
_TEXT: Final = "white-space:pre-wrap;overflow-wrap:anywhere;margin:4px 0 20px 0"
_SHOWN: Final = ("user", "assistant")


def page(title: str, items: Sequence[Item]) -> bytes:
    """What was said in ``items``, oldest first, but for what was said to the model alone."""
    name = escape(title or "Conversation")
    said = "".join(_said(item) for item in items if item.type == "message" and item.role in _SHOWN)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{name}</title></head>\n'
        f'<body style="{_BODY}"><h1 style="font-size:22px">{name}</h1>\n{said}</body></html>\n'
    ).encode()


def _said(item: Item) -> str:
    text = escape(text_of(item.fields.get("content")))
    return f'<h2 style="font-size:14px;margin:0">{escape(item.role.capitalize())}</h2><p style="{_TEXT}">{text}</p>\n'
