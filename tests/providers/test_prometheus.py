"""Metrics of an upstream: what is taken of them, and what of anything else."""

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from forebay.core.families import Family, Sample
from forebay.meter.exposition import render
from forebay.providers.prometheus import MAX_SAMPLES, families

TEXT = """\
# HELP python_info Python.
# TYPE python_info gauge
python_info{version="3"} 1.0
# HELP v:running Running now.
# TYPE v:running gauge
v:running{engine="0",model_name="a \\"b\\" c,d}"} 2.0
# HELP v:done_total Done.
# TYPE v:done_total counter
v:done_total{engine="0"} 5.0 1700000000
v:done_total{engine="1",provider="own"} 6.0
# HELP v:done_created Done.
# TYPE v:done_created gauge
v:done_created{engine="0"} 1.7e9
# HELP v:seconds Seconds.
# TYPE v:seconds histogram
v:seconds_bucket{le="0.1"} 1.0
v:seconds_bucket{le="+Inf"} 2.0
v:seconds_sum 0.5
v:seconds_count 2.0
"""


def test_families_are_read_with_their_samples() -> None:
    running, done, seconds = families(TEXT, "v:")
    assert running == Family(
        "v:running", "gauge", "Running now.", (Sample("v:running", 'engine="0",model_name="a \\"b\\" c,d}"', "2.0"),)
    )
    assert [sample.value for sample in done.samples] == ["5.0", "6.0"]
    assert [sample.name for sample in seconds.samples] == [
        *["v:seconds_bucket"] * 2, "v:seconds_sum", "v:seconds_count"
    ]  # fmt: skip


def test_two_providers_with_the_same_families_make_one_page() -> None:
    read = families(TEXT, "v:")
    page = render({}, {}, {"b": read, "a": read})
    assert page.count("# TYPE v:running gauge") == 1
    found = {family.name: family for family in text_string_to_metric_families(page)}
    assert [sample.labels["provider"] for sample in found["v:running"].samples] == ["a", "b"]
    assert {sample.labels.get("exported_provider") for sample in found["v:done"].samples} == {None, "own"}
    assert len(found["v:seconds"].samples) == 8


def test_what_is_malformed_is_left_out() -> None:
    bad = [
        "v:x",
        "v:x{a=b} 1",
        'v:x{a="b} 1',
        "v:x 1_0",
        "v:x one",
        "v:y 1",
        'v:x{a="b"}',
        "v:x 1 2 3",
        "v:x" + " " * 5000 + "1",
    ]
    text = "\n".join(["# TYPE v:x gauge", *bad, "# TYPE v:z nonsense", "v:z 1", "# TYPE", "#", "v:x 1"])
    assert families(text, "v:") == ()
    assert families("# TYPE v:x gauge\n" + "\n".join([*bad, "v:x 7"]), "v:")[0].samples == (Sample("v:x", "", "7"),)


def test_their_number_is_bounded() -> None:
    text = "# TYPE v:x gauge\n" + 'v:x{a="1"} 1\n' * (MAX_SAMPLES + 5)
    assert sum(len(family.samples) for family in families(text, "v:")) == MAX_SAMPLES


LINES = st.lists(
    st.one_of(
        st.text(max_size=60),
        st.sampled_from(TEXT.splitlines()),
        st.from_regex(r'v:[a-z_]{1,5}(\{[a-z]{1,3}="[^"\n]{0,5}",?\})? [-+0-9.eNanIf]{1,5}', fullmatch=True),
    ),
    max_size=30,
)


@given(LINES)
def test_whatever_comes_the_page_stays_readable(lines: list[str]) -> None:
    page = render({}, {}, {"p": families("\n".join(lines), "v:")})
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            assert sample.labels["provider"] == "p"
