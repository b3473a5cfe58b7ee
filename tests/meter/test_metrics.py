"""The figures, read back by Prometheus' own parser."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from forebay.core.types import Attempt
from forebay.meter.exposition import render
from forebay.meter.metrics import DURATION, OTHER, PAIRS, Metrics, Snapshot, merge
from tests.meter.test_journal import RECORD


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_prometheus_reads_every_figure() -> None:
    metrics = Metrics()
    metrics([RECORD, msgspec.structs.replace(RECORD, status=502, outcome="error", ttft=None, tpot=None)])
    found = samples(render(metrics.snapshot, {"engine": {"running": 3.0}}))
    labels = (("deployment", "p/x"), ("model", "m"))
    assert found["forebay_output_tokens_total", labels] == 10
    assert found["forebay_time_to_first_token_seconds_count", labels] == 1
    assert found["forebay_request_duration_seconds_sum", labels] == 1.0
    assert found["forebay_requests_total", (("cache", ""), *labels, ("outcome", "ok"), ("status", "200"))] == 1
    assert found["forebay_engine_running", (("provider", "engine"),)] == 3


def test_attempts_are_counted_where_they_were_made() -> None:
    attempts = (
        Attempt("m", "p/x", "first", 1.0, 2.0, "upstream_error", cooled=True),
        Attempt("m", "p/x", "retry", 1.0, 2.0, "upstream_error"),
        Attempt("m", "q/y", "next", 1.0, 2.0, "ok"),
        Attempt("n", "r/z", "hedge", 1.0, 2.0, "aborted"),
        Attempt("n", "r/z", "probe", 1.0, 2.0, "ok"),
    )
    metrics = Metrics()
    metrics([msgspec.structs.replace(RECORD, attempts=attempts), RECORD])
    text = render(
        merge([metrics.snapshot, metrics.snapshot]), {}, {}, {"deployment": {"p/x": {"running": 2, "cooling": 1}}}
    )
    found = samples(text)
    at_p, at_q, at_r = ((("deployment", d), ("model", m)) for d, m in (("p/x", "m"), ("q/y", "m"), ("r/z", "n")))
    assert found["forebay_retries_total", at_p] == 2
    assert found["forebay_cooldowns_total", at_p] == 2
    assert found["forebay_fallbacks_total", at_q] == 2
    assert found["forebay_hedges_total", at_r] == 2
    assert found["forebay_probes_total", at_r] == 2
    failed = (*at_p[:1], *at_p[1:], ("outcome", "upstream_error"))
    assert found["forebay_failed_attempts_total", failed] == 4
    assert found["forebay_deployment_running", (("deployment", "p/x"),)] == 2
    assert found["forebay_deployment_cooling", (("deployment", "p/x"),)] == 1
    assert [outcome for name, outcome in found if name == "forebay_requests_total" and at_q[0] in outcome] == []


@given(st.lists(st.floats(0, 200) | st.sampled_from(DURATION), max_size=30))
def test_buckets_are_cumulative_and_complete(values: list[float]) -> None:
    metrics = Metrics()
    metrics([msgspec.structs.replace(RECORD, latency=value) for value in values])
    found = samples(render(metrics.snapshot, {}))
    name = "forebay_request_duration_seconds_bucket"
    for bound in DURATION:
        labels = (("deployment", "p/x"), ("le", str(bound)), ("model", "m"))
        assert found.get((name, labels), 0) == sum(value <= bound for value in values)
    assert found.get((name, (("deployment", "p/x"), ("le", "+Inf"), ("model", "m"))), 0) == len(values)


def test_label_values_are_escaped() -> None:
    metrics = Metrics()
    metrics([msgspec.structs.replace(RECORD, model='a"b\\c\nd')])
    labels = {dict(labels).get("model") for _, labels in samples(render(metrics.snapshot, {}))}
    assert labels == {'a"b\\c\nd'}


def test_the_number_of_label_sets_is_bounded() -> None:
    metrics = Metrics()
    metrics([msgspec.structs.replace(RECORD, model=f"m{number}") for number in range(PAIRS + 50)])
    assert len(metrics.snapshot) == PAIRS + 1
    assert metrics.snapshot[OTHER].ended == {(200, "ok", ""): 50}


def test_models_of_the_configuration_keep_labels_of_their_own() -> None:
    metrics = Metrics(lambda: {"mine"})
    metrics([msgspec.structs.replace(RECORD, model=f"oa/{number}") for number in range(PAIRS + 50)])
    metrics([msgspec.structs.replace(RECORD, model=model) for model in ("mine", "")])
    assert {"mine", ""} <= {model for model, _ in metrics.snapshot}
    assert metrics.snapshot[OTHER].ended == {(200, "ok", ""): 50}


@given(st.lists(st.integers(0, 3), max_size=20))
def test_snapshots_of_several_processes_add_up(spread: list[int]) -> None:
    parts, whole = [Metrics() for _ in range(4)], Metrics()
    for number in spread:
        parts[number]([RECORD])
        whole([RECORD])
    packed = [msgspec.msgpack.encode(part.snapshot) for part in parts]
    merged = merge(msgspec.msgpack.decode(each, type=Snapshot) for each in packed)
    assert samples(render(merged, {})) == pytest.approx(samples(render(whole.snapshot, {})))


def test_costs_add_up_and_unknown_ones_are_counted() -> None:
    metrics = Metrics()
    priced = msgspec.structs.replace(RECORD, cost=127_500_000)
    metrics([priced, priced, RECORD, msgspec.structs.replace(RECORD, status=502, outcome="error")])
    found = samples(render(merge([metrics.snapshot]), {}))
    labels = (("deployment", "p/x"), ("model", "m"))
    assert found["forebay_cost_dollars_total", labels] == pytest.approx(0.000255)
    assert found["forebay_cost_unknown_total", labels] == 1
