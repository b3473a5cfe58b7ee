"""Rows that can be asked, and keys that are found."""

from pathlib import Path

import pytest

from forebay.core.types import Operation
from forebay.plugins import PROVIDERS
from forebay.providers.catalog import ROWS, VENDORS, Found, Vendor, from_environment
from forebay.providers.dialects.settings import DialectSettings
from forebay.providers.openai import OpenAIProvider, OpenAISettings
from forebay.settings import Secret, section

DOCUMENT = Path(__file__).parents[2] / "docs" / "providers.md"
NAMES = {
    "chat/completions": "chat",
    "completions": "completions",
    "embeddings": "embeddings",
    "rerank": "rerank",
    "moderations": "moderations",
    "audio/speech": "speech",
    "audio/transcriptions": "transcriptions",
    "audio/translations": "translations",
    "images/generations": "images",
    "images/edits": "edits",
    "images/variations": "variations",
    "files": "files",
    "batches": "batches",
}


def test_names_and_variables_are_unique() -> None:
    assert len(VENDORS) == len(ROWS)
    variables = [row.key_variable for row in ROWS if row.key_variable]
    assert len(set(variables)) == len(variables)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_every_row_makes_a_provider(row: Vendor) -> None:
    assert not row.base_url or row.base_url.startswith(("https://", "http://localhost:"))
    assert not (row.key_variable and row.base_url.startswith("http:"))  # a key never travels in the clear
    assert not row.base_url.endswith("/")
    base_url = None if row.base_url else "https://x.test/v1"
    provider = OpenAIProvider(row.name, OpenAISettings(base_url, Secret("k"), row.name))
    assert provider.operations == row.operations
    await provider.close()


def test_a_vendor_is_offered_when_its_key_is_there() -> None:
    environ = {"GROQ_API_KEY": "g", "OPENAI_API_KEY": "o", "OPENAI_BASE_URL": "http://x/v1", "MISTRAL_API_KEY": ""}
    assert from_environment(environ) == {
        "openai": Found("openai", {"vendor": "openai", "api_key": "o", "base_url": "http://x/v1"}),
        "groq": Found("openai", {"vendor": "groq", "api_key": "g"}),
    }


def test_a_vendor_whose_dialect_we_speak_is_asked_in_it() -> None:
    assert from_environment({"ANTHROPIC_API_KEY": "a"}) == {"anthropic": Found("anthropic", {"api_key": "a"})}


def test_what_the_environment_offers_can_be_read_as_settings() -> None:
    environ = {row.key_variable: "secret-key" for row in ROWS if row.key_variable}
    for name, found in from_environment(environ).items():
        read = section(found.kind, found.options).read(PROVIDERS.plugin(found.kind).settings)
        assert isinstance(read, OpenAISettings | DialectSettings)
        assert not isinstance(read, OpenAISettings) or read.vendor == name
        assert read.api_key == Secret("secret-key")
        assert "secret-key" not in repr(read)


def test_a_vendor_without_an_address_of_its_own_needs_one() -> None:
    with pytest.raises(ValueError, match="base_url"):
        OpenAISettings(vendor="azure")


def _line(row: Vendor) -> str:
    """A row as docs/providers.md shows it."""
    operations = ", ".join(name for operation, name in NAMES.items() if Operation(operation) in row.operations)
    key = f"`{row.key_variable}`" if row.key_variable else "none"
    address = f"`{row.base_url}`" if row.base_url else "the customer's"
    return f"| `{row.name}` | {address} | {key} | {operations} |"


def test_the_document_has_every_vendor() -> None:
    _, _, rest = DOCUMENT.read_text().partition("## Vendors that speak OpenAI's API\n")
    section_of_vendors, _, _ = rest.partition("\n## ")
    shown = [line for line in section_of_vendors.splitlines() if line.startswith("| `")]
    assert shown == [_line(row) for row in sorted(ROWS, key=lambda row: row.name) if row.kind == "openai"]
