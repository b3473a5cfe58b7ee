"""``forebay chat`` with a message or in a pipe, against a server on a real socket."""

import socket
import subprocess
import sys
import time
from typing import Any

import pytest
from click.testing import CliRunner, Result

from forebay.cli import main
from forebay.cli.chat import client as client_module
from tests.support.openai_server import Exchange, OpenAIServer, answering

CHAT = [sys.executable, "-c", "from forebay.cli import main; main()", "chat"]


def chat(server: OpenAIServer, *arguments: str, given: str | bytes = "") -> Result:
    return CliRunner().invoke(main, ["chat", "--url", server.url, *arguments], input=given)


def test_a_message_gets_an_answer(server: OpenAIServer) -> None:
    result = chat(server, "Say", "hello.")
    assert (result.exit_code, result.output) == (0, "Hello!\n")
    assert server.chats == [
        {
            "model": "tiny",
            "messages": [{"role": "user", "content": "Say hello."}],
            "stream": True,
            "stream_options": {"include_usage": True},
        }
    ]


def test_a_pipe_is_a_message(server: OpenAIServer) -> None:
    assert chat(server, given="hi\n").output == "Hello!\n"
    assert chat(server, "Sum up:", given="a\nb\n").output == "Hello!\n"
    asked = [body["messages"][-1]["content"] for body in server.chats]
    assert asked == ["hi", "Sum up:\n\na\nb"]


def test_options_and_their_environment(server: OpenAIServer, monkeypatch: pytest.MonkeyPatch) -> None:
    chat(server, "--model", "other", "--key", "sk-1", "--system", "Be brief.", "hi")
    monkeypatch.setenv("FOREBAY_URL", server.url)
    monkeypatch.setenv("FOREBAY_API_KEY", "sk-2")
    assert CliRunner().invoke(main, ["chat", "hi"]).output == "Hello!\n"
    assert server.chats[0]["model"] == "other"
    assert server.chats[0]["messages"][0] == {"role": "system", "content": "Be brief."}
    assert [headers.get("authorization") for _, headers, _ in server.asked] == ["Bearer sk-1"] + ["Bearer sk-2"] * 2


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/"])
def test_the_url_may_end_anyhow(server: OpenAIServer, path: str) -> None:
    url = server.url.removesuffix("/v1") + path
    assert CliRunner().invoke(main, ["chat", "--url", url, "hi"]).output == "Hello!\n"


