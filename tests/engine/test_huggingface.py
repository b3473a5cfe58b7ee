"""What is read of a folder of Hugging Face's beside its weights, and what is said when it cannot be."""

import json
from pathlib import Path
from typing import Any

import pytest

from forebay.engine import huggingface
from forebay.engine.decoder.folder_weights import read_config
from forebay.engine.errors import ConversionError
from tests.support import decoders

pytestmark = pytest.mark.engine


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    decoders.tokenizer(decoders.folder(tmp_path))
    return tmp_path


def put(folder: Path, name: str, content: Any) -> None:
    (folder / name).write_text(json.dumps(content))


def test_it_tells_what_serving_needs(folder: Path) -> None:
    facts = huggingface.read(folder)
    assert facts.architecture == "llama"
    assert facts.context_length == 128
    assert facts.chat_template == "{% for m in messages %}{{ m['content'] }}{% endfor %}"
    assert (facts.bos_token, facts.eos_token) == ("<|im_start|>", "<|im_end|>")
    assert facts.eos_ids == (0, 2)  # "<|endoftext|>" ends an answer as well, whatever is called "eos"


def test_ends_come_from_everywhere_and_once(folder: Path) -> None:
    put(folder, "generation_config.json", {"eos_token_id": [7, 2]})
    put(folder, "config.json", decoders.CONFIG | {"eos_token_id": 9})
    assert huggingface.read(folder).eos_ids == (7, 2, 9, 0)


def test_a_template_of_its_own_goes_before(folder: Path) -> None:
    (folder / "chat_template.jinja").write_text("own")
    assert huggingface.read(folder).chat_template == "own"


def test_of_several_templates_the_default_is_taken(folder: Path) -> None:
    templates = [{"name": "rag", "template": "x"}, {"name": "default", "template": "y"}]
    put(folder, "tokenizer_config.json", {"chat_template": templates, "eos_token": {"content": "<|im_end|>"}})
    facts = huggingface.read(folder)
    assert facts.chat_template == "y"
    assert facts.eos_token == "<|im_end|>"


def test_what_is_not_there_is_empty(tmp_path: Path) -> None:
    facts = huggingface.read(decoders.folder(tmp_path))
    assert (facts.chat_template, facts.eos_ids, facts.eos_token) == (None, (), "")


@pytest.mark.parametrize("name", ["config.json", "generation_config.json", "tokenizer_config.json", "tokenizer.json"])
@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b'{"eos_token_id": "a", "added_tokens": 1, "bos_token": 1}'])
def test_what_is_damaged_is_named(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(ConversionError, match=f"{name} cannot be read"):
        huggingface.read(folder)


def test_which_folders_are_models(folder: Path, tmp_path: Path) -> None:
    assert huggingface.is_model(folder)
    assert not huggingface.is_embedder(folder)
    (tmp_path / "model.safetensors").unlink()
    assert not huggingface.is_model(folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "mamba"}, "mamba is not supported; these are: llama"),
        ({"hidden_act": "gelu"}, "activation is gelu"),
        ({"quantization_config": {"quant_method": "awq"}}, "quantised by awq"),
        ({"sliding_window": 64}, "looks back at 64 tokens"),
        ({"num_key_value_heads": 3}, "do not fit together"),
        ({"num_hidden_layers": 0}, "do not fit together"),
    ],
)
def test_what_is_not_supported_is_named(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    decoders.folder(tmp_path)
    put(tmp_path, "config.json", decoders.CONFIG | changes)
    with pytest.raises(ConversionError, match=message):
        read_config(tmp_path)
