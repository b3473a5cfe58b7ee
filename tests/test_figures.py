"""The figures of a server, whatever its clients ask for."""

import msgspec

from forebay.figures import Figures
from forebay.generation import around
from forebay.meter.journal import Journal
from forebay.meter.metrics import PAIRS
from forebay.settings import DeploymentSettings, ModelSettings, Settings
from tests.meter.test_journal import RECORD
from tests.support.scripted import Scripted


def test_names_that_clients_make_up_take_no_labels_from_configured_models() -> None:
    models = {name: ModelSettings((DeploymentSettings("p"),)) for name in ("mine", "p/*")}
    current = around(Settings(models=models), {"p": Scripted([])})
    figures = Figures(lambda: current, None, dict)
    names = [*(f"p/{number}" for number in range(PAIRS + 50)), "mine"]
    figures.sinks[0]([msgspec.structs.replace(RECORD, model=name) for name in names])
    lines = figures.text(Journal([])).splitlines()
    ended = [line for line in lines if line.startswith("forebay_requests_total")]
    assert len(ended) == PAIRS + 2
    assert any('model="mine"' in line for line in ended)
