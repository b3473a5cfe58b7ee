"""A report as JSON says it: to a client of the endpoint, and from the command line."""

from typing import Any

import msgspec

from forebay.watermark.detector import Finding, Report


def told(report: Report, *, mask: bool = True) -> dict[str, Any]:
    """``report`` for JSON: the best finding at the top, all of them in ``findings``; probabilities are corrected."""
    best = report.best
    found: dict[str, Any] = {
        "verdict": report.verdict,
        "p": report.p,
        "z": best.z,
        "green_fraction": best.green_fraction,
        "scored_tokens": best.scored_tokens,
        "key": best.key,
        "scheme": best.scheme,
        "significance": report.significance,
        "tests": report.tests,
        "windows": [msgspec.structs.asdict(window) for window in best.windows],
        "findings": [_short(finding) for finding in report.findings],
    }
    if mask:
        found["mask"] = best.mask
    return found


def _short(finding: Finding) -> dict[str, Any]:
    names = ("key", "scheme", "z", "p", "window_p", "green_fraction", "scored_tokens")
    return {name: getattr(finding, name) for name in names}
