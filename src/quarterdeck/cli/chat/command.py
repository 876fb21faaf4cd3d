"""`quarterdeck chat`: one answer for a message or a pipe, or a conversation."""

from __future__ import annotations

import os
import stat
import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from quarterdeck.cli.chat.attachments import add_files, quote_text
from quarterdeck.cli.chat.place import open_place
from quarterdeck.cli.chat.screen import JsonScreen, Screen, make_screen
from quarterdeck.cli.chat.showing import show_answer
from quarterdeck.client import Client, ClientError
from quarterdeck.client.calls import SendOptions
from quarterdeck.errors import SetupError

Url = Annotated[
    str, typer.Option(help="A server elsewhere. Default: the one on the data folder.", envvar="QUARTERDECK_URL")
]
Key = Annotated[str, typer.Option(help="An API key for it; better in QUARTERDECK_KEY, where others do not see it.")]
DataDir = Annotated[Path | None, typer.Option(help="Folder of the server on this machine, without --url.")]


def chat_command(
    message: Annotated[str, typer.Argument(help="What to say; without it and without a pipe: a conversation.")] = "",
    url: Url = "",
    model: Annotated[str, typer.Option(help="`provider/model`. Default: the conversation's, or the server's.")] = "",
    conversation: Annotated[str, typer.Option(help="Go on with this one: its id, or any name of yours.")] = "",
    assistant: Annotated[str, typer.Option(help="An assistant's name or id.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Write the events, one line of JSON each.")] = False,
    key: Key = "",
    data_dir: DataDir = None,
) -> None:
    """Chat in the terminal. With a message or a pipe, one answer on standard output; @file attaches a text file.

    Without --url it talks to the server on the data folder, and starts one for as long as it takes if none runs.

    Example: git diff | quarterdeck chat "review this"
    """
    said = _read_message(message)
    if not said and (json or not sys.stdin.isatty()):
        raise typer.BadParameter("there is nothing to say: give a message, or write it to standard input")
    key = key or os.environ.get("QUARTERDECK_KEY", "")
    try:
        with open_place(url, key, data_dir) as place:
            chosen: SendOptions = {
                "model": model or None,
                "assistant": find_assistant(place.client, assistant) if assistant else None,
            }
            if said:
                _answer_once(place.client, said, conversation, chosen, JsonScreen() if json else make_screen())
            else:
                session = import_module("quarterdeck.cli.chat.session").Session(place, chosen, conversation)
                session.run()
    except ClientError as error:
        raise SetupError(explain(error, key)) from error


def find_assistant(client: Client, name: str) -> str:
    """An id. Raises: `SetupError`."""
    known = client.assistants().items
    found = [one for one in known if name in (one.id, one.name)] or [
        one for one in known if name.casefold() == one.name.casefold()
    ]
    if not found:
        raise SetupError(f"There is no assistant {name!r}. There are: {', '.join(one.name for one in known)}.")
    return found[0].id


def _answer_once(client: Client, text: str, conversation: str, chosen: SendOptions, screen: Screen) -> None:
    if conversation:
        chosen = chosen | {"conversation": conversation}
    was_stopped = show_answer(client.send(text, **chosen), screen)
    if was_stopped:
        raise KeyboardInterrupt


def _read_message(message: str) -> str:
    """The message with its files, and below it what is piped in, quoted. Raises: `SetupError`."""
    said = add_files(message)[0] if message else ""
    piped = _read_pipe()
    if not piped.strip():
        return said
    return f"{said}\n\n{quote_text(piped)}" if said else piped


def _read_pipe() -> str:
    """Standard input, if it is a pipe or a file: not a terminal, and not nothing at all."""
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (AttributeError, OSError, ValueError):
        return ""
    if not (stat.S_ISFIFO(mode) or stat.S_ISREG(mode) or stat.S_ISSOCK(mode)):
        return ""
    try:
        return sys.stdin.buffer.read().decode("utf-8")
    except UnicodeDecodeError:
        raise SetupError("What is piped in is not text in UTF-8.") from None


def explain(error: ClientError, key: str) -> str:
    """One sentence; `key` is the one that was given, if any."""
    if error.code == "not_signed_in":
        found = "did not take the API key" if key else "wants an API key"
        return f"This server {found}: make one with `quarterdeck key create`, and put it into QUARTERDECK_KEY."
    return error.message
