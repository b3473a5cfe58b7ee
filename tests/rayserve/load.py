"""Clients that go on asking until they are told to stop, and what became of each of their requests."""

import contextlib
import threading
from collections import Counter
from collections.abc import Iterator

import openai

PATIENCE = 120.0


class Load:
    """What came of the requests: ``whole``, ``done`` (a stream), ``broken`` (one with an error event), or why not."""

    def __init__(self, url: str, model: str, tokens: int) -> None:
        self._url = f"{url}/v1"
        self._model = model
        self._tokens = tokens
        self._stop = threading.Event()
        self.counted: Counter[str] = Counter()

    def run(self, *, streaming: bool) -> None:
        """One client; it asks for nothing twice."""
        ask = self._stream if streaming else self._whole
        with openai.OpenAI(base_url=self._url, api_key="x", max_retries=0, timeout=PATIENCE) as client:
            while not self._stop.is_set():
                try:
                    self.counted[ask(client)] += 1
                except openai.OpenAIError as error:
                    self.counted[f"{type(error).__name__}: {error}"] += 1

    def stop(self) -> None:
        """Each client ends with the request that it has."""
        self._stop.set()

    def _whole(self, client: openai.OpenAI) -> str:
        answer = client.chat.completions.create(
            model=self._model, max_tokens=12, messages=[{"role": "user", "content": "Count up."}]
        )
        assert answer.choices[0].message.content
        return "whole"

    def _stream(self, client: openai.OpenAI) -> str:
        reason = None
        events = client.chat.completions.create(
            model=self._model,
            max_tokens=self._tokens,
            messages=[{"role": "user", "content": "Count down."}],
            stream=True,
            extra_body={"ignore_eos": True},
        )
        try:
            for event in events:
                reason = reason or (event.choices[0].finish_reason if event.choices else None)
        except openai.APIError as error:  # an error event; a connection that breaks is no APIError of this very class
            return "broken" if type(error) is openai.APIError and reason is None else f"half: {error}"
        return "done" if reason else "half"


@contextlib.contextmanager
def load(url: str, model: str, *, whole: int = 2, streams: int = 2, tokens: int = 40) -> Iterator[Load]:
    """Clients at work for as long as the context; ``tokens`` is how long a stream is."""
    found = Load(url, model, tokens)
    kinds = [False] * whole + [True] * streams
    clients = [threading.Thread(target=found.run, kwargs={"streaming": each}) for each in kinds]
    for each in clients:
        each.start()
    try:
        yield found
    finally:
        found.stop()
        for each in clients:
            each.join()
