"""A chat of forty lines, which keeps nothing itself: `python examples/chat_client.py [CONVERSATION]`."""

import os
import sys

import httpx
import openai

URL = os.environ.get("FOREBAY_URL", "http://127.0.0.1:8080/v1")
FAILURES = (openai.OpenAIError, httpx.HTTPError)
client = openai.OpenAI(base_url=URL, api_key=os.environ.get("FOREBAY_API_KEY", "none"))


def why(error: Exception) -> str:
    """What the server says is wrong; else where nobody answers."""
    return (body if isinstance(body := getattr(error, "body", 0), dict) else {}).get("message") or f"{error} ({URL})"


try:
    able = (each.id for each in client.models.list() if "chat/completions" in (each.model_extra or {})["operations"])
    model = os.environ.get("FOREBAY_MODEL") or next(able, "")
    name = sys.argv[1] if len(sys.argv) > 1 else client.conversations.create().id
    for item in (each for each in client.conversations.items.list(name, order="asc") if each.type == "message"):
        print(f"{item.role}: " + "".join(getattr(part, "text", "") for part in item.content))
    print(f"This is {name}; go on with it later, or end with an empty line.")
    while said := input("you: ").strip():
        print("assistant: ", end="")
        try:
            for event in client.responses.create(model=model, input=said, conversation=name, stream=True):
                if event.type == "response.output_text.delta":
                    print(event.delta, end="", flush=True)
                elif event.type == "response.failed" and event.response.error:
                    print(f"[{event.response.error.message}]", end="")
        except FAILURES as error:  # the next message may do better
            print(f"[{why(error)}]", end="")
        print()
except FAILURES as error:
    sys.exit(why(error))
except (EOFError, KeyboardInterrupt):
    print()
