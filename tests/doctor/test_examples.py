"""The figure that was promised: of the planted debts all are found, and none in a clean system."""

from pathlib import Path

import pytest

from forebay.accounts import build_store
from forebay.doctor.examine import examine
from forebay.doctor.facts import Facts
from forebay.doctor.gathering import asked, read
from forebay.doctor.tooluse import tool_use
from tests.support.doctored import EXAMPLES, NOW, copied, fill_clean, fill_debts

PLANTED = {
    ("FB101", "models.chat"),
    ("FB101", "models.also-chat"),
    ("FB101", "models.newest"),
    ("FB101", "models.old"),
    ("FB101", "models.openai/*"),
    ("FB102", "models.newest.deployments[0]"),
    ("FB103", "models.old.deployments[0]"),
    ("FB104", "models.old"),
    ("FB105", "models.chat.deployments[0]"),
    ("FB106", "models.openai/*"),
    ("FB107", "models.pair"),
    ("FB108", "providers.spare"),
    ("FB109", "models.also-chat"),
    ("FB201", "auth.keys[1]"),
    ("FB201", "keys.unlimited"),
    ("FB202", "keys.endless"),
    ("FB203", "auth.keys[1]"),
    ("FB203", "keys.nobodys"),
    ("FB204", "auth.keys[1]"),
    ("FB204", "keys.asleep"),
    ("FB205", "auth.keys[0]"),
    ("FB206", "auth.keys[1]"),
    ("FB207", "keys.ending"),
    ("FB301", "auth.keys[0].key"),
    ("FB302", "file"),
    ("FB303", "line 5"),
    ("FB304", "providers.spare.base_url"),
    ("FB401", "prompts.stuffed"),
    ("FB402", "prompts.grown"),
    ("FB403", "prompts.summary"),
    ("FB404", "prompts.tooled"),
    ("FB405", "prompts.grown"),
    ("FB406", "prompts.summary"),
    ("FB407", "prompts.summary"),
    ("FB501", "tools.fax_office"),
    ("FB502", "prompts.tooled"),
    ("FB601", "guards.watcher.mode"),
    ("FB602", "guards.opener.on_error"),
    ("FB603", "guards.sampler.sample_rate"),
    ("FB701", "cache"),
    ("FB702", "cache.shared"),
    ("FB703", "cache.semantic.threshold"),
    ("FB801", "usage.chat"),
    ("FB802", "usage.also-chat"),
    ("FB803", "usage.pair"),
    ("FB804", "usage.newest"),
    ("FB806", "store.retention"),
}
OF_OTHERS = {"FB604", "FB805", "FB807"}  # none can be together with these: no guards, no ledger, an old price list


async def gathered(path: Path) -> Facts:
    facts = read(path, {"FOREBAY_PEPPER": "a pepper of 16 characters"}, NOW)
    store = build_store(facts.settings.store)
    assert store is not None
    captured = EXAMPLES / "debts" / "captured.jsonl"
    try:
        return await asked(facts, store, tool_use(captured.read_bytes().splitlines()))
    finally:
        await store.close()


async def test_every_planted_debt_is_found_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = copied("debts", tmp_path)
    monkeypatch.chdir(path.parent)
    await fill_debts()
    found = examine(await gathered(path))
    assert {(each.rule, each.path) for each in found} == PLANTED
    assert all(each.line for each in found if each.path.startswith(("models", "auth", "guards", "cache", "line")))


async def test_a_clean_system_owes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = copied("clean", tmp_path)
    monkeypatch.chdir(path.parent)
    await fill_clean()
    facts = await gathered(path)
    assert facts.is_used
    facts = Facts(**{name: getattr(facts, name) for name in Facts.__struct_fields__} | {"tools": {}})
    assert list(examine(facts)) == []
