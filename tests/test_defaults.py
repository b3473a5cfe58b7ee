"""What is served without a configuration, and how a model that was named is called."""

import pytest

from forebay.defaults import defaults, model_name, with_engine
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
    assert list(with_engine(Settings(), [model]).models) == [name]


def test_several_models_have_a_provider_each_and_the_first_comes_first() -> None:
    settings = with_engine(Settings(), ["a.gguf", "hf:owner/b", "c"])
    assert {name: model.deployments[0].provider for name, model in settings.models.items()} == {
        "a": "engine",
        "b": "engine-b",
        "c": "engine-c",
    }
    assert list(settings.models) == ["a", "b", "c"]


def test_two_models_of_one_name_are_refused() -> None:
    with pytest.raises(UnknownModelError, match="Two models are called 'a'"):
        with_engine(Settings(), ["x/a.gguf", "y/a.gguf"])


def test_a_bad_name_of_a_hub_is_refused() -> None:
    with pytest.raises(UnknownModelError):
        model_name("hf:owner")


def test_texts_are_judged_by_openai_where_its_key_is_at_hand() -> None:
    assert defaults({"OPENAI_API_KEY": "k"}).models["omni-moderation-latest"].deployments[0].provider == "openai"
    assert "omni-moderation-latest" not in defaults({"GROQ_API_KEY": "k"}).models
