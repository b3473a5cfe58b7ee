"""What an evaluation came to: each case, and all together; it is the baseline of the next one."""

from collections.abc import Sequence
from xml.etree import ElementTree as ET

import msgspec

from forebay.evaluation.checks import Outcome
from forebay.evaluation.intervals import Interval, wilson


class Result(msgspec.Struct, frozen=True):
    """One case: whether it passed all checks, and what the answer was; ``error`` says why there is none."""

    id: str
    passed: bool
    answer: str = ""
    error: str = ""
    checks: Sequence[Outcome] = ()
    seconds: float = 0.0
    tokens: int = 0
    cost: str = ""
    prompt: str = ""

    @property
    def score(self) -> float:
        """The mean of its checks' scores."""
        return sum(each.score for each in self.checks) / len(self.checks) if self.checks else 0.0

    @property
    def why(self) -> str:
        """Why it did not pass."""
        return self.error or "; ".join(f"{each.kind}: {each.why}" for each in self.checks if not each.passed)


class Results(msgspec.Struct, frozen=True):
    """All cases, and of what they were asked."""

    dataset: str
    target: str
    model: str
    results: Sequence[Result]

    @property
    def rate(self) -> Interval:
        """The share of cases that passed."""
        return wilson(sum(each.passed for each in self.results), len(self.results))


def junit(results: Results) -> bytes:
    """The same as JUnit's XML, which CI systems show."""
    failed = [each for each in results.results if not each.passed]
    errors = sum(bool(each.error) for each in failed)
    counts = {"tests": len(results.results), "failures": len(failed) - errors, "errors": errors}
    suite = ET.Element("testsuite", {"name": results.dataset, **{name: str(n) for name, n in counts.items()}})
    for each in results.results:
        case = ET.SubElement(
            suite, "testcase", {"name": each.id, "classname": results.model, "time": f"{each.seconds:.3f}"}
        )
        if not each.passed:
            ET.SubElement(case, "error" if each.error else "failure", {"message": _printable(each.why)})
    written: bytes = ET.tostring(suite, encoding="utf-8", xml_declaration=True)
    return written


def _printable(text: str) -> str:
    """``text`` without the characters that XML cannot hold."""
    return "".join(each if each.isprintable() else " " for each in text)
