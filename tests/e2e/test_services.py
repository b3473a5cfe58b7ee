"""Engine, gateway and page as three processes: what a client sees is the same."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from tests.conftest import AS_SERVICES
from tests.support.served import Services, forebay, forebay_services

pytestmark = pytest.mark.engine

HELLO = {"model": "smollm2", "prompt": "Once upon a time", "max_tokens": 8, "seed": 1}


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with forebay_services(tmp_path_factory.mktemp("roles")) as running:
        yield running


def status(asked: str | urllib.request.Request) -> int:
    """Of the answer, an error's too."""
    try:
        with urllib.request.urlopen(asked, timeout=10) as reply:
            return int(reply.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_a_client_of_the_web_role_is_answered_by_the_engine(services: Services) -> None:
    with openai.OpenAI(base_url=f"{services.web.url}/v1", api_key="none") as sdk:
        assert {each.id for each in sdk.models.list()} == {"smollm2", "all-minilm-l6-v2"}
        whole = sdk.completions.create(**HELLO)  # type: ignore[call-overload]
        pieces = sdk.completions.create(**HELLO, stream=True)  # type: ignore[call-overload]
        assert "".join(each.choices[0].text for each in pieces if each.choices) == whole.choices[0].text
        assert len(sdk.embeddings.create(model="all-minilm-l6-v2", input="Hi").data[0].embedding) == 384


def test_each_answers_for_what_it_is(services: Services) -> None:
    assert "<!doctype html>" in services.web.get("/")
    for other in (services.engine, services.gateway):
        assert status(other.url) == 404
    assert "forebay_requests_total" in services.web.get("/metrics")
    assert json.loads(services.web.get("/health")) == {"status": "ok"}
    assert json.loads(services.web.get("/ready")) == {"status": "ready"}
    assert services.gateway.post("/tokenize", {"model": "smollm2", "prompt": "Hi there"})["count"] == 2


def test_an_error_of_the_gateway_arrives_as_it_was(services: Services) -> None:
    with (
        openai.OpenAI(base_url=f"{services.web.url}/v1", api_key="none", max_retries=0) as sdk,
        pytest.raises(openai.NotFoundError) as caught,
    ):
        sdk.completions.create(model="nobody", prompt="Hi")
    assert caught.value.param == "model"
    assert caught.value.request_id


def test_who_is_elsewhere_is_not_let_in_by_the_page(services: Services) -> None:
    asked = urllib.request.Request(f"{services.gateway.url}/v1/models", headers={"x-forebay-client": "192.0.2.1"})
    assert status(asked) == 403
    spoofed = urllib.request.Request(f"{services.web.url}/v1/models", headers={"x-forebay-client": "192.0.2.1"})
    assert status(spoofed) == 200


def test_an_engine_wants_the_key_that_stands_in_the_environment() -> None:
    with forebay("--role", "engine", environ={"FOREBAY_API_KEY": "sk-of-the-engine"}) as engine:
        assert status(f"{engine.url}/v1/models") == 401
        with openai.OpenAI(base_url=f"{engine.url}/v1", api_key="sk-of-the-engine") as sdk:
            assert "smollm2" in {each.id for each in sdk.models.list()}


def refused(*arguments: str) -> str:
    command = [sys.executable, "-m", "forebay", "serve", "--port", "0", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    return done.stderr


@pytest.mark.parametrize(
    ("role", "said"),
    [
        ("gateway", "providers.local: runs a model in this process"),
        ("engine", "providers.vendor: is asked over a network"),
        ("web", "server.gateway: is missing"),
        ("all", "server.gateway: is for the role 'web'"),
    ],
)
def test_settings_that_do_not_suit_the_role_are_refused(role: str, said: str, tmp_path: Path) -> None:
    config = tmp_path / "forebay.yaml"
    vendor = '  vendor: {kind: openai, base_url: "http://127.0.0.1:1/v1"}\n' if role == "engine" else ""
    gateway = "server: {gateway: http://127.0.0.1:1}\n" if role == "all" else ""
    local = "providers:\n  local: {kind: engine, model: smollm2}\n" + vendor + "models:\n  a: {provider: local}\n"
    config.write_text(gateway + local)
    assert said in refused("--role", role, "--config", str(config))


def test_a_gateway_that_is_gone_is_told() -> None:
    with (
        forebay("--role", "web", "--gateway", "http://127.0.0.1:9") as web,
        openai.OpenAI(base_url=f"{web.url}/v1", api_key="none", max_retries=0) as sdk,
        pytest.raises(openai.InternalServerError, match="gateway cannot be reached"),
    ):
        sdk.models.list()


@pytest.mark.slow
def test_the_whole_suite_passes_on_services() -> None:
    """What shares a server, and so does not need to know of its processes."""
    suite = ["tests/e2e/test_clients.py", "tests/e2e/test_forms.py", "tests/e2e/test_docs.py", "tests/web"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not slow", *suite]
    done = subprocess.run(
        command, env={**os.environ, AS_SERVICES: "1"}, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:]
