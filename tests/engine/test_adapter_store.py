"""Adapters in memory: loaded once for all who wait, evicted only when nobody uses them, and only from their folder."""

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from forebay.core.adapters import AdapterSource
from forebay.core.errors import (
    ConflictError,
    ForebayError,
    InvalidRequestError,
    ModelNotFoundError,
    NotFoundError,
    UnavailableError,
)
from forebay.engine.adapter_folder import AdapterFolder, OutsideError
from forebay.engine.adapter_store import AdapterStore
from forebay.engine.options import AdapterSettings
from forebay.engine.projections import Module
from tests.support import lora

WEIGHTS = lora.tensors(lora.TINY, 0, rank=2)
BYTES = sum(4 * each.size for each in WEIGHTS.values())


class Prepared:
    """A model that is prepared only when the test lets it."""

    def __init__(self) -> None:
        self.modules: dict[Module, tuple[int, int]] = dict(lora.TINY)
        self.targets: list[frozenset[str]] = []
        self.may = threading.Event()
        self.may.set()

    def prepare(self, targets: frozenset[str]) -> None:
        assert self.may.wait(10)
        self.targets.append(targets)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("one", "two", "three"):
        lora.write(tmp_path / "adapters" / name, WEIGHTS, rank=2)
    return tmp_path / "adapters"


@pytest.fixture
def model() -> Prepared:
    return Prepared()


@pytest.fixture
async def store(folder: Path, model: Prepared) -> AsyncIterator[AdapterStore]:
    store = AdapterStore(AdapterSettings(str(folder), max_loaded=2), model)
    yield store
    model.may.set()
    await store.close()


async def until(condition: str, store: AdapterStore, value: float) -> None:
    async with asyncio.timeout(10):
        while store.gauges()[condition] != value:  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.005)


async def test_an_adapter_is_read_once_for_all_who_ask(store: AdapterStore, model: Prepared) -> None:
    model.may.clear()
    asking = [asyncio.create_task(store.use("one")) for _ in range(5)]
    await asyncio.sleep(0)
    model.may.set()
    with await asking[0] as first, await asking[4] as last:
        assert first is last
        assert first is not None
        assert first.name == "one"
    for task in asking[1:4]:
        with await task:
            pass
    assert store.gauges()["adapter_loads_total"] == 1
    assert store.gauges()["adapters_bytes"] == BYTES
    assert model.targets == [frozenset(lora.ALL)]


async def test_what_was_used_longest_ago_makes_room(store: AdapterStore) -> None:
    for name in ("one", "two", "one", "three", "one"):
        with await store.use(name):
            pass
    assert store.gauges()["adapter_loads_total"] == 3
    assert store.gauges()["adapter_evictions_total"] == 1
    with await store.use("two"):
        assert store.gauges()["adapter_loads_total"] == 4


async def test_what_is_in_use_is_never_evicted(store: AdapterStore) -> None:
    with await store.use("one") as one, await store.use("two"):
        with pytest.raises(UnavailableError, match="at most 2") as caught:
            await store.use("three")
        assert caught.value.headers["retry-after"]
        with await store.use("one") as again:
            assert again is one
    with await store.use("three"):
        assert store.gauges()["adapters_loaded"] == 2


