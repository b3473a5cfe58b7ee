"""What is served without a configuration, and how a model that was named is called."""

import pytest

from forebay.defaults import model_name, with_engine
from forebay.engine.errors import UnknownModelError
from forebay.settings import Settings


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("smollm2", "smollm2"),
        ("/models/Tiny.Q4_0.gguf", "Tiny.Q4_0"),
        ("models/converted/", "converted"),
        ("hf:owner/Tiny-GGUF", "Tiny-GGUF"),
        ("hf:owner/Tiny-GGUF:a/Tiny.Q4_0.gguf@main", "Tiny.Q4_0"),
    ],
)
def test_a_model_is_called_by_the_last_part_of_its_name(model: str, name: str) -> None:
    assert model_name(model) == name
    assert list(with_engine(Settings(), model).models) == [name]


def test_a_bad_name_of_a_hub_is_refused() -> None:
    with pytest.raises(UnknownModelError):
        model_name("hf:owner")
