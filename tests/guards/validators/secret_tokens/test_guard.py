"""Secrets: every issuer's, wherever they stand; and that code without any passes."""

import base64
import sysconfig
from pathlib import Path
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.core.verdicts import PASSED
from forebay.guards.validators.secret_tokens.guard import SecretsSettings, plugin
from tests.support.growing import OUTPUT, assert_final, found, spans_of
from tests.support.guarding import TOOLS
from tests.support.secret_samples import secrets

GUARD = plugin.build(SecretsSettings(), TOOLS)
SAMPLES = secrets(Random(7))

NOTHING = [
    "sk-learn is sk-proj-xxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    'password = "change-me-please-now-1"',
    'token = "your_api_key_goes_here_123"',
    'api_key = os.environ["OPENAI_API_KEY"]',
    "API_KEY=${SECRET_FROM_VAULT_2024}",
    "https://user:$PASSWORD@example.org and https://example.org/a:b@c",
    "eyJub3QiOiJhIHRva2VuIn0 is JSON",
    "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOC\n-----END PUBLIC KEY-----",
    "commit 2fd4e1c67a2d28fced849ee1bb76e7391b93eb12",
    "550e8400-e29b-41d4-a716-446655440000",
    'secret_name = "projects/my-project/secrets/database"',
]


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("around", ["{}", "the key is {} and more", '{{"key": "{}"}}', "é\ud800 {}\n"])
async def test_masks_the_whole_of_it(name: str, around: str) -> None:
    holder, secret = SAMPLES[name]
    if around.startswith("{{") and "-----" in secret:  # as JSON writes its lines
        holder, secret = holder.replace("\n", "\\n"), secret.replace("\n", "\\n")
    text = around.format(holder)
    start = text.index(secret)
    spans = await spans_of(GUARD, text)
    assert spans, text
    covered = {place for span in spans for place in range(span.start, span.end)}
    assert set(range(start, start + len(secret))) <= covered


@pytest.mark.parametrize("text", NOTHING)
async def test_passes(text: str) -> None:
    assert await GUARD.check(text, OUTPUT) == PASSED


async def test_one_placeholder_stands_for_a_whole_private_key() -> None:
    spans = await spans_of(GUARD, SAMPLES["private key"][0])
    assert [span.replacement for span in spans] == [None, *[""] * (len(spans) - 1)]


async def test_a_heading_of_a_key_does_not_hide_the_prose_behind_it() -> None:
    text = "A file that begins with -----BEGIN PRIVATE KEY----- holds a key. Keep it to yourself."
    assert await found(GUARD, text) == [("private_key", "-----BEGIN PRIVATE KEY-----")]


@pytest.mark.parametrize(
    ("before", "header"),
    [("> ", ""), ("  | ", ""), ("", "Version: GnuPG v2.4 (GNU/Linux)\n\n"), ("> ", "Comment: of my old laptop\n>\n> ")],
)
async def test_keys_are_found_to_their_end(before: str, header: str) -> None:
    lines = [base64.b64encode(Random(each).randbytes(48)).decode() for each in range(5)]
    body = f"\n{before}".join(lines)
    heading = f"-----BEGIN PGP PRIVATE KEY BLOCK-----\n{before}{header}"
    text = f"{heading}{body}\n{before}-----END PGP PRIVATE KEY BLOCK----- bye"
    verdict = await GUARD.check(text, OUTPUT)
    places = {place for span in verdict.spans for place in range(span.start, span.end)}
    assert set(range(len(heading) + len(body))) <= places
    assert text.index(" bye") not in places


def ordinary_code() -> list[str]:
    folder = Path(sysconfig.get_paths()["stdlib"])
    return [line for path in sorted(folder.glob("*.py"))[:60] for line in path.read_text().splitlines()]


async def test_passes_ordinary_code() -> None:
    lines = ordinary_code()
    alarms = [line for line in lines if await spans_of(GUARD, line)]
    assert len(alarms) <= len(lines) / 1000, alarms


async def test_ignores_what_it_is_told_to() -> None:
    guard = plugin.build(SecretsSettings(generic=False, ignore=("github",)), TOOLS)
    assert await found(guard, SAMPLES["github p"][0]) == []
    assert await found(guard, SAMPLES["generic"][0]) == []
    with pytest.raises(msgspec.ValidationError, match="unknown kinds"):
        msgspec.convert({"ignore": ["gitbub"]}, SecretsSettings)


PIECES = st.sampled_from([holder for holder, _ in SAMPLES.values()] + NOTHING + [*" .-a1é\ud800\n\"'=:"])


@given(st.lists(PIECES, max_size=8), st.data())
async def test_a_verdict_is_final_before_the_lookbehind(pieces: list[str], data: st.DataObject) -> None:
    text = "".join(pieces)
    await assert_final(GUARD, text, data.draw(st.lists(st.integers(0, len(text)), max_size=6)))


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "sk-",
        "key='",
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nA",
        "eyJhbGciOiJIUzI1NiIs",
        "://a:",
        "token=",
    ],
)
async def test_takes_long_texts(unit: str) -> None:
    await GUARD.check(unit * (200_000 // len(unit)), OUTPUT)
