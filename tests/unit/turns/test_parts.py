"""From a model's deltas to events; a writer that begins in the middle goes on as if nothing had happened."""

from __future__ import annotations

from typing import Literal

from hypothesis import assume, example, given
from hypothesis import strategies as st

from quarterdeck.domain.events import Event, PartEnded, PartStarted, TextDelta
from quarterdeck.domain.fold import FoldedTurn, fold
from quarterdeck.domain.parts import IdeaPart, Part, ReasoningPart, TextPart, ToolCallPart
from quarterdeck.domain.step import ReasoningChunk, TextChunk, ToolCallChunk
from quarterdeck.domain.tagged import Tag, render
from quarterdeck.turns.parts import Chunk, PartWriter

Format = Literal["plain", "tagged"]
Entries = list[tuple[Tag, str]]

TEXTS = st.text(max_size=80) | st.text(alphabet='ab \n"\\:é', max_size=80)


def write(chunks: list[Chunk], answer_format: Format = "plain") -> list[Event]:
    """What a fresh writer says of a whole answer."""
    writer = PartWriter([], None, answer_format)
    events = [event for chunk in chunks for event in writer.write(chunk)]
    return events + writer.close()


def parts_of(chunks: list[Chunk], answer_format: Format = "plain") -> list[Part]:
    return fold(write(chunks, answer_format)).parts


def go_on(before: list[Event], rest: list[Chunk], answer_format: Format = "plain") -> list[Part]:
    """The parts when the answer was cut off after `before`, and a new writer is fed `rest`."""
    so_far = fold(before)
    writer = PartWriter(so_far.parts, so_far.open, answer_format)
    events = [event for chunk in rest for event in writer.write(chunk)] + writer.close()
    assert writer.close() == []
    return fold(before + events).parts


def pieces(text: str, places: list[int]) -> list[Chunk]:
    ends = sorted({place % (len(text) + 1) for place in places})
    cut = [text[start:end] for start, end in zip([0, *ends], [*ends, len(text)], strict=True)]
    return [TextChunk(piece) for piece in cut if piece]


def assume_no_repetition(before: str, rest: str) -> None:
    """A continuation that says 24 characters again cannot be told from a model that repeats itself."""
    longest = min(len(before), len(rest))
    assume(not any(before.endswith(rest[:size]) for size in range(24, longest + 1)))
    assume(len(before) < 24 or not rest.startswith(before))


def text_of(chunks: list[Chunk]) -> str:
    return "".join(chunk.text for chunk in chunks if isinstance(chunk, TextChunk))


def assert_well_formed(events: list[Event]) -> None:
    """Parts are numbered from 0, one is open at a time, and deltas belong to it."""
    opened, now = 0, None
    for event in events:
        match event:
            case PartStarted(part=part):
                assert (part, now) == (opened, None)
                opened, now = opened + 1, part
            case TextDelta(part=part, text=text):
                assert part == now
                assert text
            case PartEnded(part=part):
                assert part == now
                now = None
    assert now is None


@given(text=st.text(min_size=1, max_size=80), places=st.lists(st.integers(0, 99), max_size=6))
def test_a_plain_answer_is_one_text_however_it_was_split(text: str, places: list[int]) -> None:
    assert parts_of(pieces(text, places)) == [TextPart(text)]


CHUNKS: st.SearchStrategy[list[Chunk]] = st.lists(
    st.builds(TextChunk, st.text(min_size=1, max_size=30))
    | st.builds(ReasoningChunk, st.text(max_size=10))
    | st.builds(
        ToolCallChunk, st.just(0), st.sampled_from(["", "c1", "c2"]), st.just("look"), st.sampled_from(["", "{}"])
    ),
    max_size=10,
)


@given(chunks=CHUNKS, answer_format=st.sampled_from(["plain", "tagged"]))
def test_whatever_a_model_mixes_its_events_are_in_order(chunks: list[Chunk], answer_format: Format) -> None:
    assert_well_formed(write(chunks, answer_format))


@given(chunks=CHUNKS, cut=st.integers(0, 9))
def test_after_a_cut_the_events_are_still_in_order(chunks: list[Chunk], cut: int) -> None:
    first = PartWriter([], None, "plain")
    before = [event for chunk in chunks[:cut] for event in first.write(chunk)]
    so_far = fold(before)
    second = PartWriter(so_far.parts, so_far.open, "plain")
    after = [event for chunk in chunks[cut:] for event in second.write(chunk)] + second.close()
    assert_well_formed(before + after)


def test_reasoning_comes_before_the_text_it_leads_to() -> None:
    spoken: list[Chunk] = [ReasoningChunk("Let me "), ReasoningChunk("think."), TextChunk("I "), TextChunk("thought.")]
    assert parts_of(spoken) == [ReasoningPart("Let me think."), TextPart("I thought.")]


