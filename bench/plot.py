"""Draws curves as SVG, so that a plot in the documentation is text that can be compared and needs no library."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 640, 300
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 34, 44
TICKS = 5
COLOURS = ("#0b6e99", "#b4450f", "#3a7d34")

Point = tuple[float, float]


@dataclass(frozen=True)
class Curve:
    """A line of the plot and what it shows."""

    name: str
    points: Sequence[Point]


@dataclass(frozen=True)
class Axes:
    """What the axes say. The horizontal one is logarithmic to the base of two, the vertical one begins at zero."""

    title: str
    across: str
    up: str


def svg(axes: Axes, curves: Sequence[Curve]) -> str:
    """The plot, as the text of an SVG file."""
    places = sorted({x for curve in curves for x, _ in curve.points})
    top = _round_up(max(y for curve in curves for _, y in curve.points))
    low, high = math.log2(places[0]), math.log2(places[-1])

    def at(point: Point) -> Point:
        across = (math.log2(point[0]) - low) / (high - low or 1)
        return LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - point[1] / top * (HEIGHT - TOP - BOTTOM)

    parts = [_text(WIDTH / 2, 18, axes.title), _text(WIDTH / 2, HEIGHT - 8, axes.across)]
    parts.append(f'<g transform="rotate(-90 14 {HEIGHT / 2:.0f})">{_text(14, HEIGHT / 2, axes.up)}</g>')
    parts += [_text(at((place, 0))[0], HEIGHT - BOTTOM + 16, f"{place:g}") for place in places]
    for tick in range(TICKS + 1):
        value = top * tick / TICKS
        _, y = at((places[0], value))
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        parts.append(_text(LEFT - 8, y + 4, f"{value:g}", anchor="end"))
    for colour, curve in zip(COLOURS, curves, strict=False):
        parts += _drawn(colour, [at(point) for point in curve.points])
    parts += [
        _text(LEFT + 12, TOP + 14 + 16 * row, curve.name, anchor="start", colour=colour)
        for row, (colour, curve) in enumerate(zip(COLOURS, curves, strict=False))
        if len(curves) > 1
    ]
    head = f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" role="img" aria-label="{escape(axes.title)}"'
    background = '<rect width="100%" height="100%" fill="#fff"/>'
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" {head}>', background, *parts, "</svg>", ""])


def _drawn(colour: str, points: Sequence[Point]) -> list[str]:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
    return [f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>', *dots]


def _text(x: float, y: float, said: str, *, anchor: str = "middle", colour: str = "#333") -> str:
    look = f'text-anchor="{anchor}" font-size="12" fill="{colour}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {look}>{escape(said)}</text>'


def _round_up(value: float) -> float:
    """The next number of one or two digits that ticks divide well."""
    unit = 10.0 ** math.floor(math.log10(value))
    return next(step * unit for step in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if step * unit >= value)
