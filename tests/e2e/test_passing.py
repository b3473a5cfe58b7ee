"""``forebay serve`` in front of an upstream with sounds, files and batches: the examples of docs/api.md run."""

import asyncio
import os
import re
from pathlib import Path

import openai
import pytest

from tests.support.openai_media import AUDIO, openai_media
from tests.support.served import forebay
from tests.support.upstream import upstream

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
CONFIGURATION = """
providers:
  openai: {{kind: openai, base_url: "{url}"}}
  other: {{kind: openai, base_url: "{url}"}}
models:
  tts: {{provider: openai}}
  whisper: {{provider: openai}}
"""


async def test_the_examples_of_what_is_passed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    await asyncio.to_thread((tmp_path / "requests.jsonl").write_bytes, b'{"custom_id": "1"}\n')
    code = "".join(re.findall(r"^```py\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL))
    config = tmp_path / "forebay.yaml"
    async with upstream(openai_media) as up:
        config.write_text(CONFIGURATION.format(url=up.url))
        await asyncio.to_thread(_run, config, code)
    assert (tmp_path / "hello.mp3").read_bytes() == AUDIO
    assert capsys.readouterr().out.split("\n") == ["Hello there.", "completed", ""]


def _run(config: Path, code: str) -> None:
    keyless = {name: "" for name in os.environ if name.endswith("_API_KEY")}
    with (
        forebay("--config", str(config), environ=keyless) as served,
        openai.OpenAI(base_url=f"{served.url}/v1", api_key="none") as client,
    ):
        exec(compile(code, "api.md", "exec"), {"client": client})
