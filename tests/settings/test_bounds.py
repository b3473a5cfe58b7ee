"""A lower bound above its upper one is told with both names, at the place where they stand."""

import pytest

from forebay.settings import SettingsError, load

MODEL = "providers: {p: {kind: openai}}\nmodels: {m: {provider: p, hedge: {after: %s}}}"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("ray: {gateways: {min: 3, max: 2}}", "ray.gateways: 'min' is 3, more than 'max', which is 2"),
        ("cache: {store: memory, ttl: 1h, max_ttl: 30m}", "cache: 'ttl' is 3600, more than 'max_ttl', which is 1800"),
        (
            "store: {conversations: {max_item: 2KiB, max_size: 1KiB}}",
            "store.conversations: 'max_item' is 2048, more than 'max_size', which is 1024",
        ),
        ("capture: {max_size: 1KiB}", "capture: 'max_body' is 262144, more than 'max_size', which is 1024"),
        (MODEL % "20ms", "models.m.hedge: 'least' is 0.05, more than 'after', which is 0.02"),
    ],
)
def test_a_lower_bound_above_its_upper_one_is_refused(text: str, told: str) -> None:
    with pytest.raises(SettingsError) as error:
        load(text, source="f.yaml", environ={})
    assert told in str(error.value)


@pytest.mark.parametrize("text", ["cache: {store: memory, ttl: 1h, max_ttl: 1h}", MODEL % "50ms", MODEL % "p95"])
def test_bounds_that_meet_are_fine(text: str) -> None:
    load(text, source="f.yaml", environ={})
