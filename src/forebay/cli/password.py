"""``forebay password``: makes what a configuration has of an admin's password."""

import sys

import click


@click.command()
@click.option("--generate", is_flag=True, help="Make a password, and show it on the standard error.")
def password(*, generate: bool) -> None:
    """Make the hash of an admin's password, for 'auth.login.password'."""
    try:
        from forebay.auth.login.password import generated, hashed  # noqa: PLC0415  # an extra
    except ImportError as error:
        raise click.ClickException(f"{error.name} is not installed: pip install 'forebay[login]'") from None
    text = generated() if generate else _given()
    if generate:
        click.echo(f"{text}\nkeep the password above, it is not shown again", err=True)
    try:
        click.echo(hashed(text))
    except ValueError as error:
        raise click.ClickException(str(error)) from None


def _given() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    text: str = click.prompt("Password", hide_input=True, err=True)
    if click.prompt("Again", hide_input=True, err=True) != text:
        raise click.ClickException("the two are not the same")
    return text
