"""A server that keeps conversations in a file, and OpenAI's client for it."""

from pathlib import Path

import openai
import pytest

from forebay.settings import AuthSettings, ConversationSettings, KeySettings, Secret, Settings, StoreSettings
from tests.support.serving import Running

KEYS = AuthSettings(
    keys=(
        KeySettings(key=Secret("key-alice"), name="alice", tenant="t"),
        KeySettings(key=Secret("key-bob"), name="bob", tenant="t"),
        KeySettings(key=Secret("key-root"), name="root", admin=True),
    )
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    kept = ConversationSettings(titles="words", max_item=100_000)
    return Settings(auth=KEYS, store=StoreSettings(Secret(f"sqlite:///{tmp_path / 'forebay.db'}"), conversations=kept))


def client(running: Running, name: str = "alice") -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{running.url}/v1", api_key=f"key-{name}", max_retries=0)