async def test_bytes_are_bounded_too(folder: Path, model: Prepared) -> None:
    store = AdapterStore(AdapterSettings(str(folder), max_bytes=BYTES + BYTES // 2), model)
    with await store.use("one"), pytest.raises(UnavailableError):
        await store.use("two")
    with await store.use("two"):
        assert store.gauges()["adapters_bytes"] == BYTES
    small = AdapterStore(AdapterSettings(str(folder), max_bytes=100), model)
    with pytest.raises(InvalidRequestError, match="max_bytes"):
        await small.use("one")
    await store.close()
    await small.close()


async def test_who_stops_waiting_stops_nobody_else(store: AdapterStore, model: Prepared) -> None:
    model.may.clear()
    gone, stays = (asyncio.create_task(store.use("one")) for _ in range(2))
    await asyncio.sleep(0.01)
    gone.cancel()
    model.may.set()
    with await stays as adapter:
        assert adapter is not None
    with pytest.raises(asyncio.CancelledError):
        await gone


async def test_a_load_that_takes_too_long_is_told_and_goes_on(
    store: AdapterStore, model: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("forebay.engine.adapter_store.LOAD_SECONDS", 0.02)
    model.may.clear()
    with pytest.raises(UnavailableError, match="still being loaded"):
        await store.use("one")
    model.may.set()
    await until("adapters_loaded", store, 1)


async def test_unloading_waits_for_those_who_use_it_and_lets_nobody_begin(store: AdapterStore) -> None:
    with await store.use("one"):
        unloading = asyncio.create_task(store.unload("one"))
        await asyncio.sleep(0)
        with pytest.raises(ModelNotFoundError):
            await store.use("one")
        with pytest.raises(NotFoundError):
            await store.unload("one")
        assert not unloading.done()
    await unloading
    assert store.gauges()["adapters_loaded"] == 0
    with await store.use("one"):
        assert store.gauges()["adapters_loaded"] == 1


async def test_unloading_that_is_given_up_changes_nothing(store: AdapterStore) -> None:
    with await store.use("one"):
        unloading = asyncio.create_task(store.unload("one"))
        await asyncio.sleep(0)
        unloading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await unloading
        with await store.use("one"):
            assert store.gauges()["adapters_loaded"] == 1


async def test_another_name_and_a_new_reading(store: AdapterStore) -> None:
    await store.load(AdapterSource("alias", "one"))
    assert await store.names() == ["alias", "one", "three", "two"]
    with pytest.raises(InvalidRequestError, match="load_inplace"):
        await store.load(AdapterSource("alias", "two"))
    with await store.use("alias") as old:
        await store.load(AdapterSource("alias", "two", replace=True))
        with await store.use("alias") as new:
            assert old is not None
            assert new is not None
            assert old.identity != new.identity
    await store.unload("alias")
    assert await store.names() == ["one", "three", "two"]
    with pytest.raises(ModelNotFoundError):
        await store.use("alias")


@pytest.mark.parametrize("resident", ["one", "two"])
@pytest.mark.parametrize("path", ["one", "no-such", "two/../one"])
async def test_a_folder_keeps_its_name(store: AdapterStore, resident: str, path: str) -> None:
    await store.load(AdapterSource(resident, resident))
    for replace in (False, True):
        with pytest.raises(InvalidRequestError, match="choose another 'lora_name'") as caught:
            await store.load(AdapterSource("two", path, replace))
        assert caught.value.param == "lora_name"
    assert store.gauges()["adapters_loaded"] == 1


async def test_what_is_no_adapter_keeps_its_name_too(store: AdapterStore, folder: Path) -> None:
    (folder / "later").mkdir()
    with pytest.raises(InvalidRequestError, match="choose another"):
        await store.load(AdapterSource("later", "one"))


async def test_a_folder_is_loaded_from_its_own_path_however_that_is_written(store: AdapterStore, folder: Path) -> None:
    for path in ("one", "./one/", str(folder / "one")):
        await store.load(AdapterSource("one", path, replace=True))
    await store.unload("one")
    with pytest.raises(NotFoundError, match="not loaded"):
        await store.unload("one")


async def test_a_name_that_was_evicted_is_still_taken_and_can_be_forgotten(store: AdapterStore) -> None:
    await store.load(AdapterSource("alias", "one"))
    for name in ("one", "two"):
        with await store.use(name):
            pass
    assert store.gauges()["adapter_evictions_total"] == 1
    with pytest.raises(InvalidRequestError, match="load_inplace"):
        await store.load(AdapterSource("alias", "two"))
    await store.unload("alias")
    assert await store.names() == ["one", "three", "two"]
    with pytest.raises(ModelNotFoundError):
        await store.use("alias")
    with pytest.raises(NotFoundError):
        await store.unload("alias")


async def test_of_two_who_load_under_one_name_the_second_is_refused(store: AdapterStore, model: Prepared) -> None:
    model.may.clear()
    first = asyncio.create_task(store.load(AdapterSource("alias", "one")))
    await asyncio.sleep(0.01)
    second = asyncio.create_task(store.load(AdapterSource("alias", "two")))
    await asyncio.sleep(0.01)
    model.may.set()
    await first
    with pytest.raises(InvalidRequestError, match="load_inplace"):
        await second


async def test_what_is_being_loaded_is_unloaded_afterwards(store: AdapterStore, model: Prepared) -> None:
    model.may.clear()
    loading = asyncio.create_task(store.load(AdapterSource("alias", "one")))
    await until("adapter_loads_total", store, 1)
    unloading = asyncio.create_task(store.unload("alias"))
    await asyncio.sleep(0)
    model.may.set()
    await asyncio.gather(loading, unloading)
    assert await store.names() == ["one", "three", "two"]
    assert store.gauges()["adapters_loaded"] == 0


async def test_what_is_being_unloaded_is_not_replaced(store: AdapterStore) -> None:
    with await store.use("one"):
        unloading = asyncio.create_task(store.unload("one"))
        await asyncio.sleep(0)
        with pytest.raises(ConflictError):
            await store.load(AdapterSource("one", "one", replace=True))
    await unloading


async def test_only_what_can_be_used_is_listed_and_the_rest_is_told_once(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    outside = lora.write(folder.parent / "outside", WEIGHTS, rank=2)
    (folder / "link").symlink_to(outside)
    (folder / "inner").symlink_to(folder / "one")
    (folder / "file").touch()
    (folder / "empty").mkdir()
    (folder / "half").mkdir()
    (folder / "half" / "adapter_config.json").touch()
    lora.write(folder / "b@d\n", WEIGHTS, rank=2)
    listed = AdapterFolder(folder)
    for _ in range(2):
        assert listed.names() == ["inner", "one", "three", "two"]
    told = {record.getMessage().partition(" is not listed among the adapters: ")[::2] for record in caplog.records}
    assert len(caplog.records) == 5
    assert {name: reason.split(" that")[0] for name, reason in told} == {
        r"'b@d\n'": "its name may have only letters, digits, '.', '_' and '-', at most 128, a letter or digit first.",
        "'empty'": "it has no adapter_config.json",
        "'file'": "it is no folder.",
        "'half'": "it has no adapter_model.safetensors",
        "'link'": "a link leads out of the adapters' folder.",
    }
    (folder / "file").unlink()
    (folder / "file").mkdir()
    listed.names()
    assert len(caplog.records) == 6


async def test_what_cannot_be_used_says_why_and_takes_no_room(store: AdapterStore, folder: Path) -> None:
    lora.write(folder / "bad", WEIGHTS, rank=2, use_dora=True)
    for _ in range(3):
        with pytest.raises(InvalidRequestError, match="'bad' cannot be used: 'use_dora' is not supported") as caught:
            await store.use("bad")
        assert caught.value.param == "model"
    with pytest.raises(InvalidRequestError, match="use_dora") as caught:
        await store.load(AdapterSource("worse", "bad"))
    assert caught.value.param == "lora_path"
    with pytest.raises(ModelNotFoundError, match="no adapter at 'none'"):
        await store.load(AdapterSource("none", "none"))
    with await store.use("one"), await store.use("two"):
        assert store.gauges()["adapters_loaded"] == 2


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "...", "../one", "one/", "/etc", "one\\two", "one\0", "on\ne", "a" * 129, "no-such", ".one", "é"],
)
async def test_a_name_is_no_path(store: AdapterStore, name: str) -> None:
    with pytest.raises(ModelNotFoundError):
        await store.use(name)
    assert store.gauges()["adapters_loaded"] == 0


@pytest.mark.parametrize("path", ["..", "../outside", "/", "link", "linked-file", ".", "one\0", "", "no-such"])
async def test_nothing_outside_of_the_folder_is_read(store: AdapterStore, folder: Path, path: str) -> None:
    outside = lora.write(folder.parent / "outside", WEIGHTS, rank=2)
    (folder / "link").symlink_to(outside)
    (folder / "linked-file").mkdir()
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        (folder / "linked-file" / name).symlink_to(outside / name)
    with pytest.raises(NotFoundError):
        await store.load(AdapterSource("evil", path))
    with pytest.raises(OutsideError):
        AdapterFolder(folder).find(str(outside))


async def test_a_path_inside_of_the_folder_may_be_absolute(store: AdapterStore, folder: Path) -> None:
    await store.load(AdapterSource("evil", str(folder / "one")))
    with pytest.raises(ForebayError, match="letters, digits"):
        await store.load(AdapterSource("../evil", "one"))


async def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path, model: Prepared) -> None:
    store = AdapterStore(AdapterSettings(str(tmp_path / "none")), model)
    assert await store.names() == []
    with pytest.raises(ModelNotFoundError):
        await store.use("one")
    await store.close()
