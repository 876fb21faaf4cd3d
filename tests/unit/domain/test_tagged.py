"""The tagged format, in any split and as models really write it; PyYAML is the reference for what is YAML."""

from __future__ import annotations

from typing import Any, cast

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from quarterdeck.domain.tagged import (
    EntryEnded,
    EntryStarted,
    EntryText,
    Tag,
    TagEvent,
    TaggedParser,
    render,
)

Entries = list[tuple[str, str]]

CATS = [("idea", "Whiskers"), ("idea", "Fluffy"), ("message", "Saved them!")]


def entries_of(events: list[TagEvent]) -> Entries:
    """The entries that events add up to; fails where they are out of order."""
    entries: Entries = []
    is_open = False
    for event in events:
        match event:
            case EntryStarted(tag):
                assert not is_open
                entries.append((tag, ""))
                is_open = True
            case EntryText(text):
                assert is_open
                assert text
                entries[-1] = (entries[-1][0], entries[-1][1] + text)
            case EntryEnded():
                assert is_open
                is_open = False
    assert not is_open
    return entries


def parse(*pieces: str) -> Entries:
    parser = TaggedParser()
    events = [event for piece in pieces for event in parser.feed(piece)]
    return entries_of(events + parser.close())


def cut(text: str, places: list[int]) -> list[str]:
    """`text` cut at `places` (taken modulo its length)."""
    ends = sorted({place % (len(text) + 1) for place in places})
    return [text[start:end] for start, end in zip([0, *ends], [*ends, len(text)], strict=True)]


# the seed example

STYLES = {
    "double": ('"Whiskers"', '"Fluffy"', '"Saved them!"'),
    "single": ("'Whiskers'", "'Fluffy'", "'Saved them!'"),
    "none": ("Whiskers", "Fluffy", "Saved them!"),
    "literal": ("|\n  Whiskers", "|\n  Fluffy", "|\n  Saved them!"),
    "literal, stripped": ("|-\n    Whiskers", "|-\n    Fluffy", "|-\n    Saved them!"),
    "literal, indented": ("|2\n  Whiskers", "|2-\n  Fluffy", "|-2\n  Saved them!"),
    "folded": (">\n  Whiskers", ">-\n  Fluffy", ">\n  Saved\n  them!"),
    "below": ("\n  Whiskers", '\n  "Fluffy"', "\n  'Saved\n  them!'"),
    "escaped": (r'"Whi\u0073kers"', r'"\x46luffy"', r'"Saved\U00000020them!"'),
}
WRAPPINGS = {
    "bare": ("", ""),
    "ended": ("", "\n"),
    "blank": ("\ufeff\n \n", "\n\n  \n"),
    "fence": ("```yaml\n", "\n```"),
    "fence, ended": ("```\n", "\n```\n\n"),
    "document": ("---\n", "\n"),
}


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("wrapping", WRAPPINGS.values(), ids=WRAPPINGS)
@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_the_seed_example_is_understood_in_every_style_and_at_every_split(
    style: tuple[str, str, str], wrapping: tuple[str, str], newline: str
) -> None:
    before, after = wrapping
    answer = f"{before}idea: {style[0]}\nidea: {style[1]}\nmessage: {style[2]}{after}".replace("\n", newline)
    assert parse(answer) == CATS
    assert parse(*answer) == CATS
    for place in range(len(answer)):
        assert parse(answer[:place], answer[place:]) == CATS


@given(st.permutations(sorted(STYLES)))
def test_styles_may_be_mixed_in_one_answer(styles: list[str]) -> None:
    a, b, c = (STYLES[name][index] for index, name in enumerate(styles[:3]))
    assert parse(*f"idea: {a}\nidea: {b}\nmessage: {c}\n") == CATS


def test_an_entry_is_told_as_early_as_it_is_certain() -> None:
    parser = TaggedParser()
    assert parser.feed('idea: "Whi') == [EntryStarted("idea"), EntryText("Whi")]
    assert parser.feed("sk") == [EntryText("sk")]
    assert parser.feed("ers \\") == [EntryText("ers ")]
    assert parser.feed("n") == [EntryText("\n")]
    assert parser.feed('a "b') == [EntryText('a "b')]
    assert parser.feed('"') == []
    assert parser.feed("\n") == [EntryEnded()]
    assert parser.feed("mess") == []
    assert parser.feed("age: Sav") == [EntryStarted("message"), EntryText("Sav")]
    assert parser.feed("ed ") == [EntryText("ed")]
    assert parser.feed("them!\n") == [EntryText(" them!")]
    assert parser.close() == [EntryEnded()]


# YAML

