"""``forebay deploy`` where nothing of Ray is installed."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from forebay.cli import main
from tests.skips import PARTS


@pytest.mark.skipif(PARTS["ray"].here(), reason="Ray is here: make test-ray")
def test_without_ray_it_says_how_to_get_it(tmp_path: Path) -> None:
    config = tmp_path / "forebay.yaml"
    config.write_text("models: {}")
    done = CliRunner().invoke(main, ["deploy", "ray", "--config", str(config)])
    assert done.exit_code == 1
    assert "pip install 'forebay[ray]'" in done.output


def test_help_tells_what_there_is() -> None:
    done = CliRunner().invoke(main, ["deploy", "--help"])
    assert done.exit_code == 0
    assert "ray" in done.output
