"""Which version a caller gets: by number, by label, by weight, and never another tenant's."""

from collections import Counter

import pytest

from forebay.core.errors import NotFoundError
from forebay.core.prompts import Collection, Draft, Label, Message, Prompt
from forebay.gateway.prompts.shelf import Shelf, drawn


def prompt(version: int, tenant: str = "", identity: str = "support") -> Prompt:
    return Prompt(Draft(identity, (Message("system", f"v{version}"),)), version, tenant)


SHELF = Shelf(
    Collection([prompt(1), prompt(2), prompt(10)], [Label("", "support", "production", {2: 1.0})]),
    Collection([prompt(1, "ours", "secret")]),
)


@pytest.mark.parametrize(("wanted", "version"), [("", 2), ("production", 2), ("1", 1), ("10", 10)])
def test_a_version_is_wanted_by_number_or_label(wanted: str, version: int) -> None:
    assert SHELF.choose("ours", "support", wanted, "alice").version == version


def test_without_a_label_it_is_the_latest() -> None:
    assert Shelf(Collection([prompt(9), prompt(10)])).choose("ours", "support", "", "").version == 10


@pytest.mark.parametrize(
    ("tenant", "identity", "wanted"),
    [
        ("ours", "support", "3"),
        ("ours", "support", "staging"),
        ("ours", "none", ""),
        ("theirs", "secret", ""),
        ("ours", "support", "9" * 100),
    ],
)
def test_what_is_not_there_is_not_found(tenant: str, identity: str, wanted: str) -> None:
    with pytest.raises(NotFoundError):
        SHELF.choose(tenant, identity, wanted, "")


def test_a_tenant_sees_its_own_and_everybodys() -> None:
    assert (SHELF.ids("ours"), SHELF.ids("theirs")) == (["secret", "support"], ["support"])


def test_weights_are_shares_and_a_subject_stays_with_its_version() -> None:
    label = Label("", "support", "production", {1: 90.0, 2: 10.0})
    drawings = {subject: drawn(label, str(subject)) for subject in range(20_000)}
    share = Counter(drawings.values())[2] / len(drawings)
    assert 0.09 < share < 0.11
    assert all(drawn(label, str(subject)) == version for subject, version in drawings.items())
    more = Label("", "support", "production", {1: 80.0, 2: 20.0})
    assert all(drawn(more, str(subject)) == 2 for subject, version in drawings.items() if version == 2)