def test_tool_calls_are_told_apart_by_their_ids() -> None:
    calls: list[Chunk] = [
        TextChunk("Looking."),
        ToolCallChunk(0, "c1", "search", '{"q":'),
        ToolCallChunk(0, "", "", '"a"}'),
        ToolCallChunk(1, "c2", "search", "{}"),
    ]
    assert parts_of(calls) == [
        TextPart("Looking."),
        ToolCallPart("c1", "search", '{"q":"a"}'),
        ToolCallPart("c2", "search", "{}"),
    ]


def test_arguments_of_a_call_that_never_began_are_not_mixed_into_the_text() -> None:
    assert parts_of([TextChunk("Hello"), ToolCallChunk(0, "", "", '{"q":1}')]) == [TextPart("Hello")]


def test_the_tagged_example_becomes_two_ideas_and_a_message() -> None:
    text = 'idea: "Whiskers"\nidea: "Fluffy"\nmessage: "Saved them!"\n'
    expected = [IdeaPart("Whiskers"), IdeaPart("Fluffy"), TextPart("Saved them!")]
    assert parts_of([TextChunk(text)], "tagged") == expected
    assert parts_of([TextChunk(character) for character in text], "tagged") == expected


@given(
    spoken=st.lists(st.tuples(st.booleans(), st.text(min_size=1, max_size=40)), max_size=6),
    cut=st.integers(0, 6),
)
def test_a_plain_answer_cut_anywhere_and_continued_exactly_is_the_same_answer(
    spoken: list[tuple[bool, str]], cut: int
) -> None:
    chunks: list[Chunk] = [TextChunk(text) if is_text else ReasoningChunk(text) for is_text, text in spoken]
    assume_no_repetition(text_of(chunks[:cut]), text_of(chunks[cut:]))
    first = PartWriter([], None, "plain")
    before = [event for chunk in chunks[:cut] for event in first.write(chunk)]
    assert go_on(before, chunks[cut:]) == parts_of(chunks)


@given(
    ideas=st.lists(TEXTS, max_size=3),
    message=TEXTS,
    places=st.lists(st.integers(0, 400), max_size=12),
    cut=st.integers(0, 12),
    places_after=st.lists(st.integers(0, 400), max_size=6),
)
@example(["Whiskers", "Fluffy"], "Saved them!", [17], 1, [])
@example(["Whiskers", "Fluffy"], "Saved them!", [40], 1, [3])
@example([], "a ", [11], 1, [])
@example([], "one\ntwo\\three", [13], 1, [1, 2, 3])
def test_a_tagged_answer_cut_anywhere_and_continued_exactly_is_the_same_answer(
    ideas: list[str], message: str, places: list[int], cut: int, places_after: list[int]
) -> None:
    entries: Entries = [*(("idea", idea) for idea in ideas), ("message", message)]
    chunks = pieces(render(entries), places)
    first = PartWriter([], None, "tagged")
    before = [event for chunk in chunks[:cut] for event in first.write(chunk)]
    sent, rest = as_the_model_sees_it(entries, fold(before))
    assume_no_repetition(sent, rest)
    assert go_on(before, pieces(rest, places_after), "tagged") == parts_of(chunks, "tagged")


def as_the_model_sees_it(entries: Entries, so_far: FoldedTurn) -> tuple[str, str]:
    """What it has said, and how it goes on exactly there."""
    complete = len(so_far.parts) - (so_far.open is not None)
    if so_far.open is None:
        return render(entries[:complete]), render(entries[complete:])
    tag, text = entries[complete]
    said = len(so_far.parts[-1].text)  # type: ignore[union-attr]
    sent = render([*entries[:complete], (tag, text[:said])], open_last=True)
    return sent, render([(tag, text[said:])]).removeprefix(f'{tag}: "') + render(entries[complete + 1 :])


def test_a_model_that_thinks_again_before_it_goes_on_still_writes_the_message() -> None:
    first = PartWriter([], None, "tagged")
    before = first.write(TextChunk('idea: "Whiskers"\nmessage: "Saved'))
    parts = go_on(before, [ReasoningChunk("Where was I?"), TextChunk(' them!"\n')], "tagged")
    assert [part for part in parts if isinstance(part, ReasoningPart)] == [ReasoningPart("Where was I?")]
    assert "".join(part.text for part in parts if isinstance(part, TextPart)) == "Saved them!"


def test_an_idea_that_had_ended_stays_as_it_was() -> None:
    first = PartWriter([], None, "tagged")
    before = first.write(TextChunk('idea: "Whiskers"\n'))
    assert fold(before).open is None
    assert go_on(before, [TextChunk('message: "Saved!"\n')], "tagged") == [IdeaPart("Whiskers"), TextPart("Saved!")]


def test_a_model_that_begins_a_tagged_answer_again_says_nothing_twice() -> None:
    whole = 'idea: "Whiskers and friends"\nmessage: "Saved them all!"\n'
    first = PartWriter([], None, "tagged")
    before = first.write(TextChunk(whole[:45]))
    again = [TextChunk(character) for character in whole]
    assert go_on(before, list(again), "tagged") == [IdeaPart("Whiskers and friends"), TextPart("Saved them all!")]
