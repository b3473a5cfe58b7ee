"""The Helm chart as Helm itself renders it, and the settings within a rendered object."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).parents[2] / "deploy" / "helm" / "forebay"
PLAIN: dict[str, Any] = {"secrets": {"existing": "keys"}}
"""The least that must be said."""

Object = dict[str, Any]


def rendered(values: Mapping[str, Any], name: str = "demo") -> dict[str, str]:
    """Every template's text, by its name.

    Raises:
        helm_python.HelmError: the values are refused, or a template cannot be rendered.
    """
    import helm_python  # noqa: PLC0415  # a part that a machine may lack

    with helm_python.Chart.load(CHART) as chart:
        chart.validate_schema(dict(values))
        return {Path(path).name: text for path, text in chart.render(dict(values), name=name).items()}


def objects(values: Mapping[str, Any], name: str = "demo") -> list[Object]:
    """Every object that Kubernetes would be given."""
    texts = rendered(values, name)
    texts.pop("NOTES.txt")
    return [found for text in texts.values() for found in yaml.safe_load_all(text) if found]


def of_kind(found: list[Object], kind: str) -> dict[str, Object]:
    """Those of one kind, by name."""
    return {each["metadata"]["name"]: each for each in found if each["kind"] == kind}


def pods(found: list[Object]) -> Iterator[tuple[str, Object]]:
    """The names and specifications of all pods."""
    for each in found:
        if each["kind"] in {"Deployment", "Job"}:
            yield each["metadata"]["name"], each["spec"]["template"]["spec"]
