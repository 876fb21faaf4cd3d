"""`quarterdeck chat` as it is used: at a terminal, in a pipe, with a server elsewhere, a running one, or its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
from tests.fakes.script import TAGGED, Script, words
from tests.harness.server import Server, clean_environment, run_command
from tests.harness.terminal import COLUMNS, Terminal, open_terminal
from tests.harness.upstream import Upstream
from tests.harness.waiting import wait_until

from quarterdeck.client import Client

SENTENCE = "".join(words(30))
MARKDOWN = ["# Names\n\n", "Some **bold** ", "words.\n\n```python\n", "print(1)\n```\n\n", "- one\n- two\n\nThe end."]
PROMPT = "· /help"  # below the line that one types in
STALLED = Script(pieces=words(5), fault="stall", fault_after=5)


def chat(
    server: Server, *arguments: str, piped: str | None = None, status: int = 0, folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """With the shared server, as one elsewhere."""
    environment = clean_environment(server.work_dir, QUARTERDECK_KEY=server.key)
    place = folder or server.work_dir
    done = run_command("chat", "--url", server.url, *arguments, folder=place, environment=environment, said=piped)
    assert done.returncode == status, done.stderr
    return done


def last_question(upstream: Upstream, model: str) -> str:
    content: str = upstream.requests(model)[-1].body["messages"][-1]["content"]
    return content


def test_one_message_is_answered_on_standard_output(server: Server, upstream: Upstream) -> None:
    done = chat(server, "Hello", "--model", upstream.model(Script(pieces=words(30))))
    assert done.stdout == SENTENCE.rstrip("\n") + "\n" or done.stdout == SENTENCE + "\n"
    assert done.stderr == ""


def test_what_is_piped_stands_quoted_below_the_message(server: Server, upstream: Upstream, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("not to be sent")
    model = upstream.model(Script())
    chat(server, "review this", "--model", model, piped="-old ```\n+new @secret.txt\n", folder=tmp_path)
    asked = last_question(upstream, model)
    assert "review this" in asked
    assert "````\n-old ```\n+new @secret.txt\n````" in asked
    assert "not to be sent" not in asked  # what a pipe says names no files
    chat(server, "--model", model, piped="only a pipe")
    assert "only a pipe" in last_question(upstream, model)


def test_a_file_is_attached_by_its_name(server: Server, upstream: Upstream, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("buy milk\n")
    (tmp_path / "two words.md").write_text("# Two")
    model = upstream.model(Script())
    chat(server, 'See @notes.txt, @"two words.md" and me@example.org', "--model", model, folder=tmp_path)
    asked = last_question(upstream, model)
    assert "notes.txt:\n\n```\nbuy milk\n```" in asked
    assert "two words.md:\n\n```\n# Two\n```" in asked
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n\xff")
    done = chat(server, "See @picture.png", "--model", model, status=1, folder=tmp_path)
    assert "picture.png is not a text file" in done.stderr


def test_events_are_lines_of_json(server: Server, upstream: Upstream) -> None:
    done = chat(server, "Hello", "--json", "--model", upstream.model(Script(pieces=words(30))))
    first, *rest = [json.loads(line) for line in done.stdout.splitlines()]
    assert first["type"] == "accepted"
    assert [frame["seq"] for frame in rest] == list(range(1, len(rest) + 1))
    assert {frame["turn"] for frame in rest} == {first["turn"]}
    assert rest[0]["event"]["type"] == "turn.started"
    assert rest[-1]["event"]["status"] == "complete"
    assert "".join(frame["event"].get("text", "") for frame in rest) == SENTENCE


def test_a_conversation_goes_on_by_its_name_and_with_an_assistant(server: Server, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=list(TAGGED)))
    done = chat(server, "A cat?", "--conversation", "my-cats", "--assistant", "Ideas", "--model", model)
    assert done.stdout == "- Whiskers\n- Fluffy\n\nSaved them!\n"
    chat(server, "And a dog?", "--conversation", "my-cats")
    assert len(upstream.requests(model)[-1].body["messages"]) > 3


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (["--json"], 2, "nothing to say"),
        (["--url", "http://127.0.0.1:1", "hi"], 1, "No server answers"),
        (["--url", "nowhere", "hi"], 1, "not the address"),
        (["--model", "openai/none-such/none", "--colour", "hi"], 2, "colour"),
        (["--assistant", "nobody", "hi"], 1, "no assistant 'nobody'"),
        (["--key", "qd_kwrong", "hi"], 1, "did not take the API key"),
    ],
)
def test_every_mistake_is_one_sentence(server: Server, arguments: list[str], status: int, sentence: str) -> None:
    done = chat(server, *arguments, status=status)
    assert sentence in done.stderr
    assert done.stderr.startswith("quarterdeck: ")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_a_failed_answer_is_told_below_what_came(server: Server, upstream: Upstream) -> None:
    broken = upstream.model(Script(pieces=words(10), fault="cut", fault_after=6))
    done = chat(server, "Hi", "--model", broken, status=1)
    assert done.stdout.strip() == "".join(words(6)).strip()
    assert done.stderr.count("\n") == 1


@pytest.fixture
def at_terminal(server: Server) -> dict[str, str]:
    """Its variables. What a terminal remembers is in a folder of its own."""
    return clean_environment(server.work_dir, QUARTERDECK_KEY=server.key)


def check_width(terminal: Terminal) -> None:
    assert max(map(len, terminal.text.replace("\r", "\n").splitlines())) <= COLUMNS


def test_markdown_is_shown_in_eighty_columns_and_typed_again_by_nobody(
    server: Server, upstream: Upstream, at_terminal: dict[str, str]
) -> None:
    model = upstream.model(Script(pieces=[*MARKDOWN, "\n\n", "long " * 60, "\x1b]0;owned\x07"], delay_s=0.02))
    words_of = ["chat", "--url", server.url, "--model", model, "Names?"]
    with open_terminal(*words_of, folder=server.work_dir, environment=at_terminal) as terminal:
        assert terminal.wait() == 0
        assert "Some bold words." in terminal.text
        assert "print(1)" in terminal.text
        assert "\x1b]0;" not in terminal.raw  # no title was set by a model
        assert "\x1b[1m" in terminal.raw
        check_width(terminal)


@pytest.mark.parametrize("plain", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=["without colours", "a dumb terminal"])
def test_it_does_without(
    server: Server, upstream: Upstream, at_terminal: dict[str, str], plain: dict[str, str]
) -> None:
    model = upstream.model(Script(pieces=MARKDOWN))
    words_of = ["chat", "--url", server.url, "--model", model, "Names?"]
    with open_terminal(*words_of, folder=server.work_dir, environment=at_terminal | plain) as terminal:
        assert terminal.wait() == 0
        assert "The end." in terminal.text
        assert not any(f"\x1b[{colour}" in terminal.raw for colour in ("3", "4", "9"))
        assert "TERM" not in plain or "\x1b" not in terminal.raw


def test_a_conversation_at_a_terminal(server: Server, upstream: Upstream, at_terminal: dict[str, str]) -> None:
    model, other = upstream.model(Script(pieces=MARKDOWN)), upstream.model(STALLED)
    words_of = ["chat", "--url", server.url, "--model", model]
    with open_terminal(*words_of, folder=server.work_dir, environment=at_terminal) as terminal:
        place = enter(terminal, "two\x1b\rlines", "The end.", 0)
        assert "two\nlines" in last_question(upstream, model)
        place = enter(terminal, "/nonsense is said", "A blank before the / sends it as it is.", place)
        place = enter(terminal, " /nonsense is said", "The end.", place)
        assert "/nonsense is said" in last_question(upstream, model)
        place = enter(terminal, "/assistant ideas", "From now on: Ideas", place)
        place = enter(terminal, f"/model {other}", "None of them fits", place)  # this server does not list it
        place = enter(terminal, "/search bold", "Go on with (number", place)
        terminal.type("\r")
        place = enter(terminal, "/retry", "The end.", place)
        terminal.wait_for(PROMPT, place)
        terminal.type("\x04")
        assert terminal.wait() == 0


def enter(terminal: Terminal, line: str, answered: str, place: int) -> int:
    """Type a line when it is asked for, and wait for what comes of it."""
    place = terminal.wait_for(PROMPT, place)
    terminal.type(f"{line}\r")
    return terminal.wait_for(answered, place)


def test_control_c_stops_the_answer_and_keeps_it(
    server: Server, upstream: Upstream, at_terminal: dict[str, str]
) -> None:
    words_of = ["chat", "--url", server.url, "--model", upstream.model(STALLED), "--conversation", "stopped-here"]
    with open_terminal(*words_of, "Go on", folder=server.work_dir, environment=at_terminal) as terminal:
        terminal.wait_for("".join(words(5)).strip())
        terminal.type("\x03")
        assert terminal.wait() == 130
    with Client(server.url, key=server.key) as client:
        answer = client.messages("stopped-here").items[-1]
    assert (answer.status, answer.text) == ("stopped", "".join(words(5)))


def test_a_running_answer_is_gone_on_with(server: Server, upstream: Upstream, at_terminal: dict[str, str]) -> None:
    model = upstream.model(Script(pieces=words(60), delay_s=0.05))
    with Client(server.url, key=server.key) as client:
        client.send("Go on", conversation="terminal-running", model=model)
    words_of = ["chat", "--url", server.url]
    with open_terminal(*words_of, folder=server.work_dir, environment=at_terminal) as terminal:
        terminal.wait_for("Going on with “Go on”")
        terminal.wait_for(PROMPT)
        assert words(60)[-1].strip() in terminal.text
        terminal.type("\x04")
        assert terminal.wait() == 0


def test_an_answer_that_waits_for_the_one_before_it_says_so(
    server: Server, upstream: Upstream, at_terminal: dict[str, str]
) -> None:
    long, short = upstream.model(Script(pieces=words(200), delay_s=0.05)), upstream.model(Script())
    with Client(server.url, key=server.key) as client:
        client.send("First", conversation="terminal-waiting", model=long)
        client.send("Second", conversation="terminal-waiting", model=short)
    words_of = ["chat", "--url", server.url, "--conversation", "terminal-waiting"]
    with open_terminal(*words_of, folder=server.work_dir, environment=at_terminal) as terminal:
        terminal.wait_for(words(3)[-1].strip())
        upstream.hurry(long)
        place = terminal.wait_for("The next answer waits for its turn.")
        terminal.wait_for("Hello, world!", place)
        terminal.wait_for(PROMPT, place)
        terminal.type("\x04")
        assert terminal.wait() == 0
    assert "Answer: \n" not in terminal.text


def test_without_a_server_it_has_one_of_its_own_and_with_one_it_uses_that(tmp_path: Path, upstream: Upstream) -> None:
    server = Server(tmp_path / "own", **upstream.environment)
    model = upstream.model(Script(pieces=words(30)))
    alone = server.run("chat", "Hello", "--conversation", "mine", "--model", model)
    assert alone.stdout.strip() == SENTENCE.strip(), alone.stderr
    address = server.data_dir / "serve.json"
    assert not address.exists()
    try:
        server.start()
        assert oct(address.stat().st_mode & 0o777) == "0o600"
        beside = server.run("chat", "And now?", "--conversation", "mine")
        assert beside.stdout.strip() == SENTENCE.strip(), beside.stderr
        with Client(server.url, key=server.key) as client:
            assert len(client.messages("mine").items) == 4
        assert server.terminate()[0] == 0
        assert not address.exists()
    finally:
        server.close()


def test_a_server_of_its_own_ends_with_the_terminal(tmp_path: Path, upstream: Upstream) -> None:
    data_dir = tmp_path / "data"
    environment = clean_environment(tmp_path, QUARTERDECK_DATA_DIR=str(data_dir), **upstream.environment)
    model = upstream.model(STALLED)
    with open_terminal("chat", "--model", model, "Go on", folder=tmp_path, environment=environment) as terminal:
        terminal.wait_for("".join(words(5)).strip())
        pid = json.loads((data_dir / "serve.json").read_bytes())["pid"]
        os.kill(terminal.process.pid, signal.SIGKILL)
        wait_until(lambda: not Path(f"/proc/{pid}").exists(), "the server to end", 20)
