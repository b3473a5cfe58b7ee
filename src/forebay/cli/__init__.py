"""The command line; a command's module is imported only when that command is used."""

import importlib
from typing import Final

import click

from forebay import __version__

COMMANDS: Final = {
    "serve": ("forebay.cli.serve:serve", "Serve models in the OpenAI format."),
    "deploy": ("forebay.cli.deploy:deploy", "Bring a configuration onto more than one machine."),
    "chat": ("forebay.cli.chat:chat", "Chat with a served model in the terminal."),
    "models": ("forebay.cli.models:models", "Fetch, list and remove models of the embedded engine."),
    "bench": ("forebay.cli.bench:bench", "Measure TTFT, TPOT, latency and throughput of a server."),
    "cache": ("forebay.cli.cache:cache", "Look into the cache of a running server, clear it, fill it."),
    "detect": ("forebay.cli.detect:detect", "Tell whether FILES, or what comes in by a pipe, carry a watermark."),
    "config": ("forebay.cli.config:config", "Check a configuration file."),
    "keys": ("forebay.cli.keys:keys", "Make, list, rotate and revoke API keys."),
    "store": ("forebay.cli.migrating:store", "Bring the store's schema up to date."),
    "password": ("forebay.cli.password:password", "Make the hash of an admin's password, for 'auth.login.password'."),
    "replay": ("forebay.cli.replay:replay", "Ask captured requests again, and tell what has changed."),
    "monitoring": ("forebay.cli.monitoring:monitoring", "Print the Grafana dashboard, or alert rules for Prometheus."),
    "prompts": ("forebay.cli.prompts:prompts", "Keep prompts in versions: push, list, label, lint, compare."),
    "eval": (
        "forebay.cli.evaluate:evaluate",
        "Ask a dataset's questions, and check the answers.",
    ),
    "feedback": ("forebay.cli.feedback:feedback", "Export what people thought of answers."),
    "reviews": ("forebay.cli.reviews:reviews", "Look at flagged answers, label them, and make datasets of them."),
    "report": ("forebay.cli.report:report", "Tell what a week was like: use, cost, quality, incidents."),
    "doctor": ("forebay.cli.doctor:doctor", "Tell the debts of a configuration, its prompts and its usage."),
    "import": ("forebay.cli.importing:importing", "Turn another system's configuration into Forebay's."),
}
"""Where each command is, and what it does."""


class Later(click.Group):
    """A group that knows its commands by name and help, and imports one only to run it."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click's
        """The command of that name, now imported."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # click's
        """List the commands, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(
    cls=Later,
    commands={name: click.Command(name, short_help=text) for name, (_, text) in COMMANDS.items()},
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="forebay", message="%(prog)s %(version)s")
def main() -> None:
    """One calm place in front of every language model."""
