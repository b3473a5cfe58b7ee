"""Every example in the documentation runs."""

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from forebay.plugins import CACHES, PROVIDERS
from forebay.settings import Settings, load
from tests.support.served import Served

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
ADDRESS = "http://127.0.0.1:8080"


def blocks(language: str) -> list[tuple[str, str]]:
    pattern = re.compile(rf"^```{language}\n(.*?)^```", re.MULTILINE | re.DOTALL)
    return [(page.name, block) for page in PAGES for block in pattern.findall(page.read_text())]


class AnyVariable(dict[str, str]):
    """An environment in which everything is set."""

    def __missing__(self, name: str) -> str:
        if name.endswith("_HASH"):
            return "$argon2id$v=19$m=65536,t=3,p=4$c29tZSBzYWx0$aGFzaA"
        return f"value-of-{name}-that-is-long-enough"

    def get(self, name: str, default: object = None) -> str:  # noqa: ARG002  # a dict's
        return self[name]


@pytest.mark.needs("engine")
@pytest.mark.parametrize(("page", "code"), blocks("python"))
def test_python_examples(served: Served, page: str, code: str, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    exec(compile(code.replace(ADDRESS, served.url), page, "exec"), names)
    if "client" in names:  # An example need not close it, but a socket left open is a warning, and that an error.
        names["client"].close()
    assert capsys.readouterr().out.strip() or "print(" not in code


@pytest.mark.needs("engine")
@pytest.mark.needs("curl")
@pytest.mark.parametrize(
    ("page", "line"),
    [
        (page, found[0])
        for page, block in [*blocks("console"), *blocks("sh")]
        for found in re.finditer(r"curl .*", block)
    ],
)
def test_curl_examples(served: Served, page: str, line: str) -> None:
    command = shlex.split(line.replace(ADDRESS, served.url))
    done = subprocess.run([*command, "-sS", "--fail"], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, f"{page}: {done.stdout}{done.stderr}"


@pytest.mark.needs("engine")
@pytest.mark.parametrize(
    ("page", "text"),
    # those of validators.md are sections of guards; tests/guards/validators/test_documented.py builds them
    [(page, text) for page, text in blocks("yaml") if page != "validators.md"],
)
def test_configuration_examples(page: str, text: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the-secret-of-a-file")
    text = re.sub(r"\$\{file:[^{}]*(?:\$\{[^{}]*\}[^{}]*)?\}", f"${{file:{secret}}}", text)
    settings = load(text, source=page, environ=AnyVariable(), command=lambda _program: "the-secret-of-a-program")
    assert isinstance(settings, Settings)
    for section in settings.providers.values():
        section.read(PROVIDERS.plugin(section.kind).settings)
    if settings.cache is not None:
        settings.cache.store.read(CACHES.plugin(settings.cache.store.kind).settings)


def test_there_is_something_to_test() -> None:
    assert blocks("python")
    assert blocks("yaml")
    assert blocks("console")
