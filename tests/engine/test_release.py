"""Which files of a repository are taken, and what is told where the user has to choose."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.engine.errors import FetchError
from forebay.engine.reference import parse
from forebay.engine.release import File, Release, needed

SAFETENSORS = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]


def taken(name: str, *paths: str) -> list[str]:
    return [file.path for file in needed(parse(name), [File(path, 5_000_000, "a" * 64) for path in paths])]


def test_the_only_gguf_is_taken_whatever_it_is_called() -> None:
    assert taken("hf:o/r", "README.md", "model.gguf", "config.json") == ["model.gguf"]


def test_of_several_the_only_one_that_can_be_read_is_taken() -> None:
    assert taken("hf:o/r", "m-Q2_K.gguf", "m-Q8_0.gguf", "m-IQ3_M.gguf") == ["m-Q8_0.gguf"]
    assert taken("hf:o/r", "m.Q2_K.gguf", "m.q4_0.gguf", "mmproj-m.Q8_0.gguf") == ["m.q4_0.gguf"]
    assert taken("hf:o/r", "m-IQ4_XS.gguf", "m-Q4_K_M.gguf", "m-Q3_K_M.gguf") == ["m-Q4_K_M.gguf"]


def test_a_part_of_a_model_is_no_model() -> None:
    assert taken("hf:o/r", "m-00001-of-00002.gguf", "m-00002-of-00002.gguf", "m-Q8_0.gguf") == ["m-Q8_0.gguf"]


def test_between_several_the_user_chooses() -> None:
    with pytest.raises(FetchError) as refused:
        taken("hf:o/r@v1", "m-Q8_0.gguf", "m-Q4_0.gguf", "m-Q2_K.gguf")
    assert str(refused.value).splitlines() == [
        "o/r has several GGUF files; name the one to take:",
        "  hf:o/r:m-Q2_K.gguf@v1  (5 MB)",
        "  hf:o/r:m-Q4_0.gguf@v1  (5 MB)",
        "  hf:o/r:m-Q8_0.gguf@v1  (5 MB)",
    ]


def test_a_long_list_is_cut() -> None:
    with pytest.raises(FetchError) as refused:
        taken("hf:o/r", *(f"m-{number:02}.gguf" for number in range(30)))
    assert str(refused.value).splitlines()[-1] == "  and 10 more"


def test_a_named_file_is_taken_alone() -> None:
    assert taken("hf:o/r:b/m-Q2_K.gguf", "m-Q2_K.gguf", "b/m-Q2_K.gguf", "m-Q8_0.gguf") == ["b/m-Q2_K.gguf"]


def test_a_named_file_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(FetchError, match=r"has no file 'x\.gguf'; name the one to take:\n  hf:o/r:m\.gguf"):
        taken("hf:o/r:x.gguf", "m.gguf")
    with pytest.raises(FetchError, match=r"has no file 'x\.gguf', nor any other GGUF file"):
        taken("hf:o/r:x.gguf", "model.safetensors")


def test_of_safetensors_only_what_is_needed_is_taken() -> None:
    others = ["README.md", "pytorch_model.bin", "tf_model.h5", "onnx/model.onnx", "openvino/model.safetensors"]
    others += ["training_args.bin", "modeling_custom.py", "consolidated.safetensors", "rust_model.ot", "model.pkl"]
    assert sorted(taken("hf:o/r", *others, *SAFETENSORS)) == SAFETENSORS


def test_weights_in_several_files_are_taken_with_their_index() -> None:
    parts = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    index = "model.safetensors.index.json"
    assert set(taken("hf:o/r", "config.json", index, *parts)) == {"config.json", index, *parts}


@pytest.mark.parametrize(
    "paths", [[], ["README.md"], ["config.json", "pytorch_model.bin"], ["model.safetensors"], ["a/model.safetensors"]]
)
def test_a_repository_without_a_model_is_refused(paths: list[str]) -> None:
    with pytest.raises(FetchError, match="nothing of it can be served"):
        taken("hf:o/r", *paths)


@given(
    st.lists(st.sampled_from(["/etc/x.gguf", "../x.gguf", "a\\..\\x.gguf", "model.pkl", "x/../config.json", "m.bin"]))
)
def test_nothing_is_taken_that_leads_elsewhere_or_can_hold_code(paths: list[str]) -> None:
    with pytest.raises(FetchError):
        taken("hf:o/r", *paths)


def test_pinned_it_always_means_the_same() -> None:
    gguf, config = File("a/m.gguf", 1, "f" * 64), File("config.json", 1, None, "b" * 40)
    weights = File("model.safetensors", 2, "e" * 64)
    one = Release(parse("hf:o/r"), "c" * 40, (gguf,))
    assert (str(one.pinned), one.sha256, one.size) == ("hf:o/r:a/m.gguf@" + "c" * 40, "f" * 64, 1)
    many = Release(parse("hf:o/r@main"), "c" * 40, (config, weights))
    assert (str(many.pinned), many.sha256, many.size) == ("hf:o/r@" + "c" * 40, "e" * 64, 3)
