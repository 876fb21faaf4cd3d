"""An answer on its screen, until it ends. Ctrl-C stops it and keeps what it has."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from quarterdeck.cli.chat.screen import Screen
from quarterdeck.client import Answer, ClientError


def show_answer(answer: Answer, screen: Screen) -> bool:
    """Whether it was stopped from here. A second Ctrl-C leaves at once; the answer goes on without us.

    Raises: `ClientError`, `TurnFailedError` among them.
    """
    screen.begin(answer.accepted, answer.turn)
    try:
        with _stopped_by_keyboard(answer) as stopped:
            for entry in answer.events():
                screen.event(entry)
                for delta in answer.state.deltas_of(entry[1]):
                    screen.delta(delta)
    finally:
        screen.end()
    answer.state.raise_fault()
    return stopped.is_set()


@contextlib.contextmanager
def _stopped_by_keyboard(answer: Answer) -> Iterator[threading.Event]:
    """The stream is not broken off for it, so that nothing between two events is lost: the server ends it."""
    stopped = threading.Event()

    def stop() -> None:
        with contextlib.suppress(ClientError):
            answer.stop()

    def hear(_number: int, _frame: FrameType | None) -> None:
        if stopped.is_set():
            raise KeyboardInterrupt
        stopped.set()
        threading.Thread(target=stop, daemon=True).start()

    before = signal.signal(signal.SIGINT, hear)
    try:
        yield stopped
    finally:
        signal.signal(signal.SIGINT, before)
