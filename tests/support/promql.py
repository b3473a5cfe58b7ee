"""The queries of the dashboard and of the alert rules, and what of a page of metrics they ask for."""

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import yaml

SELECTOR = re.compile(r"(forebay_[a-z_]+)(?:\{([^}]*)\})?")
LABEL = re.compile(r'([a-z_]+)(?:=~|!~|!=|=)"')
GROUPED = re.compile(r"by \(([^)]*)\)")


def data(name: str) -> str:
    """A data file of the package."""
    return files("forebay").joinpath("data", name).read_text(encoding="utf-8")


def dashboard() -> dict[str, Any]:
    """The Grafana dashboard."""
    found: dict[str, Any] = json.loads(data("grafana.json"))
    return found


def panels() -> Iterator[tuple[str, str]]:
    """Title and query of everything that is plotted, with Grafana's variables filled in."""
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", ()):
            query = target["expr"].replace("$__rate_interval", "1m")
            yield panel["title"], query.replace("$model", ".*").replace("$deployment", ".*")


def alerts() -> Iterator[tuple[str, str]]:
    """Name and query of every alert rule."""
    for group in yaml.safe_load(data("alerts.yaml"))["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]


def asked(query: str) -> dict[str, set[str]]:
    """The metrics that ``query`` reads, each with the labels that it must have."""
    grouped = {name.strip() for names in GROUPED.findall(query) for name in names.split(",") if name.strip()}
    return {name: {*LABEL.findall(inside or "")} | grouped for name, inside in SELECTOR.findall(query)}