def test_the_answer_streams(server: OpenAIServer) -> None:
    server.answer = answering("one ", "two ", "three", pause=0.2)
    with subprocess.Popen([*CHAT, "--url", server.url, "hi"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as run:
        assert run.stdout
        arrived = [(run.stdout.read(4), time.monotonic()) for _ in range(2)]
        rest = run.stdout.read()
    assert [text for text, _ in arrived] + [rest] == [b"one ", b"two ", b"three\n"]
    assert arrived[1][1] - arrived[0][1] > 0.1


def test_a_pipe_that_closes_stops_the_server(server: OpenAIServer) -> None:
    server.answer = endless
    command = f"{' '.join(map(repr, CHAT))} --url {server.url} hi </dev/null | head -c 20"
    done = subprocess.run(["bash", "-c", command], check=True, capture_output=True)
    assert done.stdout == b"tick tick tick tick "
    assert done.stderr == b""
    assert server.left.wait(10)


def test_bytes_that_are_no_text_do_no_harm(server: OpenAIServer) -> None:
    command: list[str | bytes] = [*CHAT, "--url", server.url, b"caf\xe9"]
    done = subprocess.run(command, check=True, input=b"\xff", capture_output=True)
    assert done.stdout == b"Hello!\n"
    assert len(server.chats) == 1


def test_no_message_at_all(server: OpenAIServer) -> None:
    result = chat(server)
    assert result.exit_code == 2
    assert "There is no message" in result.output
    assert not server.asked


def endless(exchange: Exchange, _: Any) -> None:
    exchange.begin()
    exchange.until_left()


def whole(status: int, body: object, kind: str = "application/json") -> Any:
    return lambda exchange, _: exchange.whole(status, body, kind)


def events(*payloads: object) -> Any:
    def answer(exchange: Exchange, _: Any) -> None:
        exchange.begin()
        for payload in payloads:
            exchange.event(payload)
        exchange.chunk(b"")

    return answer


def said(text: object) -> dict[str, object]:
    return {"choices": [{"delta": {"content": text}}]}


def cut(exchange: Exchange, _: Any) -> None:
    exchange.begin()
    exchange.say("half")
    exchange.close_connection = True


def reset(exchange: Exchange, _: Any) -> None:
    exchange.close_connection = True


@pytest.mark.parametrize(
    ("answer", "output"),
    [
        (whole(200, {"choices": [{"message": {"content": "At once."}}]}), "At once.\n"),
        (events(said(None), said("a"), {"choices": []}, {}, b"[DONE]"), "a\n"),
        (events({"choices": [{"delta": {"refusal": "No."}}]}, b"[DONE]"), "No.\n"),
        (events(said("line\n"), b"[DONE]"), "line\n"),
        (events(b"[DONE]"), ""),
    ],
)
def test_other_forms_of_answers(server: OpenAIServer, answer: Any, output: str) -> None:
    server.answer = answer
    result = chat(server, "hi")
    assert (result.exit_code, result.output) == (0, output)


ERROR = {"error": {"message": "The model\nis \x1b[31mon fire.", "type": "server_error", "param": None, "code": None}}


@pytest.mark.parametrize(
    ("answer", "output"),
    [
        (whole(503, ERROR), "Error: The model is [31mon fire. (status 503)\n"),
        (
            whole(401, {"error": {"message": "Missing API key."}}),
            "Error: Missing API key. (status 401) Give a key with --key or FOREBAY_API_KEY.\n",
        ),
        (whole(422, {"detail": "No."}), "Error: No. (status 422)\n"),
        (whole(400, {"error": "Plain."}), "Error: Plain. (status 400)\n"),
        (whole(404, {"message": "Nothing."}), "Error: Nothing. (status 404)\n"),
        (whole(502, b"<html>", "text/html"), "Error: Bad Gateway (status 502)\n"),
        (whole(500, [1]), "Error: Internal Server Error (status 500)\n"),
        (whole(307, b""), "Error: Temporary Redirect (status 307)\n"),
        (whole(200, b"<html>", "text/html"), "answered with text/html instead of a chat completion.\n"),
        (whole(200, b"{"), "Error: The server sent something that is no chat completion.\n"),
        (events(said("half"), ERROR), "half\nError: The model is [31mon fire.\n"),
        (events(said("half"), b"{"), "half\nError: The server sent something that is no chat completion.\n"),
        (events(said([1])), "Error: The server sent something that is no chat completion.\n"),
        (events(said("half")), "half\nError: The server broke off its answer.\n"),
        (cut, "half\nError: The server broke off its answer.\n"),
        (reset, "Error: The server broke off its answer.\n"),
        (lambda exchange, _: exchange.wfile.write(b"SSH-2.0\r\n"), "does not speak HTTP.\n"),
    ],
)
def test_each_failure_is_told_in_a_line(server: OpenAIServer, answer: Any, output: str) -> None:
    server.answer = answer
    result = chat(server, "hi")
    assert result.exit_code == 1
    assert result.output.endswith(output)
    assert "Traceback" not in result.output


def test_a_server_that_says_nothing(server: OpenAIServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "READ_SECONDS", 0.2)
    server.answer = lambda *_: time.sleep(1)
    result = chat(server, "hi")
    assert result.output == f"Error: The server at {server.url.removesuffix('/v1')} takes too long to answer.\n"


@pytest.mark.parametrize(
    ("url", "output"),
    [
        ("http://127.0.0.1:1/v1", "No server answers at http://127.0.0.1:1. To start one: forebay serve"),
        ("http://.../v1", "There is no host of the name in http://...."),
        ("127.0.0.1:8080", "'127.0.0.1:8080' is no server's URL, such as http://127.0.0.1:8080/v1"),
        ("ftp://127.0.0.1/v1", "'ftp://127.0.0.1/v1' is no server's URL"),
        ("http://[::1/v1", "'http://[::1/v1' is no server's URL"),
        ("http://127.0.0.1:port/v1", "is no server's URL"),
        ("http://127.0.0.1/a b\x00", "is no server's URL"),
    ],
)
def test_urls_that_lead_nowhere(url: str, output: str) -> None:
    result = CliRunner().invoke(main, ["chat", "--url", url, "hi"])
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert output in result.output


def test_a_host_that_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    result = CliRunner().invoke(main, ["chat", "--url", "http://nowhere:1/v1", "hi"])
    assert result.output == "Error: There is no host of the name in http://nowhere:1.\n"


def test_http_is_not_https(server: OpenAIServer) -> None:
    url = server.url.replace("http:", "https:")
    result = CliRunner().invoke(main, ["chat", "--url", url, "hi"])
    assert result.output.startswith(f"Error: There is no safe connection to {url.removesuffix('/v1')}: ")


def test_a_key_that_no_header_can_hold(server: OpenAIServer) -> None:
    for key in ("clé", "a\nb"):
        assert chat(server, "--key", key, "hi").output == "Error: The key has characters that no key can have.\n"


def test_a_server_without_models(server: OpenAIServer) -> None:
    server.models = ["vendor/*"]
    told = "lists no model that can chat; choose one with --model."
    assert told in chat(server, "hi").output
    server.models = ["vectors"]
    server.embedding = {"vectors"}
    assert told in chat(server, "hi").output
    assert chat(server, "--model", "vendor/x", "hi").output == "Hello!\n"


def test_a_server_of_another_kind(server: OpenAIServer) -> None:
    server.models = [1]  # type: ignore[list-item]
    assert "is no OpenAI-compatible server." in chat(server, "hi").output
