"""Every secret of a configuration is a canary; a whole server is asked, well and badly, and no canary comes out."""

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.support.served import Served, forebay

CANARY = "c4n4ry"
CONFIG = """
auth:
  keys:
    - {key: "${ADMIN_KEY}", name: root, admin: true}
    - {key: "${file:FOLDER/alice}", name: alice}
  issued_keys: {pepper: "${PEPPER}"}
  issuers:
    - {issuer: jobs, audience: [forebay], algorithms: [HS256], secret: "${JOBS}"}
    - issuer: http://127.0.0.1:1/
      audience: [forebay]
      jwks_uri: http://127.0.0.1:1/jwks
      introspection: {url: "http://127.0.0.1:1/introspect", client_id: forebay, client_secret: "${CLIENT_SECRET}"}
  login:
    provider: {issuer: "http://127.0.0.1:1/", client_id: a, client_secret: "${LOGIN}", roles: {people: {a: admin}}}
  resource: https://forebay.example
limits: {url: "redis://:${LIMITS}@127.0.0.1:1/0", keys: {rpm: 100000}}
telemetry: {otlp: {endpoint: "http://127.0.0.1:1", headers: {authorization: "${TELEMETRY}"}, interval: 1s}}
watermark: {keys: {autumn: "${WATERMARK}"}}
store: {url: "postgresql://forebay:${DATABASE_PASSWORD}@127.0.0.1:1/forebay", journal: FOLDER/journal}
cache: {store: {kind: redis, url: "redis://:${REDIS_PASSWORD}@127.0.0.1:1/0"}}
log: {level: debug, format: FORMAT}
guards: {outside: {kind: remote, url: "http://127.0.0.1:1/?key=${GUARD}", on_error: open}}
providers:
  telltale: {kind: openai, base_url: "URL/v1", api_key: "${PROVIDER}", headers: {x-more: "${HEADER}"}}
  claude: {kind: anthropic, base_url: "URL", api_key: "${PROVIDER}"}
  gone: {kind: openai, base_url: "http://127.0.0.1:1/v1", api_key: "${command:echo c4n4ry-of-a-command}"}
models:
  m: {provider: telltale}
  claude: {provider: claude}
  gone: {provider: gone}
"""
ENVIRON = {
    name: f"{CANARY}-{name.lower()}-of-at-least-32-characters"
    for name in (
        *("ADMIN_KEY", "PEPPER", "JOBS", "CLIENT_SECRET", "WATERMARK", "DATABASE_PASSWORD"),
        *("REDIS_PASSWORD", "PROVIDER", "HEADER", "GUARD", "LOGIN", "LIMITS", "TELEMETRY"),
    )
}
ALICE = f"{CANARY}-alice"


class Telltale(BaseHTTPRequestHandler):
    """An upstream that repeats in its errors, as some do, whatever it was sent."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["content-length"]))
        told = " ".join(f"{name}: {value}" for name, value in self.headers.items())
        status = int(asked.partition(b"Answer with ")[2][:3])
        body = json.dumps({"error": {"message": f"Incorrect API key provided: {told}", "type": "error"}}).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("x-request-id", told.replace("\n", " "))
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def telltale() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Telltale) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def config(folder: Path, url: str, form: str) -> Path:
    (folder / "alice").write_text(ALICE)
    file = folder / "forebay.yaml"
    file.write_text(CONFIG.replace("FOLDER", str(folder)).replace("URL", url).replace("FORMAT", form))
    return file


def answers(served: Served, text: str) -> Iterator[str]:
    """What the server says, head and body, to what is right and what is wrong."""
    chat = [
        {"model": model, "messages": [{"role": "user", "content": f"Answer with {status}"}], "stream": stream}
        for model in ("m", "claude", "gone", "unknown")
        for status in (400, 401, 429, 500)
        for stream in (False, True)
    ]
    wrong = (f"fb-{CANARY}-{'x' * 36}", f"eyJ{CANARY}.e30.{CANARY}", f"{CANARY}-opaque", f"\t{CANARY}")
    plain = [
        ("GET", path, "") for path in ("/metrics", "/ready", "/v1/models", "/admin/keys", "/admin/audit", "/v1/usage")
    ]
    for body in chat:
        head, said = ask(served, "POST", "/v1/chat/completions", json.dumps(body), ALICE)
        yield head + said
        identity = next(line for line in head.lower().splitlines() if line.startswith("x-request-id:")).split()[1]
        yield "".join(ask(served, "GET", f"/v1/requests/{identity}/route", "", ALICE))
    for key in (ENVIRON["ADMIN_KEY"], *wrong):
        for method, path, data in (*plain, ("POST", "/v1/chat/completions", json.dumps(chat[0]))):
            yield "".join(ask(served, method, path, data, key))
    sending = text.replace("${command:echo c4n4ry-of-a-command}", "none")
    for sent in (
        text,
        sending + "unknown: 1\n",
        sending.replace("kind: anthropic", 'kind: "${PROVIDER}"'),
        sending.replace("level: debug", 'level: "${PROVIDER}"'),
        sending.replace("name: root", 'name: root, models: ["${PROVIDER}"]'),
        sending.replace("redis://:", "nonsense://:"),
        sending.replace("postgresql://", "mysql://"),
        'providers: {a: {kind: openai, base_url: "${PROVIDER}"}}\nmodels: {a: {provider: a}}',
        'server: {port: "${PROVIDER}"}',
        sending,
    ):
        yield "".join(ask(served, "PUT", "/admin/config", sent, ENVIRON["ADMIN_KEY"]))


def ask(served: Served, method: str, path: str, body: str, key: str) -> tuple[str, str]:
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    request = urllib.request.Request(served.url + path, body.encode() or None, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            return str(reply.headers), reply.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return str(error.headers), error.read().decode()


@pytest.mark.parametrize("form", ["text", pytest.param("json", marks=pytest.mark.slow)])
def test_no_canary_anywhere(tmp_path: Path, telltale: str, form: str) -> None:
    file = config(tmp_path, telltale, form)
    command = [sys.executable, "-m", "forebay", "config", "check", str(file)]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=os.environ | ENVIRON)
    assert checked.returncode == 0, checked.stdout
    assert CANARY not in checked.stdout + checked.stderr
    with forebay("--config", str(file), environ=ENVIRON, patience=60) as served:
        for number, answer in enumerate(answers(served, file.read_text())):
            assert CANARY not in answer.replace("c4n4ry-of-a-command}", ""), number
        file.write_text("server: 7")
        served.process.send_signal(signal.SIGHUP)
        assert '"status":"ok"' in served.get("/health").replace(" ", "")
    log = "".join(served.lines)
    assert "the configuration has not been applied" in log
    assert "rows wait in the journal" in log
    assert not [line for line in served.lines if CANARY in line]
