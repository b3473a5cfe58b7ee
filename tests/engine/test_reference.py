"""How models of a hub are named, and what is no such name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.engine.errors import UnknownModelError
from forebay.engine.reference import Reference, is_plain, is_reference, parse

GOOD = {
    "hf:owner/repo": Reference("owner/repo"),
    "hf:Owner-1/Re.po_2": Reference("Owner-1/Re.po_2"),
    "hf:owner/repo@main": Reference("owner/repo", revision="main"),
    "hf:owner/repo@refs/pr/3": Reference("owner/repo", revision="refs/pr/3"),
    "hf:owner/repo:model.Q4_0.gguf": Reference("owner/repo", "model.Q4_0.gguf"),
    "hf:owner/repo:a b/model (1).gguf@v1.0": Reference("owner/repo", "a b/model (1).gguf", "v1.0"),
}
BAD = [
    "hf:",
    "hf:repo",
    "hf:owner/",
    "hf:/repo",
    "hf:owner/repo/more",
    "hf:../repo",
    "hf:owner/..",
    "hf:owner/a..b",
    "hf:owner/a--b",
    "hf:.owner/repo",
    "hf:owner/repo.",
    "hf:owner/re po",
    "hf:owner/repo\n",
    "hf:owner/repo\\x",
    "hf:owner/" + "x" * 97,
    "hf:owner/repo:",
    "hf:owner/repo:model.bin",
    "hf:owner/repo:../model.gguf",
    "hf:owner/repo:/model.gguf",
    "hf:owner/repo:a//model.gguf",
    "hf:owner/repo:a/./model.gguf",
    "hf:owner/repo:a\\..\\model.gguf",
    "hf:owner/repo:C:model.gguf",
    "hf:owner/repo:a\0.gguf",
    "hf:owner/repo:model.gguf\n",
    "hf:owner/repo@",
    "hf:owner/repo@../x",
    "hf:owner/repo@a b",
    "hf:owner/repo@/x",
    "hf:owner/repo@x?y",
]


@pytest.mark.parametrize("name", GOOD)
def test_a_good_name_is_read_and_written_the_same(name: str) -> None:
    assert parse(name) == GOOD[name]
    assert str(parse(name)) == name


@pytest.mark.parametrize("name", BAD)
def test_a_bad_name_is_refused_on_one_line(name: str) -> None:
    assert is_reference(name)
    with pytest.raises(UnknownModelError) as refused:
        parse(name)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["smollm2", "hf", "HF:owner/repo", "./hf:owner/repo", "/a/b.gguf"])
def test_other_models_are_no_references(name: str) -> None:
    assert not is_reference(name)


@pytest.mark.parametrize(
    ("name", "short"),
    [("hf:o/Model-GGUF", "Model-GGUF"), ("hf:o/r:Model.Q4_0.gguf@main", "Model.Q4_0"), ("hf:o/r:a/b.gguf", "b")],
)
def test_it_has_a_short_name_for_clients(name: str, short: str) -> None:
    assert parse(name).short == short


@given(st.text(max_size=60))
def test_whatever_is_taken_can_be_written_and_stays_in_its_place(rest: str) -> None:
    try:
        found = parse(f"hf:{rest}")
    except UnknownModelError:
        return
    assert parse(str(found)) == found
    for path in filter(None, (found.repository, found.file, found.revision)):
        assert ".." not in path.split("/")
        assert not path.startswith("/")


@pytest.mark.parametrize("path", ["", ".", "..", "a/..", "/a", "a/", "\\\\host\\share", "c:a", "a\nb", "x" * 201])
def test_a_path_that_could_lead_elsewhere_is_not_plain(path: str) -> None:
    assert not is_plain(path)
