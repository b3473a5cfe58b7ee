"""``forebay bench --second-request``: real servers, a scripted upstream, figures and a plot."""

import asyncio
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest
from click.testing import CliRunner

from forebay.cli import main
from forebay.cli.bench.second.bars import Bar, svg
from forebay.cli.bench.second.measure import Measured, question
from tests.support.cached import completion
from tests.support.upstream import reply, upstream

CONFIG = """
providers: {{p: {{kind: openai, base_url: "{}", exact: true}}}}
models: {{m: {{provider: p}}}}
"""


def test_every_question_is_another_one() -> None:
    assert len({question(number) for number in range(1000)}) == 1000


def test_the_plot_is_xml_whatever_the_figures_are() -> None:
    text = svg("<a> & b", [Bar("memory", 0.0, 0.2), Bar("<off>", 5000.0, 4999.0)])
    root = ET.fromstring(text)
    assert sum(each.tag.endswith("rect") for each in root) == 5
    assert ET.fromstring(svg("none", [])) is not None


def test_it_must_be_said_what_to_measure() -> None:
    assert CliRunner().invoke(main, ["bench"]).exit_code == 2


@pytest.mark.slow  # it starts a server for each store
async def test_stores_are_measured_side_by_side(tmp_path: Path) -> None:
    async with upstream(reply(completion(), b"content-type: application/json")) as provider:
        config, figures, plot = tmp_path / "f.yaml", tmp_path / "f.json", tmp_path / "f.svg"
        config.write_text(CONFIG.format(provider.url))
        arguments = ["--config", str(config), "--requests", "3", "--redis", f"unix://{tmp_path / 'none'}"]
        arguments += ["--json", str(figures), "--plot", str(plot)]
        told = await asyncio.to_thread(CliRunner().invoke, main, ["bench", "--second-request", *arguments])
    assert told.exit_code == 0, told.output
    found = {each.store: each for each in msgspec.json.decode(figures.read_bytes(), type=list[Measured])}
    assert [found[name].hits for name in ("off", "memory", "sqlite")] == [0, 3, 3]
    assert "redis      skipped: it cannot be reached" in told.output
    assert plot.read_text().startswith("<svg")
