"""Where ``forebay serve`` keeps things when nobody has said where."""

import importlib.util
import stat
from pathlib import Path

import pytest

from forebay.cli.store import OFF, own_store, place_of, with_store
from forebay.settings import Secret, Settings, StoreSettings


def test_nobody_says_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FOREBAY_HOME", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    store = own_store()
    assert store is not None
    assert store.url.reveal() == f"sqlite:///{tmp_path / 'forebay' / 'forebay.db'}"
    assert stat.S_IMODE((tmp_path / "forebay" / "forebay.db").stat().st_mode) == 0o600


def test_there_is_no_place_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("FOREBAY_HOME", str(tmp_path / "file"))
    assert own_store() is None


def test_nothing_is_kept_without_what_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    assert own_store() is None


def test_the_command_line_says_where() -> None:
    kept = Settings(store=StoreSettings(Secret("sqlite:///a.db"), durability="sync"))
    assert with_store(kept, None) is kept
    assert with_store(kept, OFF).store is None
    store = with_store(kept, "postgresql://u:secret@h/n").store
    assert store is not None
    assert (store.durability, place_of(store), store.url.reveal()[:5]) == ("sync", "PostgreSQL", "postg")
    assert place_of(StoreSettings(Secret("sqlite:////var/a.db"))) == "/var/a.db"
    with pytest.raises(ValueError, match="sqlite:///FILE"):
        with_store(kept, "mysql://h/n")
