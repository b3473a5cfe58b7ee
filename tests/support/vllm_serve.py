"""A program that behaves like ``vllm serve`` as far as a supervisor can tell, and misbehaves when told to.

    python -m tests.support.vllm_serve serve MODEL --host H --port P ...

``STANDIN`` in its environment holds a `Script` as JSON; each start leaves a `Started` in the script's folder.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import time
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec

from tests.support.openai_server import Exchange

GRANDCHILD = "import time; time.sleep(600)"


class Script(msgspec.Struct):
    """What it is to do.

    It answers ``start_seconds`` after its start. It prints ``says`` and, if ``dies_after`` starts were made before it,
    ends at once with status 1. ``chatter`` lines are printed before that. With ``stubborn`` it ignores ``SIGTERM``.
    """

    folder: str
    start_seconds: float = 0.0
    says: str = ""
    dies_after: int | None = None
    chatter: int = 0
    stubborn: bool = False


class Started(msgspec.Struct):
    """What one start was like: its process and the one that this started, its arguments and what it was told."""

    pid: int
    grandchild: int
    arguments: list[str]
    key: str
    runtime_lora: str


class StandIn(ThreadingHTTPServer):
    """The server; ``hanging`` is set when it is to answer nobody any more."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], name: str, key: str) -> None:
        super().__init__(address, Answers)
        self.name = name
        self.key = key
        self.adapters: dict[str, str] = {}
        self.answered = 0
        self.hanging = threading.Event()


class Answers(Exchange):
    """How it answers. What a message's last word orders is done: ``crash`` and ``hang`` after a first token."""

    server: StandIn  # type: ignore[assignment]

    def do_GET(self) -> None:  # noqa: N802  # http.server's name
        if self.server.hanging.is_set():
            time.sleep(60)
        elif self.path == "/health":
            self.whole(200, b"")
        elif self.path == "/metrics":
            self.whole(200, self._metrics().encode(), "text/plain; version=0.0.4; charset=utf-8")
        elif self._may():
            base = {"id": self.server.name, "parent": None}
            found = [{"id": name, "parent": self.server.name} for name in self.server.adapters]
            self.whole(200, {"object": "list", "data": [base, *found]})

    def do_POST(self) -> None:  # noqa: N802  # http.server's name
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if not self._may():
            return
        if self.path.endswith("_lora_adapter"):
            self._adapter(body)
        elif body["model"] not in {self.server.name, *self.server.adapters}:
            self._refuse(404, f"The model `{body['model']}` does not exist.")
        else:
            self._chat(body)

    def _chat(self, body: dict[str, Any]) -> None:
        self.server.answered += 1
        order = body["messages"][-1]["content"].split()[-1]
        if not body.get("stream"):
            message = {"role": "assistant", "content": f"{order} by {body['model']}"}
            choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
            self.whole(200, {"model": body["model"], "choices": choices, "usage": {"prompt_tokens": 1}})
            return
        self.begin()
        self.say(order)
        if order == "crash":
            os._exit(3)
        if order == "hang":
            self.server.hanging.set()
            time.sleep(60)
        if order == "endless":
            self.until_left()
        self.end(1)

    def _adapter(self, body: dict[str, Any]) -> None:
        name = body["lora_name"]
        if self.path == "/v1/load_lora_adapter":
            if not Path(body["lora_path"]).exists():
                self._refuse(404, f"Loading lora {name} failed: No adapter found for {body['lora_path']}")
                return
            if name in self.server.adapters and not body.get("load_inplace"):
                self._refuse(400, f"The lora adapter '{name}' has already been loaded.")
                return
            self.server.adapters[name] = body["lora_path"]
        elif self.server.adapters.pop(name, None) is None:
            self._refuse(404, f"The lora adapter '{name}' cannot be found.")
            return
        self.whole(200, f"Success: {name}".encode(), "text/plain; charset=utf-8")

    def _metrics(self) -> str:
        labels = f'{{engine="0",model_name="{self.server.name}"}}'
        return (
            "# HELP python_info Python\n# TYPE python_info gauge\npython_info 1.0\n"
            "# HELP vllm:num_requests_running Running.\n# TYPE vllm:num_requests_running gauge\n"
            f"vllm:num_requests_running{labels} 0.0\n"
            "# HELP vllm:request_success_total Answered.\n# TYPE vllm:request_success_total counter\n"
            f"vllm:request_success_total{labels} {float(self.server.answered)}\n"
        )

    def _may(self) -> bool:
        if not self.path.startswith("/v1/") or self.headers["authorization"] == f"Bearer {self.server.key}":
            return True
        self._refuse(401, "Unauthorized")
        return False

    def _refuse(self, status: int, message: str) -> None:
        error = {"message": message, "type": "NotFoundError", "param": None, "code": status}
        self.whole(status, {"error": error})


def main() -> None:
    script = msgspec.json.decode(os.environ["STANDIN"], type=Script)
    parser = argparse.ArgumentParser(prog="vllm")
    for name in ("verb", "model"):
        parser.add_argument(name)
    for option in ("--host", "--port", "--served-model-name", "--max-model-len"):
        parser.add_argument(option)
    parser.add_argument("--enable-lora", action="store_true")
    given = parser.parse_args()
    if script.stubborn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    grandchild = subprocess.Popen([sys.executable, "-S", "-c", GRANDCHILD])
    folder = Path(script.folder)
    before = len(list(folder.glob("*.json")))
    key = os.environ["VLLM_API_KEY"]
    started = Started(
        os.getpid(), grandchild.pid, sys.argv[1:], key, os.environ.get("VLLM_ALLOW_RUNTIME_LORA_UPDATING", "")
    )
    draft = folder / f"{before}.draft"
    draft.write_bytes(msgspec.json.encode(started))
    draft.rename(folder / f"{before}.json")
    for number in range(script.chatter):
        sys.stdout.write(f"(APIServer pid=1) INFO 11-23 08:41:25 [loader.py:1] line {number}\n")
    if script.says:
        sys.stdout.write(script.says + "\n")
    sys.stdout.flush()
    if script.dies_after is not None and before >= script.dies_after:
        sys.exit(1)
    time.sleep(script.start_seconds)
    StandIn((given.host, int(given.port)), given.served_model_name, key).serve_forever(0.05)


if __name__ == "__main__":
    main()
