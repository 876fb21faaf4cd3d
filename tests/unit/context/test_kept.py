"""What is kept of a conversation for its next request never shows: the model is sent what it would be sent without."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import update
from tests.harness.waiting import wait_until_async
from tests.unit.context.test_build import IDEAS, profile, wanted
from tests.unit.context.test_path import Place
from tests.unit.store.stored import add_conversation, add_message, add_path
from tests.unit.store.test_summaries import add_summary

from quarterdeck.context.build import Context, build_context
from quarterdeck.context.kept import KEEP_S, Keeper
from quarterdeck.context.rendering import row_pieces
from quarterdeck.domain.parts import IdeaPart, TextPart, ToolCallPart, ToolResultPart, encode_parts
from quarterdeck.domain.step import ToolSpec
from quarterdeck.store.paths import set_mark
from quarterdeck.store.tables import messages

Given = dict[str, Any]
Change = Callable[[Place, list[str]], Given]
"""What is done to a conversation between two questions; what the next request is given."""


@pytest.fixture(autouse=True)
def keeper(monkeypatch: pytest.MonkeyPatch) -> Keeper:
    return use(Keeper(), monkeypatch)


def use(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> Keeper:
    for module in ("build", "path"):
        monkeypatch.setattr(f"quarterdeck.context.{module}.KEEPER", keeper)
    return keeper


def build(place: Place, path: list[str], **given: Any) -> Context:
    return build_context(place.connection, wanted(place.row.id, path[-1], **given))


def say_on(place: Place, path: list[str], *texts: str) -> None:
    """Answer, question."""
    for text in texts:
        role = "assistant" if len(path) % 2 else "user"
        path.append(add_message(place.connection, place.row, path[-1], role, [TextPart(text)]))


def set_column(at: int, **values: Any) -> Change:
    def apply(place: Place, path: list[str]) -> Given:
        place.connection.execute(update(messages).where(messages.c.id == path[at]).values(**values))
        return {}

    return apply


def give(**given: Any) -> Change:
    return lambda _place, _path: given


def mark(at: int, word: str) -> Change:
    def apply(place: Place, path: list[str]) -> Given:
        set_mark(place.connection, path[at], word)
        return {}

    return apply


def summarise(place: Place, path: list[str]) -> Given:
    add_summary(place.connection, place.row, path[:6])
    return {}


def branch_off(place: Place, path: list[str]) -> Given:
    path[9:] = [add_message(place.connection, place.row, path[8], "assistant", [TextPart("Another answer")])]
    return {}


def exclude_the_last_question(place: Place, path: list[str]) -> Given:
    set_mark(place.connection, path[-1], "excluded")
    return {}


def edited(*parts: Any) -> str:
    return encode_parts(list(parts))


LOOK = ToolSpec("look", "Look.", {"type": "object"})
CHANGES: dict[str, Change] = {
    "nothing": give(),
    "a question is edited": set_column(4, parts=edited(TextPart("Edited")), version=2),
    "an answer gets ideas": set_column(5, parts=edited(IdeaPart("An idea"), TextPart("Said"))),
    "an answer has called": set_column(
        5, parts=edited(ToolCallPart("c", "look", "{}"), ToolResultPart("c", "A ship."), TextPart("A ship."))
    ),
    "a message is deleted": set_column(4, deleted_at=1),
    "a message says nothing": set_column(5, parts=edited(TextPart(""))),
    "a message is excluded": mark(4, "excluded"),
    "the last question is excluded": exclude_the_last_question,
    "a message is pinned": mark(0, "pinned"),
    "an answer has ended later": set_column(7, ended_at=1_900_000_000_000),
    "something untrusted was read": set_column(5, taint="web"),
    "the beginning is summarised": summarise,
    "another branch": branch_off,
    "other instructions": give(instructions="Speak in verse."),
    "another assistant": give(assistant=IDEAS),
    "another time zone": give(zone="Asia/Tokyo"),
    "tools": give(tools=[LOOK]),
    "a smaller window": give(profile=profile(600)),
    "an answer is gone on with": give(partial=[TextPart("Half an")], answer="answer"),
}


@pytest.mark.parametrize("first", CHANGES)
@pytest.mark.parametrize("second", ["nothing", "a question is edited", "a message is excluded", "tools"])
def test_whatever_happens_between_two_questions_the_model_is_sent_what_it_would_be_without_what_is_kept(
    first: str, second: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, keeper = Place(), use(Keeper(), monkeypatch)
    path = add_path(place.connection, place.row, [f"{number} words" for number in range(15)])
    build(place, path)
    for name in (first, second):
        given = CHANGES[name](place, path)
        say_on(place, path, *(f"{len(path)} {text}" for text in ("more", "and more")[len(path) % 2 == 0 :]))
        context = build(place, path, **given)
        use(Keeper(), monkeypatch)
        anew = build(place, path, **given)
        use(keeper, monkeypatch)
        assert context == anew


def test_only_what_is_new_in_a_conversation_is_written_for_its_next_request(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []

    def note(row: Any, *given: Any, **more: Any) -> Any:
        written.append(row.id)
        return row_pieces(row, *given, **more)

    place = Place()
    path = place.path(41)
    build(place, path)
    monkeypatch.setattr("quarterdeck.context.build.row_pieces", note)
    say_on(place, path, "An answer", "A question")
    build(place, path)
    assert written == path[-3:]


def test_what_is_kept_has_bounds_and_goes_with_who_has_not_asked_for_longest(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quarterdeck.context.kept.MOST_BYTES", 200_000)
    places = [Place() for _ in range(3)]
    paths = [place.path(31) for place in places]
    for place, path in zip(places, paths, strict=True):
        build(place, path)
        build(place, path)
        assert 0 < keeper.size <= 200_000
    assert not keeper.find(places[0].row.id).rows
    assert len(keeper.find(places[2].row.id).rows) == 31


def test_what_nobody_has_gone_on_with_is_not_kept(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("quarterdeck.context.kept.monotonic", lambda: now)
    places = [Place() for _ in range(2)]
    paths = [place.path(9) for place in places]
    for place, path in zip(places, paths, strict=True):
        build(place, path)
    now = KEEP_S - 1
    build(places[0], paths[0])
    keeper.drop_idle()
    assert [bool(keeper.find(place.row.id).rows) for place in places] == [True, True]
    now += 2  # which were looked at just now
    keeper.drop_idle()
    assert [bool(keeper.find(place.row.id).rows) for place in places] == [True, True]
    build(places[1], paths[1])
    now += KEEP_S - 1
    keeper.find(places[0].row.id)
    now += 1
    keeper.drop_idle()
    assert [bool(keeper.find(place.row.id).rows) for place in places] == [True, False]
    now += KEEP_S
    keeper.drop_idle()
    assert keeper.size == 0


async def test_that_is_looked_at_as_long_as_the_server_runs(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quarterdeck.context.kept._LOOK_S", 0.001)
    monkeypatch.setattr("quarterdeck.context.kept.KEEP_S", 0.0)
    place = Place()
    build(place, place.path(9))
    assert keeper.size

    async def is_empty() -> bool:
        return keeper.size == 0

    watch = asyncio.create_task(keeper.watch())
    await wait_until_async(is_empty, "what is kept to go")
    watch.cancel()


def test_nothing_is_kept_of_a_short_conversation(keeper: Keeper) -> None:
    place = Place()
    build(place, place.path(7))
    assert keeper.size == 0
    other = add_conversation(place.connection, place.row.owner_id)
    assert keeper.find(other.id).written is None
