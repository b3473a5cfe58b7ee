"""Limits as they are put together: what cannot be used is told at the start, without what is secret in it."""

import pytest

from forebay.limiting import Limiting
from forebay.plugins import PreparationError
from forebay.settings import LimitsSettings, Secret, Settings


@pytest.mark.parametrize("url", ["redis://:hunter2@h:port/0", "redis://:hunter2@[h"])
def test_a_url_that_means_nothing_is_told_without_its_password(url: str) -> None:
    with pytest.raises(PreparationError, match=r"limits\.url") as caught:
        Limiting(Settings(limits=LimitsSettings(Secret(url))), None)
    assert "hunter2" not in str(caught.value)
