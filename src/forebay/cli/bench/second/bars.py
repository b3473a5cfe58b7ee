"""Draws pairs of bars as SVG: text that any browser shows, without a library."""

import math
from collections.abc import Sequence
from html import escape
from typing import Final

import msgspec

WIDTH: Final = 640
ROW: Final = 44
LEFT, RIGHT, TOP = 90, 90, 40
FIRST, SECOND = "#0b6e99", "#3a7d34"


class Bar(msgspec.Struct, frozen=True):
    """What a row shows, in milliseconds."""

    name: str
    first: float
    second: float


def svg(title: str, bars: Sequence[Bar]) -> str:
    """The plot, on a logarithmic scale, as the text of an SVG file."""
    values = [value for bar in bars for value in (bar.first, bar.second) if value > 0]
    low = math.floor(math.log10(min(values, default=0.1)))
    high = max(math.ceil(math.log10(max(values, default=1.0))), low + 1)

    def width(value: float) -> float:
        share = (math.log10(value) - low) / (high - low) if value > 0 else 0.0
        return max(1.0, share * (WIDTH - LEFT - RIGHT))

    height = TOP + ROW * len(bars) + 30
    parts = [_text(WIDTH / 2, 20, title, "middle")]
    for number, bar in enumerate(bars):
        top = TOP + number * ROW
        parts.append(_text(LEFT - 8, top + 20, bar.name, "end"))
        for offset, value, colour, what in ((4, bar.first, FIRST, "first"), (20, bar.second, SECOND, "second")):
            parts.append(
                f'<rect x="{LEFT}" y="{top + offset}" width="{width(value):.1f}" height="14" fill="{colour}"/>'
            )
            parts.append(_text(LEFT + width(value) + 4, top + offset + 11, f"{value:.2f} ms {what}", "start"))
    head = f'viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" role="img" aria-label="{escape(title)}"'
    back = '<rect width="100%" height="100%" fill="#fff"/>'
    foot = _text(WIDTH / 2, height - 8, "p50, logarithmic", "middle")
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" {head}>', back, *parts, foot, "</svg>", ""])


def _text(x: float, y: float, said: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="12" fill="#333">{escape(said)}</text>'
