"""Secrets from files and commands: what a reference stands for, and what is said where it stands for nothing."""

import contextlib
import os
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.settings import Secret, Settings, SettingsError, load, references
from forebay.settings.references import no_command

CANARY = "canary-4711"


def keyed(reference: str, **environ: str) -> Settings:
    return load(f"auth: {{keys: [{{key: '{reference}', name: a}}]}}", source="f", environ=environ)


def key(reference: str, **environ: str) -> str:
    return keyed(reference, **environ).auth.keys[0].key.reveal()


def refused(reference: str, **environ: str) -> str:
    with pytest.raises(SettingsError) as caught:
        keyed(reference, **environ)
    (message,) = str(caught.value).splitlines()
    assert message.startswith("f:1: auth.keys[0].key: ")
    assert CANARY not in message
    return message


def script(folder: Path, text: str) -> str:
    file = folder / "a program.py"
    file.write_text(text)
    return f'${{command:{sys.executable} "{file}"}}'


@pytest.mark.parametrize("text", [CANARY, f"{CANARY}\n", f"{CANARY}\r\n"])
def test_a_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "key").write_bytes(text.encode())
    assert key(f"${{file:{tmp_path}/key}}") == CANARY


def test_a_link_as_kubernetes_makes_them(tmp_path: Path) -> None:
    (tmp_path / "data").write_text(CANARY)
    (tmp_path / "key").symlink_to("data")
    assert key(f"${{file:{tmp_path}/key}}") == CANARY


def test_variables_within(tmp_path: Path) -> None:
    (tmp_path / "my key").write_text(CANARY)
    assert key("${file:${FOLDER}/${NAME}}", FOLDER=str(tmp_path), NAME="my key") == CANARY
    told = script(tmp_path, "import sys; print(sys.argv[1:])").removesuffix("}")
    assert key(f"{told} ${{WORDS}}}}".replace("'", "''"), WORDS="two words; $(id)") == "['two words; $(id)']"


def test_amid_other_text(tmp_path: Path) -> None:
    (tmp_path / "password").write_text(CANARY)
    text = f"store: {{url: 'postgresql://forebay:${{file:{tmp_path}/password}}@db/forebay'}}"
    settings = load(text, source="f", environ={})
    assert settings.store
    assert settings.store.url == Secret(f"postgresql://forebay:{CANARY}@db/forebay")
    assert CANARY not in repr(settings)


def test_in_a_section_of_a_plug_in(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(CANARY)
    text = f"providers: {{a: {{kind: openai, api_key: '${{file:{tmp_path}/key}}'}}}}"
    settings = load(text, source="f", environ={})
    assert settings.providers["a"].plain() == {"kind": "openai", "api_key": CANARY}
    assert CANARY not in repr(settings)


def test_a_command(tmp_path: Path) -> None:
    assert key(script(tmp_path, f"print('{CANARY}')")) == CANARY


def test_a_command_reads_nothing(tmp_path: Path) -> None:
    assert key(script(tmp_path, "import sys; print(len(sys.stdin.read()))")) == "0"


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (f"print('{CANARY}'); raise SystemExit(3)", "ended with status 3"),
        (f"raise ValueError('{CANARY}')", "ended with status 1"),
        ("", "gives nothing"),
        (f"print('{CANARY}' * 10_000)", "gives more than 64 KiB"),
        ("import sys; sys.stdout.buffer.write(b'\\xff')", "is not valid UTF-8"),
    ],
)
def test_a_command_that_fails(tmp_path: Path, program: str, message: str) -> None:
    assert message in refused(script(tmp_path, program))


def test_a_command_that_does_not_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(references, "SECONDS", 0.3)
    started = time.monotonic()
    assert "took longer than 0.3 s" in refused(script(tmp_path, "import time; time.sleep(60)"))
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("${file:/nowhere/at/all}", "the file '/nowhere/at/all' cannot be read: No such file"),
        ("${file:/}", "no regular file"),
        ("${file:}", "no regular file"),
        ("${file:${HIDDEN}}", "the environment variable HIDDEN is not set"),
        ("${command:}", "names no program"),
        ('${command:"a}', "a quote without an end"),
        ("${command:/nowhere/at/all}", "the command '/nowhere/at/all' cannot be run: No such file"),
        ("${file:a", "begins no reference"),
        ("${files:a}", "begins no reference"),
    ],
)
def test_what_stands_for_nothing(reference: str, message: str) -> None:
    assert message in refused(reference)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no named pipes in its file system")
def test_a_pipe_that_never_ends(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "no regular file" in refused(f"${{file:{tmp_path}/pipe}}")


def test_an_empty_or_large_file(tmp_path: Path) -> None:
    for text, message in (("\n", "gives nothing"), ("x" * 70_000, "more than 64 KiB")):
        (tmp_path / "key").write_text(text)
        assert message in refused(f"${{file:{tmp_path}/key}}")


def test_what_was_sent_runs_nothing(tmp_path: Path) -> None:
    text = f"log: {{level: '{script(tmp_path, 'print(1)')}'}}"
    with pytest.raises(SettingsError, match=r"is not run: \$\{command:…\} is for the server's own file only"):
        load(text, source="the request", environ={}, command=no_command)


@given(st.text(alphabet="${}:-file comandX/'\\\n", max_size=40))
def test_whatever_is_written(text: str) -> None:
    """It is either read or told as a problem."""
    quoted = text.replace("'", "''").replace("\n", " ")
    with contextlib.suppress(SettingsError):
        load(f"log: {{level: '{quoted}'}}", source="f", environ={"X": "info"}, command=no_command)
