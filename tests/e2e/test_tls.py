"""``forebay serve`` by TLS, with two processes: the certificate is verified, and renewed while they run."""

import socket
import ssl
import urllib.request
from pathlib import Path

import pytest
import trustme

from tests.support.served import forebay

CONFIG = """
server: {{tls: {{certificate: '{folder}/server.pem', key: '{folder}/server.key'}}}}
providers: {{a: {{kind: openai, base_url: 'http://127.0.0.1:1/v1'}}}}
models: {{m: {{provider: a}}}}
"""


def issue(authority: trustme.CA, folder: Path) -> int:
    """Put a new certificate there; its serial number."""
    issued = authority.issue_cert("127.0.0.1")
    issued.private_key_pem.write_to_path(str(folder / "server.key"))
    issued.cert_chain_pems[0].write_to_path(str(folder / "server.pem"))
    found: int = int(ssl._ssl._test_decode_cert(str(folder / "server.pem"))["serialNumber"], 16)  # type: ignore[attr-defined]
    return found


def shown(url: str, context: ssl.SSLContext) -> int:
    """The serial number of the certificate that a new client is shown."""
    host, _, port = url.removeprefix("https://").partition(":")
    with (
        socket.create_connection((host, int(port)), 10) as plain,
        context.wrap_socket(plain, server_hostname=host) as tls,
    ):
        found = tls.getpeercert()
        assert found
        return int(str(found["serialNumber"]), 16)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_served_by_tls(tmp_path: Path, workers: str) -> None:
    authority = trustme.CA()
    context = ssl.create_default_context()
    authority.configure_trust(context)
    first = issue(authority, tmp_path)
    config = tmp_path / "forebay.yaml"
    config.write_text(CONFIG.format(folder=tmp_path))
    with forebay("--config", str(config), "--workers", workers, patience=60) as served:
        assert served.url.startswith("https://127.0.0.1:")
        assert any("curl https://127.0.0.1:" in line for line in served.lines)
        with urllib.request.urlopen(f"{served.url}/health", timeout=30, context=context) as answer:
            assert answer.status == 200
            assert answer.headers["strict-transport-security"]
        assert shown(served.url, context) == first
        second = issue(authority, tmp_path)
        assert [shown(served.url, context) for _ in range(4)] == 4 * [second]
