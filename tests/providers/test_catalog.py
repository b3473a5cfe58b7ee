"""Rows that can be asked, and keys that are found."""

import pytest

from forebay.providers.catalog import ROWS, VENDORS, Vendor, from_environment
from forebay.providers.openai import OpenAIProvider, OpenAISettings


def test_names_and_variables_are_unique() -> None:
    assert len(VENDORS) == len(ROWS)
    assert len({row.key_variable for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_every_row_makes_a_provider(row: Vendor) -> None:
    assert row.base_url.startswith("https://")
    assert not row.base_url.endswith("/")
    await OpenAIProvider(row.name, OpenAISettings(vendor=row.name, api_key="k")).close()


def test_a_vendor_is_offered_when_its_key_is_there() -> None:
    environ = {"GROQ_API_KEY": "g", "OPENAI_API_KEY": "o", "OPENAI_BASE_URL": "http://x/v1", "MISTRAL_API_KEY": ""}
    assert from_environment(environ) == {
        "openai": {"vendor": "openai", "api_key": "o", "base_url": "http://x/v1"},
        "groq": {"vendor": "groq", "api_key": "g"},
    }
