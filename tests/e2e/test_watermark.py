"""Mark, refuse, detect: over the wire and from the command line, with the default model."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.served import Served, forebay

pytestmark = pytest.mark.needs("engine")

CONFIG = """
auth:
  keys:
    - {key: free, name: free, watermark: choose}
    - {key: plain, name: plain}
    - {key: bound, name: bound, watermark: always}
watermark:
  keys: {autumn: "${WATERMARK_AUTUMN}", spring: a former secret of ours, public: "15485863"}
providers:
  engine: {kind: engine, model: smollm2, watermark: {key: autumn}}
  remote: {kind: openai, base_url: "http://127.0.0.1:1/v1"}
models:
  smollm2: {provider: engine}
  remote: {provider: remote}
"""
ENVIRON = {"WATERMARK_AUTUMN": "the secret of this autumn"}


class Asked:
    """What came back: status, headers and body."""

    def __init__(self, server: Served, path: str, key: str, **body: Any) -> None:
        headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
        request = urllib.request.Request(server.url + path, json.dumps(body).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=120) as reply:
                self.status, self.headers, self.data = reply.status, reply.headers, reply.read()
        except urllib.error.HTTPError as error:
            with error:
                self.status, self.headers, self.data = error.code, error.headers, error.read()

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.data)
        return found

    @property
    def param(self) -> str:
        found: str = self.json["error"]["param"]
        return found


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("watermark") / "forebay.yaml"
    file.write_text(CONFIG)
    return file


@pytest.fixture(scope="module")
def server(config: Path) -> Iterator[Served]:
    with forebay("--config", str(config), environ=ENVIRON) as running:
        yield running


def completed(server: Served, key: str, **body: Any) -> Asked:
    asked = {"prompt": "My favourite walk begins", "max_tokens": 4, "temperature": 1.0, "seed": 4, **body}
    return Asked(server, "/v1/completions", key, model="smollm2", **asked)


def detected(server: Served, text: str, **body: Any) -> Asked:
    return Asked(server, "/v1/watermark/detect", "plain", **{"text": text, "model": "smollm2", **body})


@pytest.fixture(scope="module")
def marked(server: Served) -> str:
    text: str = completed(server, "plain", max_tokens=130, ignore_eos=True).json["choices"][0]["text"]
    return text


def test_an_answer_is_marked_and_found(server: Served, marked: str) -> None:
    found = detected(server, marked).json
    assert (found["verdict"], found["key"], found["scheme"]) == ("marked", "autumn", "keyed")
    assert found["p"] < 1e-6
    assert found["z"] > 4
    assert "".join(found["tokens"]) == marked
    assert len(found["mask"]) == len(found["tokens"])
    assert {each["key"] for each in found["findings"]} == {"autumn", "spring"}
    assert "proof" in found["note"]
    assert "tokens" not in detected(server, marked, mask=False).json


def test_an_answer_without_a_mark_is_not_found(server: Served) -> None:
    plain = completed(server, "free", watermark=False, max_tokens=130, ignore_eos=True)
    assert "x-watermark" not in plain.headers
    assert detected(server, plain.json["choices"][0]["text"]).json["verdict"] == "not_found"


def test_invisible_characters_and_look_alikes_do_not_hide_it(server: Served, marked: str) -> None:
    hidden = marked.replace("o", "о").replace(" ", " \u200b")  # noqa: RUF001  # that is the attack
    assert detected(server, hidden).json["verdict"] == "marked"


@pytest.mark.parametrize("stream", [False, True])
def test_the_reply_names_the_key(server: Served, stream: bool) -> None:  # noqa: FBT001
    assert completed(server, "plain", stream=stream).headers["x-watermark"] == "autumn"
    chat = {"model": "smollm2", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 3, "stream": stream}
    assert Asked(server, "/v1/chat/completions", "bound", **chat).headers["x-watermark"] == "autumn"


def test_a_key_that_may_not_choose_is_told(server: Served) -> None:
    for key in ("plain", "bound"):
        refused = completed(server, key, watermark=False)
        assert (refused.status, refused.param) == (403, "watermark")


@pytest.mark.parametrize(("key", "said"), [("plain", {"watermark": True}), ("bound", {})])
def test_a_mark_on_a_remote_model_is_refused(server: Served, key: str, said: dict[str, bool]) -> None:
    refused = Asked(server, "/v1/completions", key, model="remote", prompt="Hi", **said)
    assert (refused.status, refused.param) == (400, "watermark")
    assert "cannot have a watermark" in refused.json["error"]["message"]


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/messages"])
def test_other_dialects_hold_to_what_a_key_allows(server: Served, path: str) -> None:
    body = {"model": "smollm2", "max_tokens": 3, "messages": [{"role": "user", "content": "Hi"}]}
    if path == "/v1/responses":
        body = {"model": "smollm2", "max_output_tokens": 16, "input": "Hi"}
    assert Asked(server, path, "bound", **body, watermark=False).status == 403
    assert "x-watermark" not in Asked(server, path, "free", **body, watermark=False).headers
    assert Asked(server, path, "free", **body).headers["x-watermark"] == "autumn"
    assert Asked(server, path, "free", **{**body, "model": "remote"}, watermark=True).status == 400


def test_a_grammar_with_one_legal_token_is_followed(server: Served) -> None:
    answer = completed(server, "plain", guided_choice=["exactly this and nothing else"], max_tokens=30)
    assert answer.json["choices"][0]["text"] == "exactly this and nothing else"


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({"text": ""}, 400, "text"),
        ({"text": " \n"}, 400, "text"),
        ({"text": "\0\1\2" * 40}, 400, "text"),
        ({"text": "word " * 400_000}, 413, "text"),
        ({"model": "remote"}, 400, "model"),
        ({"model": "nobody"}, 404, "model"),
        ({"keys": ["winter"]}, 400, "keys"),
        ({"keys": ["public"]}, 400, "keys"),
        ({"keys": ["autumn", "public"], "schemes": ["keyed"]}, 400, "keys"),
        ({"keys": ["autumn"], "schemes": ["keyed", "kgw-lefthash"]}, 400, "schemes"),
        ({"schemes": ["magic"]}, 400, "schemes[0]"),
        ({"significance": 2}, 400, "significance"),
        ({"text": "word " * 50_000, "schemes": ["kgw-selfhash"]}, 400, "text"),
    ],
)
def test_bad_input_is_named(server: Served, body: dict[str, Any], status: int, param: str) -> None:
    refused = detected(server, **{"text": "some text", **body})
    assert (refused.status, refused.param) == (status, param)


def test_other_schemes_can_be_asked_for(server: Served, marked: str) -> None:
    found = detected(server, marked, schemes=["keyed", "kgw-lefthash", "gumbel"]).json
    assert found["verdict"] == "marked"
    assert {each["scheme"] for each in found["findings"]} == {
        "keyed",
        "kgw-lefthash",
        "kgw-lefthash (padded)",
        "gumbel",
    }


def test_what_a_model_reads_can_be_asked_for(server: Served) -> None:
    read = Asked(server, "/tokenize", "plain", model="smollm2", prompt="The hills were quiet.", return_token_strs=True)
    assert read.json["count"] == len(read.json["tokens"]) == 5
    assert "".join(read.json["token_strs"]) == "The hills were quiet."
    assert max(read.json["tokens"]) < read.json["vocab_size"]
    assert "token_strs" not in Asked(server, "/tokenize", "plain", model="smollm2", prompt="Hi").json
    refused = Asked(server, "/tokenize", "plain", model="remote", prompt="Hi")
    assert (refused.status, refused.param) == (400, "model")


def test_a_part_that_carries_the_mark_is_shown(config: Path, marked: str, tmp_path: Path) -> None:
    clean = " ".join(f"The {number} hills were as quiet as on any other day in spring." for number in range(40))
    mixed = tmp_path / "mixed.txt"
    mixed.write_text(clean + marked + clean)
    found = command("--config", str(config), "--significance", "0.001", str(mixed))
    assert "carries the mark, in tokens " in found.stdout


def test_characters_of_several_tokens_are_told_whole(server: Served) -> None:
    text = "naïve café 😀👩‍👩‍👧 ßß"
    read = Asked(server, "/tokenize", "plain", model="smollm2", prompt=text, return_token_strs=True).json
    assert "".join(read["token_strs"]) == text


@pytest.mark.skipif(sys.platform == "win32", reason="needs Unix sockets")
def test_workers_detect_as_well_and_a_stored_answer_names_its_key(config: Path, tmp_path: Path) -> None:
    asked = {"prompt": "My favourite walk begins", "max_tokens": 130, "temperature": 1.0, "seed": 4, "ignore_eos": True}
    cache = f"sqlite:{tmp_path / 'cache.db'}"
    with forebay("--config", str(config), "--workers", "2", "--cache", cache, environ=ENVIRON) as server:
        first = Asked(server, "/v1/completions", "plain", model="smollm2", **asked)
        assert detected(server, first.json["choices"][0]["text"]).json["verdict"] == "marked"
        assert Asked(server, "/tokenize", "plain", model="smollm2", prompt="Hi there").json["count"] == 2
        answer = {"model": "smollm2", "prompt": "Yes or no?", "guided_choice": ["yes", "no"], "seed": 1}
        replies = [Asked(server, "/v1/completions", "plain", **answer) for _ in range(4)]
        assert {each.headers["x-watermark"] for each in replies} == {"autumn"}
        assert "HIT" in {each.headers["x-cache"] for each in replies}


def command(*arguments: str, text: str | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "forebay", "detect", *arguments],
        input=text,
        env={**os.environ, **ENVIRON},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_command_line_tells_by_its_exit_status(config: Path, marked: str, tmp_path: Path) -> None:
    one, other = tmp_path / "marked.txt", tmp_path / "short.txt"
    one.write_text(marked)
    other.write_text("Too short to tell.")
    found = command("--config", str(config), str(one))
    assert (found.returncode, found.stderr) == (0, "")
    assert "carries the mark" in found.stdout
    both = command("--config", str(config), "--json", str(one), str(other))
    assert both.returncode == 1
    assert [json.loads(line)["verdict"] for line in both.stdout.splitlines()] == ["marked", "too_short"]
    piped = command("--secret", "WATERMARK_AUTUMN", text=marked)
    assert piped.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--config", "{config}", sys.executable], "UTF-8"),
        (["--config", "{config}", "nowhere.txt"], "No such file"),
        (["--config", "nowhere.yaml"], "cannot be read"),
        (["--config", "{config}", "--key", "winter"], "no watermark key 'winter'"),
        (["--config", "{config}", "--model", "remote"], "no model 'remote'"),
        (["--config", "{config}", "--scheme", "magic"], "--scheme is one of"),
        (["--secret", "NOT_SET"], "has no NOT_SET"),
    ],
)
def test_the_command_line_says_what_is_wrong(config: Path, arguments: list[str], said: str) -> None:
    done = command(*[each.format(config=config) for each in arguments], text="some text")
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
