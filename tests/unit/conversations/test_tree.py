"""Trees of messages: whatever is done to one, its active path is whole, and what is undone is as before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, select
from tests.harness.waiting import trials
from tests.unit.conversations.tree import Tree

from quarterdeck.conversations.branches import list_alternatives
from quarterdeck.conversations.deleting import delete_messages
from quarterdeck.conversations.editing import edit_message, read_versions, restore_version
from quarterdeck.conversations.reading import read_page
from quarterdeck.domain.ids import new_id
from quarterdeck.domain.parts import IdeaPart, Part, ReasoningPart, TextPart, encode_parts, plain_text
from quarterdeck.errors import NotFoundError, StaleVersionError, StillRunningError
from quarterdeck.store.messages import find_message, read_path
from quarterdeck.store.tables import messages

STEPS = ("say", "branch", "choose", "one", "from", "after", "undo")


@pytest.fixture
def tree() -> Iterator[Tree]:
    made = Tree()
    yield made
    made.close()


@settings(max_examples=trials(20, 60), deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 50)), max_size=16))
def test_after_anything_the_path_is_whole_and_an_undo_returns_the_same(steps: list[tuple[str, int]]) -> None:
    tree = Tree()
    tree.say("first")
    for verb, number in steps:
        _do(tree, verb, number)
        tree.check()
        tree.check_alternatives()
    for message in tree.living():
        tree.choose(message)
        assert message in tree.path()
        tree.check()
    tree.close()


def _do(tree: Tree, verb: str, number: int) -> None:
    living = tree.living()
    if verb == "undo" and tree.deletions:
        tree.undo(tree.deletions[number % len(tree.deletions)])
    elif verb == "say" or not living:
        tree.say("more")
    elif verb == "branch":
        made = tree.branch(living[number % len(living)])
        assert tree.path()[-1] == made
    elif verb == "choose":
        tree.choose(living[number % len(living)])
    elif verb in ("one", "from", "after"):
        _delete_and_undo(tree, living[number % len(living)], verb)


def _delete_and_undo(tree: Tree, message: str, what: Any) -> None:
    """Deleted, undone (which must be as before), and deleted again."""
    before = (tree.path(), tree.ends(), tree.living())
    if (deletion := tree.delete(message, what)) is None:
        return
    tree.check()
    assert (message in tree.path()) == (what == "after" and message in before[0])
    tree.undo(deletion)
    assert (tree.path(), tree.ends(), tree.living()) == before
    tree.delete(message, what)


def test_a_message_deleted_in_the_middle_is_passed_by_and_what_is_below_stays(tree: Tree) -> None:
    first, second, third = tree.say("1"), tree.say("2"), tree.say("3")
    tree.delete(second[0], "one")
    assert tree.path() == [*first, second[1], *third]
    rows = read_path(tree.connection, tree.id, third[1], 3)
    assert [row.id for row in rows] == [third[1], third[0], second[1]]


def test_with_the_end_deleted_the_next_question_goes_below_what_is_left(tree: Tree) -> None:
    first = tree.say("1")
    second = tree.say("2")
    tree.delete(second[0], "from")
    assert tree.path() == [*first]
    third = tree.say("3")
    assert tree.path() == [*first, *third]
    tree.undo(tree.deletions[0])
    assert tree.path() == [*first, *third], "the path had gone on elsewhere"
    beside = list_alternatives(tree.connection, tree.id, _rows(tree, third[0]))[third[0]]
    assert [node.id for node in beside] == [second[0], third[0]]


def test_where_the_last_answer_is_deleted_the_one_beside_it_is_shown(tree: Tree) -> None:
    question, answer = tree.say("1")
    other = tree.branch(answer)
    tree.delete(other, "one")
    assert tree.path() == [question, answer]
    tree.undo(tree.deletions[-1])
    assert tree.path() == [question, other]


def test_a_branch_below_a_deleted_message_can_still_be_reached(tree: Tree) -> None:
    question, answer = tree.say("1")
    below = tree.say("2")
    other = tree.branch(answer)
    tree.choose(answer)
    tree.delete(answer, "one")
    assert tree.path() == [question, *below]
    beside = list_alternatives(tree.connection, tree.id, _rows(tree, below[0]))[below[0]]
    assert [node.id for node in beside] == sorted([below[0], other])
    tree.choose(other)
    beside = list_alternatives(tree.connection, tree.id, _rows(tree, other))[other]
    assert [node.id for node in beside] == sorted([answer, other]), "the deleted link stands for what is below it"
    tree.choose(answer)
    assert tree.path() == [question, *below]


def test_a_conversation_may_have_several_first_messages_and_lose_them_all(tree: Tree) -> None:
    first = tree.say("1")
    other = tree.branch(first[0])
    assert tree.path() == [other]
    assert [node.id for node in list_alternatives(tree.connection, tree.id, _rows(tree, other))[other]] == [
        first[0],
        other,
    ]
    tree.delete(other, "from")
    assert tree.path() == [*first]
    tree.delete(first[0], "from")
    assert (tree.path(), tree.ends()) == ([], (None, None))
    begun = tree.say("2")
    assert tree.path() == [*begun]
    tree.check()


def test_messages_whose_parent_is_missing_are_read_as_far_as_they_go(tree: Tree) -> None:
    orphan, child = new_id(), new_id()
    tree.add(orphan, "nowhere", "user", "1", child)
    tree.add(child, orphan, "assistant", "2", None)
    tree.choose(child)
    assert tree.path() == [orphan, child]
    assert tree.ends() == (orphan, child)
    tree.delete(orphan, "one")
    assert tree.path() == [child]


def test_a_ring_made_by_a_broken_import_does_not_hold_up_a_page(tree: Tree) -> None:
    one, two = new_id(), new_id()
    tree.add(one, two, "user", "1", two)
    tree.add(two, one, "assistant", "2", one)
    page = read_page(tree.connection, tree.user, tree.id, around=one, limit=10)
    assert 0 < len(page.rows) <= 10


def test_messages_of_an_older_version_that_remember_no_choice_are_followed_to_the_newest(tree: Tree) -> None:
    question, older, answer = new_id(), new_id(), new_id()
    tree.add(question, None, "user", "1", None)
    tree.add(older, question, "assistant", "older", None)
    tree.add(answer, question, "assistant", "newer", None)
    tree.choose(question)
    assert tree.path() == [question, answer]


@pytest.mark.parametrize("place", [0, 1, 2, 5, 9])
def test_a_page_around_a_message_goes_on_in_both_directions(tree: Tree, place: int) -> None:
    path = [message for number in range(5) for message in tree.say(str(number))]
    page = read_page(tree.connection, tree.user, tree.id, around=path[place], limit=4)
    shown = [row.id for row in page.rows]
    assert path[place] in shown
    start = path.index(shown[0])
    assert shown == path[start : start + len(shown)]
    older = (
        [] if page.older is None else read_page(tree.connection, tree.user, tree.id, before=page.older, limit=9).rows
    )
    newer = [] if page.newer is None else read_page(tree.connection, tree.user, tree.id, after=page.newer, limit=9).rows
    assert [row.id for row in older] + shown + [row.id for row in newer] == path


def test_an_edit_keeps_what_was_said_and_only_the_current_version_can_be_edited(tree: Tree) -> None:
    question, _ = tree.say("first words")
    edited = edit_message(tree.connection, tree.user, question, version=1, text="better words")
    assert (edited.version, plain_text(edited.parts)) == (2, "better words")
    with pytest.raises(StaleVersionError):
        edit_message(tree.connection, tree.user, question, version=1, text="others' words")
    again = edit_message(tree.connection, tree.user, question, version=1, text="better words")
    assert again == edited, "the same edit sent twice is one"
    restored = restore_version(tree.connection, tree.user, question, version=2, restored=1)
    assert (restored.version, plain_text(restored.parts)) == (3, "first words")
    versions = read_versions(tree.connection, tree.user, question)
    assert [(row.version, plain_text(row.parts)) for row in versions] == [
        (3, "first words"),
        (2, "better words"),
        (1, "first words"),
    ]
    with pytest.raises(NotFoundError):
        restore_version(tree.connection, tree.user, question, version=3, restored=9)


def test_an_edited_answer_keeps_its_thoughts_and_ideas(tree: Tree) -> None:
    _, answer = tree.say("1")
    parts: list[Part] = [ReasoningPart("hm"), TextPart("a"), IdeaPart("i"), TextPart("b")]
    tree.connection.execute(messages.update().where(messages.c.id == answer).values(parts=encode_parts(parts)))
    edited = edit_message(tree.connection, tree.user, answer, version=1, text="new")
    assert edited.parts == [ReasoningPart("hm"), IdeaPart("i"), TextPart("new")]


def test_an_answer_that_is_being_written_can_neither_be_edited_nor_deleted_nor_can_its_question(tree: Tree) -> None:
    question, answer = new_id(), new_id()
    tree.add(question, None, "user", "1", answer)
    tree.add(answer, question, "assistant", "", None, status="running")
    tree.choose(answer)
    with pytest.raises(StillRunningError):
        edit_message(tree.connection, tree.user, answer, version=1, text="mine")
    for message, what in ((answer, "one"), (question, "one"), (question, "from"), (question, "after")):
        with pytest.raises(StillRunningError):
            delete_messages(tree.connection, tree.user, message, what)  # type: ignore[arg-type]
    assert edit_message(tree.connection, tree.user, question, version=1, text="2").version == 2


def test_the_work_of_an_edit_does_not_grow_with_the_conversation(tree: Tree) -> None:
    seen: list[str] = []
    event.listen(tree.connection.engine, "before_cursor_execute", lambda *given: seen.append(str(given[2])))
    counts = []
    for size in (5, 200):
        for number in range(size):
            tree.say(str(number))
        message = tree.path()[0]
        row = find_message(tree.connection, tree.id, message)
        assert row is not None
        seen.clear()
        edit_message(tree.connection, tree.user, message, version=row.version, text=f"edited {size}")
        counts.append(len(seen))
    assert counts[0] == counts[1]
    changed = tree.connection.execute(select(messages.c.id).where(messages.c.version > 1)).scalars().all()
    assert len(changed) == 1


@pytest.mark.parametrize("place", ["end", "before", "around", "after"])
def test_the_work_of_a_page_does_not_grow_with_the_conversation(tree: Tree, place: str) -> None:
    costs = []
    for size in (60, 240):
        for number in range(size):
            tree.say(str(number))
        path = tree.path()
        where = {} if place == "end" else {place: path[9] if place == "before" else path[-50]}
        costs.append(steps_of(tree, partial(read_page, tree.connection, tree.user, tree.id, limit=20, **where)))
    assert costs[1] <= costs[0] * 1.2


def steps_of(tree: Tree, work: Callable[[], object]) -> int:
    """How many steps of SQLite's machine it takes."""
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    raw: Any = tree.connection.connection.dbapi_connection
    raw.set_progress_handler(count, 1)
    try:
        work()
    finally:
        raw.set_progress_handler(None, 0)
    return steps


def _rows(tree: Tree, *ids: str) -> list[Any]:
    return [find_message(tree.connection, tree.id, message) for message in ids]
