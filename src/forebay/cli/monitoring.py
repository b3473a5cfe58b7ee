"""``forebay monitoring``: the Grafana dashboard and the alert rules that come with Forebay."""

from importlib.resources import files

import click

FILES = {"grafana": "grafana.json", "alerts": "alerts.yaml"}


@click.command()
@click.argument("what", type=click.Choice([*FILES]))
def monitoring(what: str) -> None:
    """Print the Grafana dashboard, or alert rules for Prometheus."""
    click.echo(files("forebay").joinpath("data", FILES[what]).read_text(encoding="utf-8"), nl=False)
