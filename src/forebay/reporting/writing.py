"""A report as HTML that any mail program shows, and as plain text.

Mail programs know tables and styles in attributes, and little else: no style sheet, no script, no image is used.
"""

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from forebay.reporting.figures import Report
from forebay.reporting.tables import Section, sections, title

_BODY: Final = "margin:0;padding:24px;background:#ffffff;color:#222222;font:15px/1.5 Helvetica,Arial,sans-serif"
_TABLE: Final = "border-collapse:collapse;margin:8px 0 24px 0"
_CELL: Final = "padding:4px 14px 4px 0;border-bottom:1px solid #dddddd"
_LEFT, _RIGHT = f"{_CELL};text-align:left", f"{_CELL};text-align:right"


def html(report: Report) -> str:
    """The report as one page."""
    name = escape(title(report))
    body = "".join(map(_section, sections(report)))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{name}</title></head>\n'
        f'<body style="{_BODY}"><h1 style="font-size:22px;margin:0 0 16px 0">{name}</h1>\n{body}</body></html>\n'
    )


def text(report: Report) -> str:
    """The report in lines."""
    return "\n".join([title(report), "=" * len(title(report)), *_lines(sections(report)), ""])


def _section(section: Section) -> str:
    head = f'<h2 style="font-size:17px;margin:0">{escape(section.title)}</h2>\n'
    if not section.rows:
        return f'{head}<p style="margin:8px 0 24px 0">{escape(section.empty)}</p>\n'
    rows = "".join(_row("td", row) for row in section.rows)
    names = _row("th", section.head) if any(section.head) else ""
    return f'{head}<table role="presentation" style="{_TABLE}">\n{names}{rows}</table>\n'


def _row(tag: str, cells: Sequence[str]) -> str:
    styles = (_LEFT, *(_RIGHT for _ in cells[1:]))
    shown = (f'<{tag} style="{style}">{escape(cell)}</{tag}>' for style, cell in zip(styles, cells, strict=True))
    return f"<tr>{''.join(shown)}</tr>\n"


def _lines(found: Sequence[Section]) -> Iterator[str]:
    for section in found:
        yield from ("", section.title, "-" * len(section.title))
        if not section.rows:
            yield section.empty
            continue
        table = [section.head, *section.rows] if any(section.head) else list(section.rows)
        widths = [max(len(_line(row[column])) for row in table) for column in range(len(section.head))]
        for row in table:
            first, *others = (_line(cell) for cell in row)
            cells = [
                first.ljust(widths[0]),
                *(cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)),
            ]
            yield "  ".join(cells).rstrip()


def _line(cell: str) -> str:
    """``cell`` on one line, without what a terminal would obey."""
    return "".join(each if each.isprintable() else " " for each in cell)
