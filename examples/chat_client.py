"""A chat in forty lines: the server keeps the conversation, this only shows it.

    forebay serve
    python examples/chat_client.py [CONVERSATION]

FOREBAY_URL and FOREBAY_API_KEY say where it is, and who asks.
"""

import os
import sys

import openai


def main() -> None:
    """Go on with the conversation that the command line names, or begin one."""
    url = os.environ.get("FOREBAY_URL", "http://127.0.0.1:8080/v1")
    client = openai.OpenAI(base_url=url, api_key=os.environ.get("FOREBAY_API_KEY", "none"))
    chatting = (
        each.id for each in client.models.list() if "chat/completions" in (each.model_extra or {})["operations"]
    )
    model = os.environ.get("FOREBAY_MODEL") or next(chatting)
    conversation = sys.argv[1] if len(sys.argv) > 1 else client.conversations.create().id
    for item in client.conversations.items.list(conversation, order="asc", limit=100):
        if item.type == "message":
            print(f"{item.role}: " + "".join(getattr(part, "text", "") for part in item.content))
    print(f"This is {conversation}; go on with it later, or end with an empty line.")
    while said := input("you: ").strip():
        print("assistant: ", end="")
        for event in client.responses.create(model=model, input=said, conversation=conversation, stream=True):
            if event.type == "response.output_text.delta":
                print(event.delta, end="", flush=True)
            elif event.type == "response.failed" and event.response.error:
                print(f"[{event.response.error.message}]", end="")
        print()


if __name__ == "__main__":
    main()
