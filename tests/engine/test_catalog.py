"""The rows of known models: complete, pinned, and unlike paths."""

import re

import pytest

from forebay.engine import catalog


@pytest.mark.parametrize("name", catalog.MODELS)
def test_a_row_is_pinned_and_complete(name: str) -> None:
    row = catalog.MODELS[name]
    assert row.name == name
    assert re.fullmatch(r"[0-9a-f]{64}", row.sha256)
    assert re.fullmatch(r"[a-z0-9-]+", row.distribution)
    assert re.fullmatch(r"\d+(\.\d+)+", row.version)
    assert row.member.endswith((".gguf", "/"))
    assert row.licence
    assert row.description
    assert row.source == f"{row.distribution} {row.version}"


def test_the_models_that_are_named_elsewhere_exist() -> None:
    assert {catalog.DEFAULT, catalog.EMBEDDING} <= set(catalog.MODELS)


def test_no_name_can_be_taken_for_a_path() -> None:
    assert all(re.fullmatch(r"[a-z0-9-]+", name) for name in catalog.MODELS)


def test_the_catalogue_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        catalog.MODELS["mine"] = catalog.MODELS[catalog.DEFAULT]  # type: ignore[index]
