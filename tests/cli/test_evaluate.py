"""``forebay eval`` against a real server: every check, the gate, and what it writes."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result

from forebay.cli.evaluate import evaluate

ANSWERS = {"capital": "The capital is Paris.", "json": '{"n": 1}', "sum": "4", "broken": None}
CASES: list[dict[str, Any]] = [
    {"id": "contains", "input": "capital", "expected": "paris"},
    {"id": "exact", "input": "sum", "checks": [{"kind": "exact", "value": "4"}]},
    {"id": "regex", "input": "capital", "checks": [{"kind": "regex", "pattern": "P[a-z]+s"}]},
    {
        "id": "schema",
        "input": "json",
        "checks": [{"kind": "json_schema", "schema": {"properties": {"n": {"type": "integer"}}, "required": ["n"]}}],
    },
    {"id": "similar", "input": "capital", "expected": "near", "checks": [{"kind": "similarity", "threshold": 0.9}]},
    {"id": "judged", "input": "sum", "expected": "four", "checks": [{"kind": "judge"}]},
]
WRONG: list[dict[str, Any]] = [
    {"id": "contains", "input": "sum", "expected": "paris"},
    {"id": "exact", "input": "sum", "checks": [{"kind": "exact", "value": "5"}]},
    {"id": "regex", "input": "sum", "checks": [{"kind": "regex", "pattern": "P"}]},
    {"id": "schema", "input": "capital", "checks": CASES[3]["checks"]},
    {"id": "similar", "input": "capital", "expected": "far", "checks": [{"kind": "similarity"}]},
    {"id": "judged", "input": "capital", "expected": "four", "checks": [{"kind": "judge"}]},
    {"id": "error", "input": "broken", "expected": "x"},
]


class Handler(BaseHTTPRequestHandler):
    """Answers by `ANSWERS`; a judge that says yes to a four, and embeddings of three texts."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path.endswith("embeddings"):
            vectors = {"near": [1.0, 0.1], "far": [0.0, 1.0]}
            data = [{"embedding": vectors.get(text, [1.0, 0.0])} for text in body["input"]]
            self._send(200, {"data": data})
            return
        asked = body["messages"][-1]["content"]
        is_judge = body["messages"][0]["role"] == "system"
        answer = ("Yes." if "\n4\n" in asked else "No.") if is_judge else ANSWERS[asked]
        if answer is None:
            self._send(500, {"error": {"message": "it is broken"}})
        else:
            self._send(200, {"choices": [{"message": {"content": answer}}], "usage": {"total_tokens": 7}})

    def _send(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the library's
        """Nothing."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def run(tmp_path: Path, url: str, cases: list[dict[str, Any]], *arguments: str) -> Result:
    dataset = tmp_path / "cases.jsonl"
    dataset.write_text("".join(f"{json.dumps(case)}\n" for case in cases))
    options = ["--target", url, "--model", "m", "--check", "contains", *arguments]
    return CliRunner().invoke(evaluate, [str(dataset), *options])


def test_every_check_passes_what_is_right(tmp_path: Path, url: str) -> None:
    result = run(tmp_path, url, CASES, "--min-pass", "1")
    assert result.exit_code == 0, result.output
    assert "passed   6 of 6: 100.0% (95 %: 61.0% to 100.0%)" in result.output
    assert "42 tokens" in result.output


def test_a_target_may_be_a_configuration(tmp_path: Path, url: str) -> None:
    config = tmp_path / "candidate.yaml"
    config.write_text(
        "log: {requests: false}\n"
        f"providers: {{other: {{kind: openai, base_url: '{url}/v1'}}}}\n"
        "models: {m: {deployments: [{provider: other}]}}\n"
    )
    result = run(tmp_path, str(config), CASES[:1], "--min-pass", "1")
    assert result.exit_code == 0, result.output
    config.write_text("models: {m: {deployments: [{provider: none}]}}\n")
    result = run(tmp_path, str(config), CASES[:1])
    assert result.exit_code == 1
    assert "No server starts" in result.output


def test_every_check_fails_what_is_wrong_and_says_why(tmp_path: Path, url: str) -> None:
    result = run(tmp_path, url, WRONG, "--min-pass", "0.5")
    assert result.exit_code == 1
    for why in (
        "is no JSON",
        "the judge says no",
        "0.000 is less than 0.8",
        "does not match P",
        "status 500: it is broken",
    ):
        assert why in result.output
    assert "passed   0 of 7" in result.output


def test_a_baseline_is_a_gate(tmp_path: Path, url: str) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    assert run(tmp_path, url, CASES, "--output", str(good)).exit_code == 0
    result = run(tmp_path, url, WRONG, "--output", str(bad), "--baseline", str(good), "--allow-drop", "1")
    assert result.exit_code == 1, "clearly worse, whatever is allowed"
    assert "6 broke, 0 mended, p = 0.031" in result.output
    result = run(tmp_path, url, CASES, "--baseline", str(bad))
    assert result.exit_code == 0
    assert "missing  1 cases" in result.output
    one = [*CASES[:5], WRONG[5]]
    assert run(tmp_path, url, one, "--baseline", str(good), "--allow-drop", "0.2").exit_code == 0
    assert run(tmp_path, url, one, "--baseline", str(good)).exit_code == 1


def test_ci_reads_junit(tmp_path: Path, url: str) -> None:
    path = tmp_path / "junit.xml"
    run(tmp_path, url, WRONG, "--junit", str(path))
    suite = ET.fromstring(path.read_text())
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("7", "6", "1")
    assert {case.get("name") for case in suite} == {case["id"] for case in WRONG}


def test_a_server_that_answers_nothing_is_no_pass(tmp_path: Path, url: str) -> None:
    result = run(tmp_path, url, WRONG[-1:])
    assert result.exit_code == 1
    assert "answered none of the cases" in result.output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--set", "x"), "NAME=VALUE"),
        (("--target", "ftp://x"), "ftp"),
        (("--baseline", "cases.jsonl"), "holds no results"),
    ],
)
def test_what_cannot_be_is_told(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cases.jsonl").write_text("{}")
    result = run(tmp_path, url, CASES, *arguments)
    assert result.exit_code != 0
    assert told in result.output
