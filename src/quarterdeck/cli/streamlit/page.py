"""The page: a box and a button, model and temperature, bubbles that fill while the answer comes.

Streamlit runs it from top to bottom whenever something is done; what lasts is in the session state, and the
conversation's name in the address, so that a reloaded page goes on with it. The answer itself lasts on the server.
"""

from __future__ import annotations

import os

import streamlit as st

from quarterdeck.client import Answer, Client, ClientError
from quarterdeck.client.calls import new_name
from quarterdeck.client.documents import Message
from quarterdeck.domain.citations import leave_out_citations

_STYLE = """
<style>
[class*="st-key-user-"], [class*="st-key-assistant-"] { border-radius: 1rem; padding: .75rem 1rem; width: fit-content; }
[class*="st-key-user-"] { background: #dbeafe; color: #0f172a; margin-left: auto; max-width: 80%; }
[class*="st-key-assistant-"] { background: #f1f5f9; color: #0f172a; max-width: 90%; }
</style>
"""
_NOT_FOUND = 404
_USUAL = "The server's choice"
_WAITS = "*Waiting for its turn …*"
_KEY_REFUSED = (
    "The server does not take this page's key any more: start `quarterdeck streamlit` again, with a key from "
    "`quarterdeck key create`."
)


@st.cache_resource
def open_client() -> Client:
    return Client(os.environ["QUARTERDECK_URL"], key=os.environ["QUARTERDECK_KEY"], patience_s=20)


def show(number: int, role: str, text: str) -> None:
    with st.container(key=f"{role}-{number}"):
        st.markdown(shown(text))


def shown(text: str) -> str:
    """Without citations, which lead somewhere in the page only."""
    return leave_out_citations(without_pictures(text))


def without_pictures(text: str) -> str:
    """An address in an answer is not fetched from before somebody follows it."""
    return text.replace("![", "[")


def load_conversation(client: Client) -> None:
    """Once for a visit: the conversation of the address, or a new one, also where that one is not there."""
    if "chat" in st.session_state:
        return
    name = st.query_params.get("chat", "")
    messages: list[Message] = []
    try:
        messages = client.messages(name, limit=50).items if name else []
    except ClientError as error:
        if error.status != _NOT_FOUND:
            raise
        st.session_state.fault = f"{error.message} This is a new one."
        st.query_params.clear()
        name = ""
    begun = next((place for place, one in enumerate(messages) if is_open(one)), len(messages))
    st.session_state.chat = name or new_name("streamlit")
    st.session_state.messages = [(one.role, one.text) for one in messages[:begun]]
    st.session_state.coming = messages[begun:]


def is_open(message: Message) -> bool:
    return message.status in ("queued", "running")


def take_said() -> None:
    """Out of the box, which is empty then."""
    st.session_state.sending = st.session_state.said
    st.session_state.said = ""


def put_back() -> None:
    """What was not taken by the server, into the box; before that is drawn."""
    if "refused" in st.session_state:
        st.session_state.said = st.session_state.pop("refused")


def begin_anew() -> None:
    del st.session_state["chat"]
    st.query_params.clear()


def choose(client: Client) -> tuple[str | None, float | None]:
    """Model and temperature; None for the server's."""
    with st.sidebar:
        st.button("New conversation", on_click=begin_anew)
        names = [model.id for model in client.models().items]
        model = st.selectbox("Model", [_USUAL, *names])
        temperature = st.slider("Temperature", 0.0, 2.0, 0.7, 0.1) if st.toggle("Set the temperature") else None
    return (None if model == _USUAL else model), temperature


def show_coming(client: Client) -> None:
    """From the first answer that is not there yet: each in its place, one after the other."""
    coming: list[Message] = st.session_state.coming
    st.session_state.coming = []
    for one in coming:
        if is_open(one):
            follow(client.follow(one.turn, answer=one.id), waits=one.status == "queued")
        else:
            show(len(st.session_state.messages), one.role, one.text)
            st.session_state.messages.append((one.role, one.text))


def follow(answer: Answer, *, waits: bool = False) -> None:
    """In a bubble of its own, to its end. `waits`: it has not begun, because another one is written before it."""
    text = ""
    with st.container(key=f"assistant-{len(st.session_state.messages)}"):
        place = st.empty()
        place.markdown(_WAITS if waits else "…")
        try:
            for piece in answer.texts():
                text += piece
                place.markdown(shown(text) + " ▌")
        finally:
            place.markdown(shown(text))
            st.session_state.messages.append(("assistant", text))


def send(client: Client, text: str, model: str | None, temperature: float | None) -> None:
    """A message that is not taken stays in the box, with the reason."""
    show(len(st.session_state.messages), "user", text)
    try:
        answer = client.send(text, conversation=st.session_state.chat, model=model, temperature=temperature)
    except ClientError as error:
        st.session_state.refused, st.session_state.fault = text, sentence_of(error)
        st.rerun()
    st.session_state.messages.append(("user", text))
    st.query_params["chat"] = st.session_state.chat
    follow(answer)


def sentence_of(error: ClientError) -> str:
    return _KEY_REFUSED if error.code == "not_signed_in" else error.message


def run() -> None:
    st.set_page_config(page_title="Quarterdeck", page_icon="⚓")
    st.markdown(_STYLE, unsafe_allow_html=True)
    st.title("Quarterdeck")
    if "QUARTERDECK_URL" not in os.environ or not os.environ.get("QUARTERDECK_KEY"):
        st.error("This page knows no server: start it with `quarterdeck streamlit`, which gives it one and a key.")
        return
    client = open_client()
    load_conversation(client)
    model, temperature = choose(client)
    with st.container():  # what stands below has the same place in each run, or it is there twice for a while
        for number, (role, text) in enumerate(st.session_state.messages):
            show(number, role, text)
    latest = st.container()
    notice = st.empty()
    if fault := st.session_state.pop("fault", ""):
        notice.error(fault)
    put_back()
    with st.form("say"):
        st.text_area("Your message", placeholder="Say something", key="said")
        st.form_submit_button("Send", on_click=take_said)
    with latest:
        show_coming(client)
        if (text := st.session_state.pop("sending", "")).strip():
            send(client, text, model, temperature)


try:
    run()
except ClientError as error:
    st.error(sentence_of(error))
