"""How far long work is, where nobody looks on: now and then a line, and none where it is quick."""

from __future__ import annotations

import pytest

from quarterdeck.cli import progress


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_000.0

    def monotonic(self) -> float:
        return self.now_s


def test_plain_lines_come_every_five_seconds_and_none_for_what_is_quick(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    with progress.show_progress() as show:
        for seconds, what, done, total in (
            (0.5, "users", 1, 1),
            (2.0, "conversations", 30, 30),
            (2.5, "messages", 20, 60),  # five seconds in all
            (4.0, "messages", 40, 60),
            (1.0, "messages", 60, 60),
            (0.1, "turns", 30, 30),
        ):
            clock.now_s += seconds
            show(what, done, total)
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "messages: 20 of 60\nmessages: 60\n")
