"""Feedback becomes a dataset that an evaluation reads: joined with request, prompt and the texts that were kept."""

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from forebay.cli.feedback import feedback
from forebay.core.conversations import Ending, Item, Opening, Owner
from forebay.core.feedback import Feedback
from forebay.evaluation.cases import Contains, read
from forebay.settings import Secret, StoreSettings
from forebay.store.plugin import build
from tests.support.records import record

ASKED = {"content": "Capital of France?"}
ANSWERED = {"content": [{"type": "output_text", "text": "Paris"}]}
QUESTION = Item("msg_1", "message", "user", "completed", ASKED, 1.0)
ANSWER = Item("msg_2", "message", "assistant", "completed", ANSWERED, 2.0, "", "msg_1", "resp_1", output=True)


def said(number: int, kind: str, target: str, **fields: object) -> Feedback:
    return Feedback(f"fb_{number}", float(number), "team", "alice", kind, target, **fields)  # type: ignore[arg-type] # a table's


@pytest.fixture
async def config(tmp_path: Path) -> Path:
    url = f"sqlite:///{tmp_path / 'forebay.db'}"
    store = build(StoreSettings(Secret(url)))
    await store.responses.begin(Owner("team", "alice"), Opening("resp_1", 1.0, "m", [QUESTION]))
    await store.responses.end(Ending("resp_1", "completed", [ANSWER], {}))
    row = msgspec.structs.replace(record(1, prompt="support@2", model="m"), id="req_1")
    await store.usage.add([("row", row)])
    await store.feedback.put(said(1, "response", "resp_1", rating="up", labels=("short",)))
    await store.feedback.put(said(2, "request", "req_1", rating="down", correction="Lyon"))
    await store.feedback.put(said(3, "item", "msg_9", score=0.5))
    await store.close()
    path = tmp_path / "forebay.yaml"
    path.write_text(f'store: {{url: "{url}"}}\n')
    return path


def exported(config: Path, *arguments: str) -> list[dict[str, object]]:
    result = CliRunner().invoke(feedback, ["export", "--config", str(config), *arguments])
    assert result.exit_code == 0, result.output
    return [msgspec.json.decode(line) for line in result.stdout.splitlines()]


def test_feedback_is_joined_with_the_request_and_the_texts(config: Path) -> None:
    item, request, response = exported(config)
    assert item == {"id": "fb_3", "score": 0.5, "tenant": "team", "at": 3.0}
    assert (request["used_prompt"], request["model"], request["expected"]) == ("support@2", "m", "Lyon")
    assert (request["messages"], request["answer"]) == (response["messages"], response["answer"])
    assert response["messages"] == [{"role": "user", "content": "Capital of France?"}]
    assert (response["answer"], response["expected"], response["labels"]) == ("Paris", "Paris", ["short"])
    assert response["used_prompt"] == "support@2"


def test_what_was_liked_is_a_dataset(config: Path) -> None:
    path = config.parent / "liked.jsonl"
    assert exported(config, "--rating", "up", "--output", str(path)) == []
    (case,) = read(path, [Contains()])
    assert (case.id, case.expected) == ("fb_1", "Paris")