# Breaks that YAML 1.1 has and YAML 1.2 has not are left out, and characters that YAML cannot carry.
yaml_texts = st.text(
    st.one_of(
        st.sampled_from(list("ab \n\t\"'\\:#-|>`,.!é😀")),
        st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"], exclude_characters="\ufffe\uffff\ufeff"),
    ),
    max_size=60,
)


class _Styled(str):
    style: str | None = None


class _Dumper(yaml.SafeDumper):
    pass


_Dumper.add_representer(
    _Styled,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", str(text), style=text.style),
)


def dump(tag: str, text: str, style: str | None, width: int, is_ascii: bool) -> str:
    styled = _Styled(text)
    styled.style = style
    dumped = yaml.dump({tag: styled}, Dumper=_Dumper, width=width, allow_unicode=not is_ascii, line_break="\n")
    return str(dumped).removesuffix("...\n")  # the end of a document, no part of the value


def expected(dumped: str, tag: str) -> str:
    value = cast(dict[str, Any], yaml.safe_load(dumped))[tag]
    header = dumped.split("\n", 1)[0].removeprefix(f"{tag}: ")
    if header.rstrip("123456789") in ("|", ">"):
        return str(value).removesuffix("\n")  # our exception: see the parser's docstring
    return str(value)


styles = st.sampled_from([None, '"', "'", "|", ">"])
dumped_entries = st.tuples(yaml_texts, styles, st.sampled_from([5, 20, 80]), st.booleans())


@given(st.lists(dumped_entries, max_size=3), dumped_entries, st.lists(st.integers(0, 10_000), max_size=6))
@example([], ("\n a\n\n  b \n\n", "|", 80, False), [])
@example([("a b\n\nc\n d\n\ne", ">", 5, False)], ("😀 \\", '"', 5, True), [20])
def test_what_a_yaml_writer_wrote_reads_as_a_yaml_loader_reads_it(
    ideas: list[tuple[str, str | None, int, bool]],
    message: tuple[str, str | None, int, bool],
    places: list[int],
) -> None:
    documents = [("idea", dump("idea", *idea)) for idea in ideas] + [("message", dump("message", *message))]
    answer = "".join(dumped for _, dumped in documents)
    wanted = [(tag, expected(dumped, tag)) for tag, dumped in documents]
    assert parse(answer) == wanted
    assert parse(*cut(answer, places)) == wanted


@pytest.mark.parametrize(
    "value",
    [
        '"a\n  b\n\n  c"',
        "'a\n  b\n\n\n  c'",
        "a\n  b\n\n  c",
        '"a \\\n   b"',
        '"a\\\n\n   \\  b"',
        "'it''s'",
        "''",
        '""',
        "|-\n  a\n\n   b\n  c",
        "|+\n  a\n\n\n",
        ">-\n  a\n  b\n\n  c\n    d\n    e\n  f",
        ">+\n  a\n\n",
        "|2-\n    a\n  b",
        r'"\0\a\b\t\n\v\f\r\e\ \"\/\\\N\_\L\P\x41\u00e9\U0001F600"',
        '"  padded  "',
        "a: b",
        "http://example.org/#x",
        "\n  below",
    ],
)
@pytest.mark.parametrize("tag", ["idea", "message"])
def test_each_yaml_construct_reads_as_a_yaml_loader_reads_it(tag: str, value: str) -> None:
    answer = f"{tag}: {value}\n"
    try:
        wanted = yaml.load(answer, yaml.BaseLoader)[tag]  # noqa: S506 - it only makes strings
    except yaml.YAMLError:
        wanted = value  # `a: b` without quotes is no YAML, and is text
    assert parse(*answer) == [(tag, wanted)]


def test_the_final_line_break_of_a_block_is_text_only_where_plus_says_so() -> None:
    assert parse("idea: |\n  a\nmessage: |+\n  b\n\n") == [("idea", "a"), ("message", "b\n\n")]


# what models write

