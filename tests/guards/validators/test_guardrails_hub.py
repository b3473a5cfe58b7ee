"""Validators of Guardrails AI, the real ones from their packages, as guards of ours."""

from typing import Any

import msgspec
import pytest

from forebay.core.ports import Guard
from forebay.core.verdicts import PASSED, Action
from tests.support.growing import OUTPUT
from tests.support.guarding import TOOLS

pytestmark = [pytest.mark.guardrails, pytest.mark.needs("guardrails"), pytest.mark.filterwarnings("ignore")]


def guard(validator: str, **args: Any) -> Guard:
    from forebay.guards.validators.guardrails_hub import GuardrailsSettings, plugin  # noqa: PLC0415  # may be missing

    return plugin.build(GuardrailsSettings(validator, args), TOOLS)


async def fixed(checked: Guard, text: str) -> str | None:
    """What the validator would write instead of ``text``; ``None`` where it passes."""
    verdict = await checked.check(text, OUTPUT)
    if verdict == PASSED:
        return None
    for span in reversed(verdict.spans):
        replacement = "*" if span.replacement is None else span.replacement
        text = text[: span.start] + replacement + text[span.end :]
    return text


async def test_regex_match() -> None:
    checked = guard("guardrails-ai-regex-match", regex="[A-Z][a-z]*", match_type="fullmatch")
    assert await checked.check("Hello", OUTPUT) == PASSED
    assert (await checked.check("hello 12", OUTPUT)).action is not Action.PASS


async def test_valid_length() -> None:
    checked = guard("guardrails-ai-valid-length", min=2, max=5)
    assert await checked.check("1234", OUTPUT) == PASSED
    assert await fixed(checked, "123456789") == "12345"


async def test_ban_list() -> None:
    checked = guard("guardrails-ai-ban-list", banned_words=["frobnicate"], max_l_dist=0)
    assert await checked.check("a fine day", OUTPUT) == PASSED
    assert "frobnicate" not in (await fixed(checked, "let us frobnicate now") or "frobnicate")


async def test_profanity_free() -> None:
    checked = guard("guardrails-ai-profanity-free")
    assert await checked.check("Director, what a fine day it is.", OUTPUT) == PASSED
    assert (await checked.check("You are a fucking idiot.", OUTPUT)).action is not Action.PASS


async def test_secrets_present() -> None:
    checked = guard("guardrails-ai-secrets-present")
    assert await checked.check("import os", OUTPUT) == PASSED
    text = 'import os\naws = "AKIAIOSFODNN7REALKEY"\n'
    assert "AKIAIOSFODNN7REALKEY" not in (await fixed(checked, text) or text)


async def test_web_sanitization() -> None:
    checked = guard("guardrails-ai-web-sanitization")
    assert await checked.check("plain words", OUTPUT) == PASSED
    assert "<script>" not in (await fixed(checked, "hi <script>alert(1)</script>") or "<script>")


async def test_an_asynchronous_one_is_awaited() -> None:
    from guardrails.validator_base import (  # noqa: PLC0415
        PassResult,
        ValidationResult,
        Validator,
        register_validator,
    )

    from forebay.guards.validators.guardrails_hub import Asked  # noqa: PLC0415

    @register_validator(name="forebay/slow", data_type="string")  # type: ignore[untyped-decorator, unused-ignore]
    class Slow(Validator):  # type: ignore[misc, unused-ignore]  # from a package that may be missing
        async def async_validate(self, value: Any, metadata: dict[str, Any]) -> ValidationResult:
            assert metadata == {"a": 1}
            return PassResult() if value == "good" else None

    checked = Asked(Slow(), {"a": 1}, "slow")
    assert await checked.check("good", OUTPUT) == PASSED
    with pytest.raises(TypeError, match="slow answered with NoneType"):
        await checked.check("bad", OUTPUT)


@pytest.mark.parametrize(
    ("validator", "args", "message"),
    [
        ("guardrails-ai-no-such-thing", {}, "is not installed: pip install"),
        ("guardrails-ai-regex-match", {"rejex": "a"}, "args do not fit RegexMatch"),
    ],
)
def test_says_what_is_missing(validator: str, args: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        guard(validator, **args)


@pytest.mark.parametrize("name", ["os", "guardrails-ai-../x", "numpy"])
def test_imports_nothing_else(name: str) -> None:
    from forebay.guards.validators.guardrails_hub import GuardrailsSettings  # noqa: PLC0415

    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"validator": name}, GuardrailsSettings)
