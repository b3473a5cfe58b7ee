"""``forebay deploy``: brings a configuration onto more than one machine."""

from pathlib import Path

import click

from forebay.settings.values import duration


@click.group()
def deploy() -> None:
    """Bring a configuration onto more than one machine."""


@deploy.command()
@click.option(
    "--config", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Configuration file."
)
@click.option(
    "--address", default="auto", help="The cluster's address.  [default: what RAY_ADDRESS says, or this machine's]"
)
@click.option("--timeout", default="10m", help="How long all replicas may take to start.  [default: 10m]")
def ray(config: Path, address: str, timeout: str) -> None:
    """Serve on a Ray cluster, or update what is served there."""
    seconds = duration(timeout)
    if seconds is None:
        raise click.BadParameter("expected a duration, such as 10m", param_hint="--timeout")
    try:
        from forebay.cli.deploy.onto_ray import onto_ray  # noqa: PLC0415  # Ray comes with an extra
    except ImportError as error:
        raise click.ClickException(f"needs what is not installed ({error.name}): pip install 'forebay[ray]'") from None
    onto_ray(config, address, seconds)
