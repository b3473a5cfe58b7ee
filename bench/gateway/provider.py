"""The mock provider that stands behind every gateway in compare.py: in plain text, or with nginx before it for TLS."""

import contextlib
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.processes import Server, answers, running, wait_for

HERE = Path(__file__).resolve().parent
PLAIN_PORT, TLS_PORT = 9000, 9443
START_SECONDS = 90
START_PAUSE = 0.05

VERIFIED = """proxy_ssl_verify on;
proxy_ssl_trusted_certificate mock.crt;
proxy_ssl_protocols TLSv1.3;
proxy_ssl_session_reuse on;
"""


@dataclass(frozen=True)
class Upstream:
    """Where the gateways find the provider, and what they are told so that they trust it."""

    address: str
    environment: Mapping[str, str] = field(default_factory=dict)


def start_plain(work: Path, prefix: Sequence[str]) -> "contextlib.AbstractContextManager[Upstream]":
    """The provider itself; nginx is given nothing to include."""
    return _started(work, prefix, _plain)


def start_tls(work: Path, prefix: Sequence[str]) -> "contextlib.AbstractContextManager[Upstream]":
    """The provider behind an nginx that speaks TLS 1.3 with a certificate of its own, which every gateway verifies."""
    return _started(work, prefix, _tls)


Enter = Callable[[Path, Sequence[str], contextlib.ExitStack], Upstream]


@contextlib.contextmanager
def _started(work: Path, prefix: Sequence[str], enter: Enter) -> Iterator[Upstream]:
    with contextlib.ExitStack() as stack:
        server = Server("mock", [str(work / "mock"), str(PLAIN_PORT)], PLAIN_PORT)
        process = stack.enter_context(running(server, work, prefix))
        wait_for(lambda: answers(f"{server.url}/v1/models"), process, START_SECONDS, START_PAUSE)
        yield enter(work, prefix, stack)


def _plain(work: Path, _prefix: Sequence[str], _stack: contextlib.ExitStack) -> Upstream:
    (work / "tls.conf").write_text("")
    (work / "nginx.conf").write_text((HERE / "nginx.conf").read_text())
    return Upstream(f"http://127.0.0.1:{PLAIN_PORT}")


def _tls(work: Path, prefix: Sequence[str], stack: contextlib.ExitStack) -> Upstream:
    certificate, key = work / "mock.crt", work / "mock.key"
    subject = ["-subj", "/CN=mock", "-addext", "subjectAltName=IP:127.0.0.1,DNS:mock"]
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    files = ["-keyout", str(key), "-out", str(certificate), "-days", "2"]
    subprocess.run([*made, *files, *subject], check=True, capture_output=True)
    (work / "tls.conf").write_text(VERIFIED)
    plain = (HERE / "nginx.conf").read_text()
    (work / "nginx.conf").write_text(
        plain.replace(f"127.0.0.1:{PLAIN_PORT}", f"127.0.0.1:{TLS_PORT}").replace("http://mock", "https://mock")
    )
    (work / "terminator.conf").write_text((HERE / "terminator.conf").read_text())  # it looks for files beside itself
    server = Server("tls", ["nginx", "-p", str(work), "-c", str(work / "terminator.conf")], TLS_PORT)
    process = stack.enter_context(running(server, work, prefix))
    trust = {"SSL_CERT_FILE": str(certificate)}
    upstream = Upstream(f"https://127.0.0.1:{TLS_PORT}", trust)
    wait_for(lambda: answers(f"{upstream.address}/v1/models", trusted=certificate), process, START_SECONDS, START_PAUSE)
    return upstream
