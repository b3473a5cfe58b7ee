"""A chat in the browser that keeps nothing: conversations, branches and titles are the server's.

    forebay serve
    pip install streamlit openai
    streamlit run examples/streamlit_chat.py

FOREBAY_URL and FOREBAY_API_KEY say where the server is, and who asks.
"""

import os
from collections.abc import Mapping
from typing import Any

import openai
import streamlit as st

Item = Mapping[str, Any]


@st.cache_resource
def connected(url: str, key: str) -> openai.OpenAI:
    """One client, and so one pool of connections, however often this program is run again."""
    return openai.OpenAI(base_url=url, api_key=key)


client = connected(os.environ.get("FOREBAY_URL", "http://127.0.0.1:8080/v1"), os.environ.get("FOREBAY_API_KEY", "none"))


def get(path: str, **query: str) -> list[Item]:
    """A list of the server's."""
    found: Any = client.get(path, cast_to=object, options={"params": query})
    items: list[Item] = found["data"]
    return items


def post(path: str, **body: object) -> None:
    """Tell the server something."""
    client.post(path, cast_to=object, body=body)


def sidebar() -> tuple[str, str]:
    """The model, and the conversation that is open; empty if a new one is about to begin."""
    with st.sidebar:
        models = [each["id"] for each in get("/models") if "chat/completions" in each["operations"]]
        model = st.selectbox("Model", models, key="model")
        if st.button("New conversation", key="new", use_container_width=True):
            st.session_state.open = ""
        query = st.text_input("Search", key="query")
        for each in get("/conversations", limit="50", query=query):
            if st.button(shown(each["title"]) or "New conversation", key=each["id"], use_container_width=True):
                st.session_state.open = each["id"]
        now = str(st.session_state.setdefault("open", ""))
        if now and st.button("Delete this conversation", key="delete"):
            client.conversations.delete(now)
            st.session_state.open = ""
            st.rerun()
    return model or "", str(st.session_state.open)


def shown(text: str) -> str:
    """``text`` as Markdown without images: whoever reads it must not ask the addresses that a model makes up."""
    return text.replace("![", "!\u2060[")


def text_of(item: Item) -> str:
    """What somebody said."""
    return "\n\n".join(part.get("text", "") for part in item["content"])


def show(item: Item, conversation: str) -> None:
    """One message, with what can be done about it."""
    with st.chat_message(item["role"]):
        st.markdown(shown(text_of(item)) + (" …" if item["status"] != "completed" else ""))
        if len(item["siblings"]) > 1:
            switch(item, conversation)
        if item["role"] == "assistant":
            facts(item)


def switch(item: Item, conversation: str) -> None:
    """Another version of the same message."""
    siblings = list(item["siblings"])
    place = siblings.index(item["id"])
    chosen = st.select_slider("Version", range(1, len(siblings) + 1), place + 1, key=f"version {item['id']}")
    if chosen - 1 != place:
        post(f"/conversations/{conversation}", current_item=siblings[chosen - 1])
        st.rerun()


def facts(item: Item) -> None:
    """How the answer came to be, and what the reader thinks of it."""
    known = item.get("forebay") or {}
    told = [f"{known.get('output_tokens', 0)} tokens", f"{known.get('seconds') or 0:.2f} s", known.get("deployment")]
    cost = known.get("cost_dollars")
    st.caption(" · ".join([*filter(None, told), *([f"${cost}"] if cost else [])]))
    thumb = st.feedback("thumbs", key=f"thumbs {item['id']}")
    if thumb is not None:
        post("/feedback", item_id=item["id"], rating="up" if thumb else "down")


def answer(model: str, said: str | list[Any], place: object) -> None:
    """Show an answer as it comes."""
    text, written = "", st.chat_message("assistant").empty()
    for event in client.responses.create(model=model, input=said, stream=True, extra_body={"conversation": place}):
        if event.type == "response.output_text.delta":
            text += event.delta
            written.markdown(shown(text))
        elif event.type == "response.failed" and event.response.error:
            st.session_state.failed = event.response.error.message  # it is shown after the run that follows


def main() -> None:
    """Show the conversation that is open, and let it go on."""
    st.set_page_config("Forebay", layout="wide")
    try:
        model, conversation = sidebar()
        items = get(f"/conversations/{conversation}/items", order="asc", limit="2000") if conversation else []
        messages = [item for item in items if item["type"] == "message"]
        for item in messages:
            show(item, conversation)
        if failed := st.session_state.pop("failed", ""):
            st.error(shown(failed))
        last = messages[-1] if messages else None
        if last and last["role"] == "assistant" and st.button("Regenerate", key="regenerate"):
            question = [item for item in messages if item["role"] == "user"][-1]
            answer(model, [], {"id": conversation, "parent": question["id"]})
            st.rerun()
        if said := st.chat_input("Message", key="said"):
            conversation = conversation or client.conversations.create().id
            st.session_state.open = conversation
            st.chat_message("user").markdown(shown(said))
            answer(model, said, conversation)
            st.rerun()
    except openai.APIStatusError as error:
        st.error(shown(f"{error.message} (request {error.request_id})"))
    except openai.APIConnectionError:
        st.error(f"Nobody answers at {client.base_url}. Is `forebay serve` running?")


main()
