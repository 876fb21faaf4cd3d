"""A conversation in the terminal: what is typed is sent or, with a slash before it, done."""

from __future__ import annotations

import sys
from collections.abc import Callable

import typer

from quarterdeck.cli.chat.attachments import add_files
from quarterdeck.cli.chat.place import Place
from quarterdeck.cli.chat.reading import Reader, make_reader
from quarterdeck.cli.chat.screen import clean, make_screen
from quarterdeck.cli.chat.showing import show_answer
from quarterdeck.client import Answer, ClientError
from quarterdeck.client.calls import SendOptions, new_name
from quarterdeck.client.documents import Conversation
from quarterdeck.errors import SetupError

_OURS = "terminal-"  # how conversations begun here are called by their client
_SHOWN = 4  # messages of a conversation that is gone on with
_LISTED = 20
_WORDS = 60  # characters of a message that is only listed


class Session:
    """`chosen` is what messages are sent with: model and assistant, until others are picked."""

    def __init__(self, place: Place, chosen: SendOptions, conversation: str) -> None:
        self._client = place.client
        self._chosen = chosen
        self._conversation = conversation
        self._answered = ""  # the last answer's id, for /retry
        self._commands: dict[str, tuple[str, Callable[[str], None]]] = {
            "model": ("pick a model", self._pick_model),
            "assistant": ("pick an assistant", self._pick_assistant),
            "new": ("begin a new conversation", self._begin),
            "open": ("go on with another conversation; words of its title find it", self._open),
            "search": ("search all messages", self._search),
            "retry": ("answer the last question anew", self._retry),
            "help": ("show this", self._help),
            "quit": ("leave", lambda _: None),
        }
        self._reader: Reader = make_reader(place.data_dir, [f"/{name}" for name in self._commands])

    def run(self) -> None:
        """Until Ctrl-D or /quit."""
        self._greet()
        while (said := self._reader.read(self._status())) is not None:
            line = said.strip()
            if said.rstrip() in ("/quit", "/exit"):
                return
            if line:
                self._attempt(line, is_command=said.startswith("/"))

    def _attempt(self, line: str, *, is_command: bool) -> None:
        """What goes wrong is told, and the conversation goes on."""
        try:
            name, _, rest = line.removeprefix("/").partition(" ")
            if is_command and name in self._commands:
                self._commands[name][1](rest.strip())
            elif is_command and name.isalpha():
                raise SetupError(
                    f"There is no command /{name}: /help shows them. A blank before the / sends it as it is."
                )
            else:
                self._send(said=line)
        except (ClientError, SetupError) as error:
            _tell(error.message)
        except KeyboardInterrupt:
            _tell("Left; the answer goes on without us.")

    def _greet(self) -> None:
        if self._conversation:
            self._go_on_with(self._client.conversation(self._conversation))
            return
        self._conversation = new_name(_OURS.rstrip("-"))
        for found in self._client.conversations(limit=_LISTED).items:
            if found.running_turn and found.chat_id.startswith(_OURS):
                self._go_on_with(found)
                return
        _say("Alt-Enter: a new line. Ctrl-C: stop. Ctrl-D: leave. /help: the commands.")

    def _go_on_with(self, found: Conversation) -> None:
        self._conversation = found.id
        _say(f"Going on with “{found.title or 'a conversation without a title'}”.")
        messages = self._client.messages(found.id, limit=_SHOWN).items
        for message in messages:
            if message.status not in ("queued", "running"):
                _say(f"{'You' if message.role == 'user' else 'Answer'}: {_shortened(message.text)}")
            elif message.turn:
                if message.status == "queued":
                    _say("The next answer waits for its turn.")
                self._show(self._client.follow(message.turn, answer=message.id))
        self._answered = next((one.id for one in reversed(messages) if one.role == "assistant"), "")

    def _send(self, said: str) -> None:
        text, files = add_files(said)
        for path in files:
            _say(f"Attached {path}.")
        options: SendOptions = {**self._chosen, "conversation": self._conversation}
        answer = self._client.send(text, **options)
        if answer.accepted is not None:
            self._conversation = answer.accepted.conversation
        self._show(answer)

    def _show(self, answer: Answer) -> None:
        self._answered = answer.message
        if show_answer(answer, make_screen()):
            _say("Stopped.")

    def _retry(self, _rest: str) -> None:
        if not self._answered:
            raise SetupError("There is no answer yet.")
        self._show(self._client.retry(self._answered, model=self._chosen.get("model")))

    def _begin(self, _rest: str) -> None:
        self._conversation, self._answered = new_name(_OURS.rstrip("-")), ""
        _say("A new conversation.")

    def _open(self, words: str) -> None:
        found = self._client.conversations(q=words or None, limit=_LISTED).items
        picked = self._pick("Conversation", [(one.id, one.title or "(no title)") for one in found])
        if picked:
            self._go_on_with(next(one for one in found if one.id == picked))

    def _search(self, words: str) -> None:
        if not words:
            raise SetupError("What is to be found? /search words.")
        hits = self._client.search(words, limit=_LISTED).items
        found = {hit.conversation: f"{hit.title}: {_shortened(hit.passage)}" for hit in reversed(hits)}
        picked = self._pick("Go on with", list(reversed(found.items())))
        if picked:
            self._go_on_with(self._client.conversation(picked))

    def _pick_model(self, words: str) -> None:
        models = self._client.models()
        picked = self._pick("Model", [(model.id, model.id) for model in models.items], words)
        if picked:
            self._chosen = {**self._chosen, "model": picked}
            _say(f"From now on: {picked}.")

    def _pick_assistant(self, words: str) -> None:
        found = [("", "none"), *((one.id, one.name) for one in self._client.assistants().items)]
        picked = self._pick("Assistant", found, words)
        if picked is not None:
            self._chosen = {**self._chosen, "assistant": picked}
            _say(f"From now on: {dict(found)[picked]}.")

    def _pick(self, what: str, choices: list[tuple[str, str]], words: str = "") -> str | None:
        """The id of one of `choices` (id, label), by number or by part of its label; None for none."""
        if not choices:
            raise SetupError("There is nothing to pick from.")
        if not words:
            for number, (_, label) in enumerate(choices[:_LISTED], 1):
                typer.echo(f"{number:>3}  {clean(label)}")
            words = (
                self._reader.ask(f"{what} (number or part of the name): ", [label for _, label in choices])
            ).strip()
        if not words:
            return None
        if words.isdigit() and 0 < int(words) <= len(choices):
            return choices[int(words) - 1][0]
        exact = [identifier for identifier, label in choices if words in (identifier, label)]
        fitting = exact or [identifier for identifier, label in choices if words.casefold() in label.casefold()]
        if len(fitting) != 1:
            raise SetupError(f"{len(fitting) or 'None'} of them {'fit' if fitting else 'fits'} {words!r}.")
        return fitting[0]

    def _help(self, _rest: str) -> None:
        for name, (meaning, _) in self._commands.items():
            typer.echo(f"  /{name:<10} {meaning}")
        typer.echo('  @path       attach a text file; @"a path" with spaces')
        typer.echo("  Alt-Enter   a new line;  Ctrl-R  search what was typed;  Ctrl-C  stop;  Ctrl-D  leave")

    def _status(self) -> str:
        return self._chosen.get("model") or "the usual model"


def _shortened(text: str) -> str:
    words = " ".join(clean(text).split())
    return words if len(words) <= _WORDS else f"{words[:_WORDS]}…"


def _say(sentence: str) -> None:
    """Beside the answers: not in them when they are written to a file."""
    typer.echo(typer.style(clean(sentence), dim=True) if sys.stderr.isatty() else clean(sentence), err=True)


def _tell(sentence: str) -> None:
    typer.echo(f"quarterdeck: {clean(sentence)}", err=True)
