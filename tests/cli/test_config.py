"""``forebay config check``: all that is wrong, or what the file says."""

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from forebay import generation as module
from forebay.cli import main
from forebay.core.ports import Provider
from forebay.plugins import Kinds, ProviderPlugin, UnknownKindError
from forebay.settings import Secret


class MockSettings(msgspec.Struct, frozen=True):
    """What the plug-in of these tests reads."""

    api_key: Secret
    retries: int = 0


def never(_name: str, _settings: object) -> Provider:
    raise AssertionError("checking builds nothing")


class Mocks(Kinds[ProviderPlugin], frozen=True):
    """One kind that can be had, and one that cannot."""

    def plugin(self, kind: str) -> ProviderPlugin:
        if kind == "broken":
            raise ImportError("No module named 'vendor_sdk'")
        if kind != "mock":
            raise UnknownKindError(f"unknown provider kind '{kind}'; installed are: mock")
        return ProviderPlugin(settings=MockSettings, build=never)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(module, "PROVIDERS", Mocks("mocks", "provider"))
    monkeypatch.setenv("MOCK_KEY", "hush-hush")
    return tmp_path / "forebay.yaml"


def check(file: Path, text: str) -> Result:
    file.write_text(text)
    return CliRunner().invoke(main, ["config", "check", str(file)])


def test_a_good_file_is_summed_up(file: Path) -> None:
    result = check(
        file,
        """
auth: {keys: [{key: "${MOCK_KEY}", name: team, tenant: red}]}
providers: {one: {kind: mock, api_key: "${MOCK_KEY}"}, two: {kind: mock, api_key: x}}
models:
  fast: {deployments: [{provider: one, model: small}, {provider: two}]}
  one/*: {provider: one}
""",
    )
    assert result.exit_code == 0
    assert (
        result.output
        == f"""\
{file}: OK
  address    http://127.0.0.1:8080/v1
  keys       team (red)
  providers  one (mock)
             two (mock)
  models     fast → one: small, two: fast
             one/* → one: *
"""
    )


def test_an_empty_file_is_a_good_file(file: Path) -> None:
    result = check(file, "")
    assert result.exit_code == 0
    assert "everybody may ask" in result.output


def test_what_is_wrong_with_the_file_itself(file: Path) -> None:
    result = check(file, "server: {prot: 1}\nlog: {level: loud}\n")
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        f"{file}:1: server.prot: unknown key 'prot'; did you mean 'port'?",
        f"{file}:2: log.level: expected 'debug' or 'info' or 'warning' or 'error', got 'loud'",
    ]


def test_what_the_plug_ins_find_wrong(file: Path) -> None:
    result = check(
        file,
        """\
providers:
  one:
    kind: mock
    api_key: ${MOCK_KEY}
    retires: 2
  two: {kind: mock}
  three: {kind: mokc}
  four: {kind: broken}
""",
    )
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        f"{file}:5: providers.one.retires: unknown key 'retires'; did you mean 'retries'?",
        f"{file}:6: providers.two.api_key: is missing, and has no default",
        f"{file}:7: providers.three.kind: unknown provider kind 'mokc'; installed are: mock",
        f"{file}:8: providers.four.kind: the provider kind 'broken' cannot be used here: No module named 'vendor_sdk'",
    ]


def test_the_file_of_this_folder_is_the_default(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(file.parent)
    result = CliRunner().invoke(main, ["config", "check"])
    assert (result.exit_code, result.output) == (1, "forebay.yaml: cannot be read: No such file or directory\n")
    file.write_text("")
    assert CliRunner().invoke(main, ["config", "check"]).output.startswith("forebay.yaml: OK\n")
