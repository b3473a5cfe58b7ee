"""What a running server is given to serve: the file with the command line's additions, checked by the main process."""

import os
import signal
from pathlib import Path

import pytest

from forebay.cli.source import ACCEPTED, PROPOSED, Source, WorkersSource, accept
from forebay.settings import Settings, SettingsError

TEXT = """
providers: {p: {kind: openai, base_url: "http://127.0.0.1:1/v1"}}
models: {m: {provider: p}}
"""
ENGINE = "providers: {e: {kind: engine, model: MODEL}}\nmodels: {m: {provider: e}}\n"


@pytest.fixture
def source(tmp_path: Path) -> Source:
    file = tmp_path / "forebay.yaml"
    file.write_text(TEXT)
    return Source(file, server={"port": 0, "host": None})


def names(settings: Settings) -> list[str]:
    return list(settings.models)


def test_the_command_line_is_added_every_time(source: Source) -> None:
    assert source.read().server.port == 0
    assert source.parse(TEXT + "server: {port: 9}").server.port == 0
    assert names(Source(source.file, chosen=("smollm2",)).read()) == ["smollm2", "m"]


def test_a_page_needs_no_key_of_its_own_where_others_reach_it(source: Source) -> None:
    web = "server: {role: web, host: 0.0.0.0, gateway: 'http://127.0.0.1:1'}"
    assert source.parse(web).server.host == "0.0.0.0"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "names no model"),
        (TEXT + "server: {host: 0.0.0.0}", "auth.keys: are missing"),
        (TEXT + "server: {host: example.com}", "auth.keys: are missing"),
        (TEXT.replace("models", "modles"), ":3: modles: unknown key"),
    ],
)
def test_what_could_not_be_started_cannot_be_changed_to(source: Source, text: str, told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        source.parse(text)
    assert told in str(caught.value)
    source.file.write_text(text)
    with pytest.raises(SettingsError):
        source.read()


def test_the_main_process_takes_what_was_sent_before_the_file(source: Source, tmp_path: Path) -> None:
    running = source.read()
    folder = tmp_path / "shared"
    folder.mkdir()
    (folder / PROPOSED).write_text(TEXT.replace("m:", "sent:"))
    assert names(accept(source, folder, running)) == ["sent"]
    worker = WorkersSource(source, folder, running, 1)
    assert names(worker.read()) == ["sent"]
    assert names(accept(source, folder, running)) == ["m"]
    assert names(worker.read()) == ["m"]


def test_what_is_no_good_stays_out_of_the_folder(source: Source, tmp_path: Path) -> None:
    running = source.read()
    for text in (TEXT.replace("openai", "opanai"), "{", "\x00"):
        source.file.write_text(text)
        with pytest.raises(SettingsError):
            accept(source, tmp_path, running)
    assert not (tmp_path / ACCEPTED).exists()


def test_a_file_is_handed_on_as_a_text_without_its_secrets(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_SECRET", "hush-hush")
    source.file.write_text(TEXT.replace("base_url", 'api_key: "${MY_SECRET}", base_url'))
    accept(source, tmp_path, source.read())
    assert "hush" not in (tmp_path / ACCEPTED).read_text()


@pytest.mark.parametrize("text", [ENGINE.replace("MODEL", "other"), ENGINE.replace("{m:", "{n:"), TEXT])
def test_what_workers_share_cannot_change_under_them(source: Source, tmp_path: Path, text: str) -> None:
    running = source.parse(ENGINE)
    worker = WorkersSource(source, tmp_path, running, 1, tmp_path / "engine.sock")
    part = worker.parse("# the same, elsewhere\n" + ENGINE)
    assert part.providers["e"].kind != "engine"
    with pytest.raises(SettingsError, match="restart the server"):
        worker.parse(text)


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="signals")
def test_a_worker_asks_the_main_process(source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda process, number: told.append((process, number)))
    assert WorkersSource(source, tmp_path, source.read(), 42).spread(TEXT)
    assert told == [(42, signal.SIGHUP)]
    assert (tmp_path / PROPOSED).read_text() == TEXT
