"""Draws lines as SVG: how values are distributed, and how they went over time; text that any browser shows."""

import math
from collections.abc import Sequence
from html import escape
from typing import Final

import msgspec

WIDTH, HEIGHT = 460, 260
LEFT, RIGHT, TOP, BOTTOM = 56, 14, 30, 42
COLOURS: Final = ("#0b6e99", "#c2571a")
MOST_POINTS: Final = 400

Points = Sequence[tuple[float, float]]


class Line(msgspec.Struct, frozen=True):
    """One of a plot's lines."""

    name: str
    points: Points


def cumulative(name: str, values: Sequence[float]) -> Line:
    """What share, in percent, of ``values`` is not above each."""
    ordered = sorted(values)
    places = sorted({round(place * (len(ordered) - 1) / MOST_POINTS) for place in range(MOST_POINTS + 1)})
    return Line(name, [(ordered[place], 100 * (place + 1) / len(ordered)) for place in places] if ordered else ())


def plot(title: str, across: str, up: str, lines: Sequence[Line]) -> str:
    """``lines`` in one plot whose axes begin at zero; ``across`` and ``up`` name them."""
    points = [point for line in lines for point in line.points]
    right = _round_up(max((x for x, _ in points), default=1.0))
    top = _round_up(max((y for _, y in points), default=1.0))
    wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def place(x: float, y: float) -> tuple[float, float]:
        return LEFT + wide * x / right, HEIGHT - BOTTOM - high * y / top

    parts = [_text(WIDTH / 2, 18, title, "middle")]
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        x, y = place(right * share, top * share)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#ddd"/>')
        parts.append(_text(LEFT - 6, y + 4, f"{top * share:g}", "end"))
        parts.append(_text(x, HEIGHT - BOTTOM + 15, f"{right * share:g}", "middle"))
    parts.append(_text(WIDTH / 2, HEIGHT - 8, f"{across}   (up: {up})", "middle"))
    for number, line in enumerate(lines):
        colour = COLOURS[number % len(COLOURS)]
        path = " ".join("{:.1f},{:.1f}".format(*place(*point)) for point in line.points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        if len(lines) > 1:
            parts.append(_text(WIDTH - RIGHT - 6, HEIGHT - BOTTOM - 8 - 15 * number, line.name, "end", colour))
    head = f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" role="img" aria-label="{escape(title)}"'
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" {head}>', *parts, "</svg>"])


def _round_up(value: float) -> float:
    """The next of 1, 2, 5, 10, 20, … times a power of ten, in steps that quarter well."""
    if value <= 0 or not math.isfinite(value):
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next((step * power for step in (1, 1.2, 1.6, 2, 2.4, 3.2, 4, 5, 6, 8) if step * power >= value), 10 * power)


def _text(x: float, y: float, said: str, anchor: str, fill: str = "#333") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="11" fill="{fill}"'
    return f"<text {place}>{escape(said)}</text>"