NOT_YAML: dict[str, tuple[str, Entries]] = {
    "no tag": ("Hello!\n\nidea: x\n", [("message", "Hello!\n\nidea: x\n")]),
    "no tag, carriage returns": ("Hello!\r\nYou\r\n", [("message", "Hello!\r\nYou\r\n")]),
    "a fence with code": ("```python\nx = 1\n```", [("message", "```python\nx = 1\n```")]),
    "a fence with yaml that is not ours": ("```yaml\na: 1\n```\n", [("message", "```yaml\na: 1\n```\n")]),
    "half a tag": ("ide", [("message", "ide")]),
    "a tag without a space": ("idea:x", [("message", "idea:x")]),
    "another tag": ("note: x\nidea: y", [("message", "note: x\nidea: y")]),
    "a tag and no more": ("message:", [("message", "")]),
    "nothing": ("", []),
    "only blanks": (" \n\t\n", []),
    "quotes inside quotes": ('message: "He said "hi" to me"', [("message", 'He said "hi" to me')]),
    "a quoted word at the end": ('message: "He said "hi""\n', [("message", 'He said "hi"')]),
    "an apostrophe in single quotes": (
        "message: 'Okay, I've saved them!'\n",
        [("message", "Okay, I've saved them!")],
    ),
    "an unknown escape": (r'message: "C:\Users \xZZ \u12 \q"', [("message", r"C:\Users \xZZ \u12 \q")]),
    "a pair of surrogates": (r'message: "\ud83d\ude00!"', [("message", "😀!")]),
    "half a pair": (r'message: "\ud83d \udE00"', [("message", r"\ud83d \udE00")]),
    "a character that is none": (r'message: "\UFFFFFFFF"', [("message", r"\UFFFFFFFF")]),
    "an escape cut off": ('message: "a\\u00', [("message", "a\\u00")]),
    "no closing quote": ('idea: "a\nmessage: "b', [("idea", "a"), ("message", "b")]),
    "lines in quotes": ('message: "Cats:\n- a\n- b\n\nBye"', [("message", "Cats:\n- a\n- b\n\nBye")]),
    "lines in quotes with quotes": (
        'message: "Cats:\n- "a"\n- "b"\nBye"\n',
        [("message", 'Cats:\n- "a"\n- "b"\nBye')],
    ),
    "lines without quotes": (
        "message: Cats:\n- a\n  - b\n\nidea: x\n",
        [("message", "Cats:\n- a\n  - b\n\nidea: x")],
    ),
    "a value on the next line": ("message:\nHello\nthere", [("message", "Hello\nthere")]),
    "a block that is not indented": ("message: |\nHello\n  there\n", [("message", "Hello\n  there")]),
    "a block that loses its indentation": ("message: |\n  a\nb\n", [("message", "a\nb")]),
    "a bar that is text": ("message: | a | b |", [("message", "| a | b |")]),
    "no second tag": ('idea: "a"\nSaved!\nBye.\n', [("idea", "a"), ("message", "Saved!\nBye.")]),
    "no second tag, plain": ("idea: a\nSaved!", [("idea", "a"), ("message", "Saved!")]),
    "no second tag, block": ("idea: |\n  a\nSaved!", [("idea", "a"), ("message", "Saved!")]),
    "text after the message": ('message: "a"\n\nAnything else?\n', [("message", "a\n\nAnything else?")]),
    "an idea after the message": ('message: "a"\nidea: "b"\n', [("message", 'a\nidea: "b"')]),
    "text after the fence": ('```yaml\nidea: "a"\n```\nSaved!', [("idea", "a"), ("message", "Saved!")]),
    "text after message and fence": ('```\nmessage: "a"\n```\nBye', [("message", "a\nBye")]),
    "a plain idea at the fence": ("```\nidea: a\n```\nmessage: b", [("idea", "a"), ("message", "b")]),
    "code in a fenced message": (
        "```yaml\nmessage: See\n```\nx\n```\n```\n",
        [("message", "See\n```\nx\n```")],
    ),
    "a fence that none opened": ('message: "a"\n```\n', [("message", "a\n```")]),
    "a hash": ("message: see #1 # really", [("message", "see #1 # really")]),
    "a comma after an idea": ('idea: "a",\nidea: "b"', [("idea", 'a",'), ("idea", "b")]),
    "indented as a whole": ("  idea: a\n  message: b\n", [("idea", "a"), ("message", "b")]),
    "blanks before the colon": ('idea : a\nmessage\t:\t"b"', [("idea", "a"), ("message", "b")]),
    "an empty idea": ("idea:\nidea: ''\nmessage: a", [("idea", ""), ("idea", ""), ("message", "a")]),
}


@pytest.mark.parametrize(("answer", "wanted"), NOT_YAML.values(), ids=NOT_YAML)
def test_what_is_not_quite_yaml_loses_nothing(answer: str, wanted: Entries) -> None:
    assert parse(answer) == wanted
    assert parse(*answer) == wanted
    for place in range(len(answer)):
        assert parse(answer[:place], answer[place:]) == wanted


# laws

