"""The two chats among the examples, as somebody uses them: they keep nothing themselves."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import openai
import pytest

from forebay.app import assemble
from forebay.core.errors import UpstreamError
from forebay.core.types import Usage
from forebay.settings import (
    ConversationSettings,
    DeploymentSettings,
    LogSettings,
    ModelSettings,
    Secret,
    Settings,
    StoreSettings,
)
from tests.support.chunks import pieces
from tests.support.scripted import Scripted
from tests.support.serving import serving

EXAMPLES = Path(__file__).parents[2] / "examples"
SCRIPT = list(pieces({"role": "assistant", "content": "Hello you"}, "stop"))


def settings(folder: Path) -> Settings:
    return Settings(
        models={"m": ModelSettings((DeploymentSettings("p"),))},
        store=StoreSettings(
            Secret(f"sqlite:///{folder / 'forebay.db'}"), conversations=ConversationSettings(titles="words")
        ),
        log=LogSettings(requests=False),
    )


@pytest.fixture(scope="module")
def _streamlit() -> None:
    """Have Streamlit import what it needs (it takes a second or two) before there is an event loop to be held up."""
    from streamlit.testing.v1 import AppTest  # noqa: PLC0415  # other tests of this file can do without

    lines = ("import streamlit", "streamlit.chat_input('x')", "streamlit.select_slider('y', [1, 2])")
    assert not AppTest.from_string("\n".join(lines), default_timeout=60).run().exception


@pytest.fixture
def _closing(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close the clients that a program made and kept for as long as it runs."""
    made: list[openai.OpenAI] = []
    before = openai.OpenAI.__init__

    def init(self: openai.OpenAI, *arguments: Any, **more: Any) -> None:
        made.append(self)
        before(self, *arguments, **more)

    monkeypatch.setattr(openai.OpenAI, "__init__", init)
    yield
    for client in made:
        client.close()


async def test_the_chat_of_some_forty_lines(tmp_path: Path) -> None:
    program = (EXAMPLES / "chat_client.py").read_text(encoding="utf-8")
    assert len(program.splitlines()) <= 40
    async with serving(assemble(settings(tmp_path), {"p": Scripted(SCRIPT, Usage(1, 1))})) as running:
        environ = os.environ | {"FOREBAY_URL": f"{running.url}/v1"}

        async def talked(*arguments: str) -> str:
            command = [sys.executable, str(EXAMPLES / "chat_client.py"), *arguments]
            done = await asyncio.to_thread(
                subprocess.run, command, input=b"Hi\n\n", env=environ, timeout=60, check=True, stdout=subprocess.PIPE
            )
            return str(done.stdout, "utf-8")

        first = await talked()
        name = next(word for word in first.split() if word.startswith("conv_")).rstrip(";")
        second = await talked(name)
    assert "assistant: Hello you" in first
    assert second.startswith("user: Hi\nassistant: Hello you\n")


async def test_the_chat_goes_on_after_a_refusal_and_ends_at_the_end_of_its_input(tmp_path: Path) -> None:
    provider = Scripted([UpstreamError("The model is tired.")])
    async with serving(assemble(settings(tmp_path), {"p": provider})) as running:
        status, told, _ = await asyncio.to_thread(_run, f"{running.url}/v1", "Hi\nAre you there?\n")
        gone = await asyncio.to_thread(_run, f"{running.url}/v1", "", "conv_none")
    away = await asyncio.to_thread(_run, f"{running.url}/v1", "Hi\n")
    assert status == 0
    assert told.count("assistant: [The model is tired.]\n") == 2
    assert (gone[0], gone[2]) == (1, "There is no conversation 'conv_none' of yours.\n")
    assert (away[0], away[2]) == (1, f"Connection error. ({running.url}/v1)\n")


def _run(url: str, said: str, *arguments: str) -> tuple[int, str, str]:
    command = [sys.executable, str(EXAMPLES / "chat_client.py"), *arguments]
    environ = os.environ | {"FOREBAY_URL": url}
    done = subprocess.run(command, input=said, env=environ, timeout=60, check=False, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.needs("streamlit")
@pytest.mark.usefixtures("_streamlit", "_closing")
async def test_the_chat_in_streamlit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = EXAMPLES / "streamlit_chat.py"
    assert len(program.read_text(encoding="utf-8").splitlines()) <= 150
    provider = Scripted(SCRIPT, Usage(1, 1))
    async with serving(assemble(settings(tmp_path), {"p": provider})) as running:
        monkeypatch.setenv("FOREBAY_URL", f"{running.url}/v1")
        await asyncio.to_thread(_used, program)
        async with openai.AsyncOpenAI(base_url=f"{running.url}/v1", api_key="none") as client:
            thumbs = await client.get("/feedback", cast_to=object)
    assert msgspec.json.decode(provider.calls[1][0].request.body)["messages"] == [{"role": "user", "content": "Hi"}]
    assert thumbs == {"object": "list", "data": [], "first_id": "", "last_id": "", "has_more": False}


@pytest.mark.needs("streamlit")
@pytest.mark.usefixtures("_streamlit", "_closing")
async def test_the_chat_in_streamlit_fetches_no_image_and_says_what_broke(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    *begun, _, _, _ = pieces({"role": "assistant", "content": "See ![x](http://127.0.0.1:9/l.png)"}, "stop")
    provider = Scripted([*begun, UpstreamError("The model fell asleep.")])
    async with serving(assemble(settings(tmp_path), {"p": provider})) as running:
        monkeypatch.setenv("FOREBAY_URL", f"{running.url}/v1")
        await asyncio.to_thread(_broken, EXAMPLES / "streamlit_chat.py")


def _broken(program: Path) -> None:
    from streamlit.testing.v1 import AppTest  # noqa: PLC0415  # it takes a second

    app = AppTest.from_file(str(program), default_timeout=60).run()
    app.chat_input(key="said").set_value("![y](http://127.0.0.1:9/y.png)").run()
    assert not app.exception
    texts = [message.markdown[0].value for message in app.chat_message]
    assert texts[1].startswith("See !")
    assert [text for text in (*texts, *(each.label for each in app.sidebar.button)) if "![" in text] == []
    assert [error.value for error in app.error] == ["The model fell asleep."]
    app.run()
    assert not app.error


def _used(program: Path) -> None:
    """Say something, have it answered again, go back to the first answer, delete it all."""
    from streamlit.testing.v1 import AppTest  # noqa: PLC0415  # it takes a second

    app = AppTest.from_file(str(program), default_timeout=60).run()
    assert not app.exception
    app.chat_input(key="said").set_value("Hi").run()
    assert not app.exception
    assert [message.markdown[0].value for message in app.chat_message] == ["Hi", "Hello you"]
    assert "Hi" in [button.label for button in app.sidebar.button]
    app.button(key="regenerate").click().run()
    version = app.select_slider[0]
    assert version.value == 2
    version.set_value(1).run()
    assert app.select_slider[0].value == 1
    app.text_input(key="query").set_value("nothing like it").run()
    assert "Hi" not in [button.label for button in app.sidebar.button]
    app.text_input(key="query").set_value("").run()
    app.button(key="delete").click().run()
    assert not app.chat_message
    assert not app.exception
