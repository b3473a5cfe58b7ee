"""Whole measurements against a provider with a pace of its own: what is told is what it did."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from forebay.cli.bench.probe import MOST_QUESTIONS
from tests.cli.bench.conftest import Bench
from tests.support.paced import HEAD, JSON, event, paced
from tests.support.until import until
from tests.support.upstream import Asked, Peer, chunk, reply, upstream

FEW = ("--requests", 4, "--concurrency", 2, "--warm-up", 0, "--input-tokens", 40, "--output-tokens", 5)


async def test_the_figures_are_the_providers_pace(bench: Bench, tmp_path: Path) -> None:
    figures, report = tmp_path / "f.json", tmp_path / "f.html"
    async with upstream(paced(0.06, 0.02)) as provider:
        told = await bench(provider.url, *FEW, "--slo", "ttft=50ms", "--json", figures, "--html", report)
    assert told.exit_code == 0, told.output
    found = json.loads(figures.read_bytes())["servers"][0]["summary"]
    assert (found["completed"], found["failed"], found["counted"]) == (4, 0, {"usage": 4})
    assert (found["input"], found["output"]) == (
        {"least": 40, "most": 40, "total": 160},
        {"least": 5, "most": 5, "total": 20},
    )
    assert 60 <= found["ttft"]["least"] < 110
    assert found["ttft"]["least"] <= found["ttft"]["p50"]
    assert found["tpot"]["p50"] == pytest.approx(20, rel=0.2)
    assert found["itl"]["count"] == 16
    assert found["latency"]["p50"] == pytest.approx(found["ttft"]["p50"] + 4 * found["tpot"]["p50"], rel=0.2)
    assert found["requests_per_second"] == pytest.approx(4 / found["seconds"])
    assert found["goodput"]["share"] == 0
    assert "paced  chat" in told.output  # the wildcard is no model
    plots = re.findall(r"<svg.*?</svg>", report.read_text(), re.DOTALL)
    assert len([ET.fromstring(each) for each in plots]) == 5
    assert not re.search(r"(?:src|href)=|url\(|@import", report.read_text())


async def test_what_a_server_says_is_text_and_nothing_else(bench: Bench, tmp_path: Path) -> None:
    report, turn = tmp_path / "f.html", iter(range(100))

    async def answer(asked: Asked, peer: Peer) -> None:
        if next(turn) < 3:
            await paced(0.0, 0.0)(asked, peer)
        else:
            await peer.send(reply(b"<script>\x1b[31malert(1)</script>", status=b"500 Oh"))

    async with upstream(answer) as provider:
        told = await bench(provider.url, "--model", "<b>", *FEW, "--html", report)
    assert told.exit_code == 1
    assert "4 times status 500: <script>" in told.output
    assert "\x1b" not in told.output + report.read_text()
    assert not re.search("<script|<b>", report.read_text())


async def test_a_whole_answer_has_no_first_token(bench: Bench) -> None:
    async with upstream(paced(0.01, 0.0)) as provider:
        told = await bench(provider.url, *FEW, "--no-stream", "--endpoint", "completions")
    assert told.exit_code == 0, told.output
    assert "completions, whole" in told.output
    assert "TTFT" not in told.output
    assert "20 out (5 to 5 a request)" in told.output


async def test_pieces_are_counted_where_there_is_no_usage(bench: Bench) -> None:
    async with upstream(paced(0.0, 0.0, usage=False)) as provider:
        told = await bench(provider.url, *FEW)
    assert "does not count the tokens of prompts" in told.output
    assert "Of 4 answers the server gave no usage" in told.output
    assert "20 out" in told.output


async def test_a_tokenizer_that_cuts_all_words_does_not_hold_it_up(bench: Bench) -> None:
    async with upstream(paced(0.0, 0.0, cut=3)) as provider:
        told = await bench(provider.url, *FEW)
        asked = len(provider.asked)
    assert "cuts common words" in told.output
    assert asked < MOST_QUESTIONS + 20


async def test_an_answer_of_another_length_is_told(bench: Bench) -> None:
    async with upstream(paced(0.0, 0.0, tokens=3)) as provider:
        told = await bench(provider.url, *FEW)
    assert "Answers of 5 tokens were asked for; they had 3 to 3." in told.output


async def test_the_time_behind_a_stalled_request_counts(bench: Bench, tmp_path: Path) -> None:
    """No coordinated omission: who should have been sent meanwhile has waited, too."""
    figures, stalls = tmp_path / "f.json", iter([0.0, 0.0, 0.0, 0.5])

    async def answer(asked: Asked, peer: Peer) -> None:
        await paced(next(stalls, 0.0), 0.0)(asked, peer)

    load = ("--rate", 50, "--arrivals", "constant", "--concurrency", 1, "--requests", 20, "--warm-up", 0)
    async with upstream(answer) as provider:
        told = await bench(provider.url, "--model", "m", *load, "--output-tokens", 1, "--json", figures)
    assert told.exit_code == 0, told.output
    found = json.loads(figures.read_bytes())["servers"][0]["summary"]
    assert found["latency"]["most"] > 500
    assert found["latency"]["p50"] > 200
    assert found["late"]["p50"] > 200


async def test_two_servers_take_turns(bench: Bench, tmp_path: Path) -> None:
    figures, report = tmp_path / "f.json", tmp_path / "f.html"
    async with upstream(paced(0.02, 0.0)) as one, upstream(paced(0.08, 0.0)) as other:
        told = await bench(one.url, "--compare", other.url, "--turns", 3, *FEW, "--json", figures, "--html", report)
        bodies = [json.loads(each.body) for each in (*one.asked, *other.asked) if each.body]
    assert told.exit_code == 0, told.output
    assert "B / A" in told.output
    found = json.loads(figures.read_bytes())
    ratio = found["ratios"]["TTFT p50"]
    assert ratio["low"] <= ratio["ratio"] <= ratio["high"]
    assert 2 < ratio["ratio"] < 4.5
    assert [len(each["turns"]) for each in found["servers"]] == [3, 3]
    texts = [each["messages"][0]["content"] for each in bodies if each["max_tokens"] == 5]
    assert len(set(texts)) == len(texts) - 1  # all but the greeting with which both are asked first


async def test_the_second_request_is_the_first_again(bench: Bench) -> None:
    seen: set[bytes] = set()

    async def answer(asked: Asked, peer: Peer) -> None:
        hit = asked.body in seen
        seen.add(asked.body)
        body = b'{"choices": [{"message": {"content": "a"}}], "usage": {"completion_tokens": 1}}'
        await peer.send(reply(body, JSON, b"x-cache: " + (b"HIT" if hit else b"MISS")))

    async with upstream(answer) as provider:
        told = await bench(provider.url, "--model", "m", *FEW, "--no-stream", "--second-request", "--turns", 2)
    assert told.exit_code == 0, told.output
    first, second = told.output.split("second request:")
    assert "out of one" not in first
    assert "8 replies came out of one" in second


@pytest.mark.parametrize(
    ("unknown", "told"),
    [
        ({"ignore_eos", "stream_options"}, ["refuses min_tokens", "refuses stream_options"]),
        ({"ignore_eos", "max_tokens"}, ["refuses min_tokens"]),
        ({"min_tokens"}, ["refuses min_tokens"]),
    ],
)
async def test_a_server_that_knows_less_is_asked_for_less(bench: Bench, unknown: set[str], told: list[str]) -> None:
    async def answer(asked: Asked, peer: Peer) -> None:
        if asked.method == "POST" and not unknown.isdisjoint(json.loads(asked.body)):
            await peer.send(reply(b'{"error": {"message": "Unknown parameter."}}', JSON, status=b"400 Bad Request"))
        else:
            await paced(0.0, 0.0, tokens=5, usage="stream_options" not in unknown)(asked, peer)

    async with upstream(answer) as provider:
        found = await bench(provider.url, *FEW)
    assert found.exit_code == 0, found.output
    assert re.findall(r"refuses \w+", found.output) == told


async def test_failures_are_counted_by_kind_and_do_not_end_it(bench: Bench) -> None:
    turn = iter(range(100))

    async def answer(asked: Asked, peer: Peer) -> None:
        number = next(turn)
        match number % 5 if number > 2 else 0:
            case 1:
                await peer.send(reply(b'{"error": {"message": "Slow down."}}', JSON, status=b"429 Too Many Requests"))
            case 2:
                await peer.send(HEAD, chunk(event({"choices": [{"delta": {"content": "a"}}]})))
                peer.reset()
            case 3:
                await peer.send(HEAD, chunk(event({"error": {"message": "The GPU is on fire."}})), chunk(b""))
            case 4:
                await peer.send(reply(b"<html>", b"content-type: text/html"))
            case _:
                await paced(0.0, 0.0)(asked, peer)

    async with upstream(answer) as provider:
        told = await bench(
            provider.url, "--model", "m", *FEW[2:], "--requests", 25, "--concurrency", 1, "--slo", "ttft=5s",
            "--fail-under", 50,
        )  # fmt: skip
    assert told.exit_code == 1, told.output
    for kind in (
        "5 times status 429: Slow down.",
        "5 times error in the reply: The GPU is on fire.",
        "5 times not a stream",
    ):
        assert kind in told.output
    assert re.search(r"5 times cut off", told.output)
    assert "20.0% kept ttft" in told.output


async def test_a_server_that_goes_away_ends_it(bench: Bench) -> None:
    async with upstream() as provider:
        pass  # its port is nobody's now
    async with upstream(paced(0.0, 0.0)) as other:
        told = await bench(other.url, "--compare", provider.url, *FEW)
        assert told.exit_code == 1
        assert "Check that a server runs there" in told.output
        going = asyncio.ensure_future(bench(other.url, "--model", "m", "--duration", 60))
        await until(lambda: len(other.asked) > 60)
        await other.aclose()
        told = await going
    assert told.exit_code == 1, told.output
    assert "The server is gone" in told.output


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (
            reply(b'{"error": {"message": "Who are you?"}}', JSON, status=b"401 Unauthorized"),
            "Who are you?.*FOREBAY_API_KEY",
        ),
        (reply(b"", status=b"404 Not Found"), "status 404.*--model"),
        (reply(b'{"choices": []}', JSON), "not a stream.*--no-stream"),
        (reply(b"data: nothing\n\n", b"content-type: text/event-stream"), "no completion"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "HTTP"),
    ],
)
async def test_what_is_no_server_of_that_kind_is_told_at_once(bench: Bench, answer: bytes, told: str) -> None:
    async with upstream(answer) as provider:
        found = await bench(provider.url, "--model", "m", *FEW)
    assert found.exit_code == 1
    assert re.search(told, found.output, re.DOTALL), found.output
    assert "Traceback" not in found.output


async def test_a_missing_key_is_told_where_models_are_listed(bench: Bench) -> None:
    async with upstream(reply(b'{"error": {"message": "No key."}}', JSON, status=b"401 Unauthorized")) as provider:
        found = await bench(provider.url, *FEW)
    assert found.exit_code == 1
    assert "(status 401): No key. Give a key in FOREBAY_API_KEY" in found.output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "Say what to measure"),
        (["ftp://x"], "http://"),
        (["http://u:p@x"], "credentials"),
        (["x", "--slo", "fast"], "--slo"),
        (["x", "--slo", "ttft=1s", "--no-stream"], "not streamed"),
        (["x", "--fail-under", "9"], "needs --slo"),
        (["x", "--header", "a"], "NAME: VALUE"),
        (["x", "--header", "a: ${NO_SUCH_VARIABLE}"], "NO_SUCH_VARIABLE"),
        (["x", "--compare", "y", "--second-request"], "choose one"),
        (["x", "--slo", "ttft=1s,ttft=2s"], "twice"),
        (["x", "--json", "no/such/folder/f.json"], "There is no folder 'no/such/folder'"),
    ],
)
async def test_what_makes_no_sense_is_refused(bench: Bench, arguments: list[str], told: str) -> None:
    found = await bench(*arguments)
    assert found.exit_code in {1, 2}
    assert told in found.output


async def test_key_and_headers_come_from_the_environment(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOREBAY_API_KEY", "sk-1")
    monkeypatch.setenv("TENANT", "blue")
    async with upstream(paced(0.0, 0.0)) as provider:
        found = await bench(provider.url, *FEW, "--header", "X-Tenant: ${TENANT}")
        headers = provider.asked[-1].headers
    assert found.exit_code == 0, found.output
    assert (headers["authorization"], headers["x-tenant"]) == ("Bearer sk-1", "blue")


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is another thing there")
async def test_ctrl_c_ends_it_with_what_was_done() -> None:
    async with upstream(paced(0.0, 0.005)) as provider:
        command = [sys.executable, "-m", "forebay", "bench", provider.url, "--duration", "60", "--output-tokens", "20"]
        running = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        await until(lambda: len(provider.asked) > 60)
        running.send_signal(signal.SIGINT)
        out, error = await asyncio.wait_for(running.communicate(), 30)
    assert running.returncode == 130
    assert b"Stopped before its end" in out
    assert re.search(rb"8 aborted", out)
    assert error == b""