odd_pieces = st.one_of(
    st.sampled_from(
        [
            *("idea:", "message:", "idea: ", "message: ", "ide", '"', "'", "''", "|", ">-", "|2", ">+", "\\", "\\n"),
            *(
                "\n",
                "\n",
                "\n",
                " ",
                "  ",
                "\t",
                "\r\n",
                "\r",
                "```",
                "```yaml\n",
                "---\n",
                "\ufeff",
                "\\u00",
                "\\ud83d",
            ),
            *("\\ude00", "\\\n", "#", ":", "one", "two", "three", "\n\n\n", "\nidea: ", "\nmessage: "),
        ]
    ),
    st.text(max_size=3),
)
odd_answers = st.lists(odd_pieces, max_size=25).map("".join)


@given(odd_answers, st.lists(st.integers(0, 10_000), max_size=10))
def test_the_split_does_not_matter(answer: str, places: list[int]) -> None:
    whole = parse(answer)
    assert parse(*cut(answer, places)) == whole
    assert parse(*answer) == whole


@given(odd_answers)
def test_ideas_come_before_a_single_message(answer: str) -> None:
    tags = [tag for tag, _ in parse(answer)]
    assert "message" not in tags[:-1]


@pytest.mark.parametrize("blank", [" ", "\n", "\n ", "\t\n"])
@pytest.mark.parametrize("opening", ["", "idea: ", 'idea: "', "idea: 'a' ", "message: |\n  ", 'message: "a"', "```\n"])
def test_a_long_run_of_blanks_is_not_held_back_for_ever(opening: str, blank: str) -> None:
    answer = f"{opening}a{blank * 6000}b"
    parser = TaggedParser()
    events: list[TagEvent] = []
    for char in answer:
        events += parser.feed(char)
        assert len(parser._held) <= 4200
    assert entries_of(events + parser.close()) == parse(answer)


BETWEEN_WORDS = [" ", "\n", '"', "'", "|\n", "```\n", ": ", "-", "\n  ", "\nidea: ", "\\"]
OPENINGS = ["", "idea: ", "message: ", 'message: "', "message: '", "idea: |\n", "message: >\n  ", "```\n"]


@given(st.lists(st.tuples(st.sampled_from(BETWEEN_WORDS), st.integers(0, 99)), max_size=20), st.sampled_from(OPENINGS))
def test_no_word_is_lost_or_moved(pieces: list[tuple[str, int]], opening: str) -> None:
    words = [f"W{number}w" for _, number in pieces]
    answer = opening + "".join(between + word for (between, _), word in zip(pieces, words, strict=True))
    told = "".join(text for _, text in parse(answer))
    at = 0
    for word in words:
        at = told.index(word, at) + len(word)


@given(st.text())
def test_an_answer_without_a_tag_is_one_message_to_the_letter(text: str) -> None:
    answer = f"So: {text}"
    assert parse(*answer) == [("message", answer)]


ideas = st.lists(st.text().map(lambda text: ("idea", text)), max_size=4)
messages = st.lists(st.text().map(lambda text: ("message", text)), max_size=1)


@given(ideas, messages)
def test_rendered_entries_read_back_as_they_were(ideas: list[tuple[Tag, str]], message: list[tuple[Tag, str]]) -> None:
    assert parse(render(ideas + message)) == ideas + message


@given(ideas, st.sampled_from(["idea", "message"]), st.text(), st.text(), odd_answers)
@example([], "message", "ends blank ", " begins blank", "")
@example([], "message", 'a "', '" b', "")
def test_a_parser_that_was_fed_an_open_entry_goes_on_from_its_last_character(
    closed: list[tuple[Tag, str]], tag: Tag, text: str, more: str, anything: str
) -> None:
    parser = TaggedParser()
    before = [*parser.feed(render([*closed, (tag, text)], open_last=True))]
    assert entries_of([*before, EntryEnded()]) == [*closed, (tag, text)]

    after = parser.feed(render([("idea", more)]).removeprefix('idea: "')) + parser.close()
    assert entries_of([EntryStarted(tag), *after]) == [(tag, more)]

    parser = TaggedParser()
    parser.feed(render([*closed, (tag, text)], open_last=True))
    entries = entries_of([EntryStarted(tag), *parser.feed(anything), *parser.close()])
    fresh = TaggedParser()
    alone = [*fresh.feed(f'{tag}: "'), *fresh.feed(anything), *fresh.close()]
    assert entries == entries_of(alone)


@given(ideas.filter(bool), odd_answers)
def test_a_parser_that_was_fed_closed_ideas_goes_on_with_the_next_entry(
    closed: list[tuple[Tag, str]], anything: str
) -> None:
    parser = TaggedParser()
    assert entries_of(parser.feed(render(closed))) == closed
    fresh = TaggedParser()
    fresh.feed(render([("idea", "x")]))
    assert entries_of(parser.feed(anything) + parser.close()) == entries_of(fresh.feed(anything) + fresh.close())
