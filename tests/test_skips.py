"""A missing part is named with its install line, and CI lets nothing be skipped."""

from pathlib import Path

import pytest

SKIPS = Path(__file__).with_name("skips.py")

TESTS = """
import pytest

@pytest.mark.needs("nowhere")
def test_needing(): ...

@pytest.mark.xfail(strict=True)
def test_expected(): assert False

def test_plain(): ...
"""

PART = """
import skips
skips.PARTS["nowhere"] = skips.Part(lambda: False, "apt-get install nowhere")
"""


@pytest.fixture
def tree(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makepyfile(skips=SKIPS.read_text(), test_it=TESTS)
    pytester.makeconftest(PART)
    pytester.syspathinsert()
    return pytester


def test_missing_part_is_named_with_its_install_line(tree: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    result = tree.runpytest_subprocess("-p", "skips", "-p", "no:cacheprovider", "-rs")
    result.assert_outcomes(passed=1, skipped=1, xfailed=1)
    result.stdout.fnmatch_lines(["*nowhere missing; to install: apt-get install nowhere*"])


def test_ci_fails_on_a_skipped_test(tree: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    result = tree.runpytest_subprocess("-p", "skips", "-p", "no:cacheprovider")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*Nothing may be skipped in CI*apt-get install nowhere*"])


def test_ci_fails_on_a_skipped_module(tree: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    tree.makepyfile(test_it="import pytest\npytest.importorskip('nowhere')")
    result = tree.runpytest_subprocess("-p", "skips", "-p", "no:cacheprovider")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*Nothing may be skipped in CI*"])
