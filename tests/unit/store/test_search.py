"""Messages are found by what they say, the same way on both databases: by their owner, and not once they are gone."""

from __future__ import annotations

import unicodedata
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, func, select, text, update
from tests.unit.store.stored import add_conversation, add_message, add_user

from quarterdeck.conversations.searching import make_passage
from quarterdeck.domain.ids import now_ms
from quarterdeck.domain.indexed import index_words
from quarterdeck.domain.languages import languages_of
from quarterdeck.domain.parts import IdeaPart, ImagePart, Part, ReasoningPart, TextPart
from quarterdeck.domain.search_query import find_places, parse_query
from quarterdeck.domain.words import split_words, stem
from quarterdeck.store.conversations import delete_conversation, restore_conversation
from quarterdeck.store.database import AnyConnection, Database, WriteConnection
from quarterdeck.store.search import index_messages, searched_text
from quarterdeck.store.search_find import SearchFilter, find_entries, read_hits
from quarterdeck.store.tables import messages, search_entries

SAID = {
    "lisbon": "Three days in Lisbon: trams, tiles and a café by the river.",
    "running": "I was running late; the café was closed, happily.",
    "tokyo": "東京タワーの近くで今日は良い天気です",
    "seoul": "서울에서 만나요",
    "strasse": "Die Straße nach Köln ist gesperrt.",
    "code": "print(foo_bar['x-ray']) # C++ and don't panic",
}


def place_texts(connection: WriteConnection, owner: str) -> dict[str, str]:
    """Each in `SAID` as a message; its id."""
    conversation = add_conversation(connection, owner)
    said = {}
    for name, sentence in SAID.items():
        said[name] = add_message(connection, conversation, None, "user", [TextPart(sentence)])
    index_messages(connection, list(said.values()))
    return said


def search(connection: AnyConnection, owner: str, query: str, **filters: object) -> list[str]:
    wanted = SearchFilter(owner=owner, query=parse_query(query), **filters)  # type: ignore[arg-type]
    return [entry.message_id for entry in find_entries(connection, wanted, before=None, limit=100)]


QUESTIONS = {
    "lisbon": "lisbon",
    "lisbon river": "lisbon",
    "LISB": "lisbon",
    "tile": "lisbon",
    '"trams, tiles"': "lisbon",
    '"tiles trams"': "",
    "cafe": "lisbon running",
    "café -running": "lisbon",
    'café -"running late"': "lisbon",
    "runs": "running",
    '"runs"': "",
    "closing": "running",
    "happil": "running",
    "happil ": "",
    "今日": "tokyo",
    "天気": "tokyo",
    "気です": "tokyo",
    "京": "tokyo",
    "す": "tokyo",
    "京都": "",
    "タワー 今日": "tokyo",
    "서울": "seoul",
    "strasse koln": "strasse",
    "STRASSE": "strasse",
    "foo_bar": "code",
    "x-ray": "code",
    "don't": "code",
    "c++": "code",
    "-lisbon -running": "tokyo seoul strasse code",
    "-café": "tokyo seoul strasse code",
}


async def test_words_phrases_beginnings_and_exclusions_find_the_same_on_both_databases(database: Database) -> None:
    owner = await database.write(lambda connection: add_user(connection, "ann"))
    said = await database.write(lambda connection: place_texts(connection, owner))
    names = {message: name for name, message in said.items()}
    for query, expected in QUESTIONS.items():
        found = await database.read(lambda connection, query=query: search(connection, owner, query))  # type: ignore[misc]
        assert {names[message] for message in found} == set(expected.split()), query
        assert len(found) == len(set(found)), query


TYPED = {"서울에서 만나요": "에서", "ガラスのプログラム": "グラ", "Crème brûlée": "brulee", "น้ำตาล": "น้ำ", "ခင့်ဦး": "့်ဦ"}
SPELLINGS = [partial(unicodedata.normalize, "NFC"), partial(unicodedata.normalize, "NFD")]


async def test_composed_and_decomposed_text_find_each_other_on_both_databases(database: Database) -> None:
    owner = await database.write(lambda connection: add_user(connection, "ann"))

    def write(connection: WriteConnection) -> list[str]:
        talk = add_conversation(connection, owner)
        texts = [spell(sentence) for sentence in TYPED for spell in SPELLINGS]
        ids = [add_message(connection, talk, None, "user", [TextPart(one)]) for one in [*texts, "ｶﾞﾗｽﾉﾌﾟﾛｸﾞﾗﾑ"]]
        index_messages(connection, ids)
        return ids

    *ids, narrow = await database.write(write)
    for at, (sentence, part) in enumerate(TYPED.items()):
        for asked in {spell(one) for spell in SPELLINGS for one in (sentence, part)}:
            found = await database.read(lambda connection, asked=asked: search(connection, owner, asked))  # type: ignore[misc]
            assert set(found) - {narrow} == set(ids[2 * at : 2 * at + 2]), asked
    assert narrow in await database.read(lambda connection: search(connection, owner, "グラ"))


IN_THEIR_LANGUAGE = {
    "de": "Ich habe gestern die Rechnungen bezahlt, und der Rat war gut.",
    "fr": "Nous avons vu deux chevaux dans les montagnes.",
    "es": "Las facturas de la luz están en la mesa.",
    "it": "Ho dato da mangiare ai gatti sulle scale.",
    "pt": "As nossas férias são nas montanhas do norte.",
    "nl": "Er zijn nog mogelijkheden voor de huizen in het dorp.",
    "ru": "Мы вчера купили новый диван и старые книги.",
    "en": "The rats were in the houses at the river, and the gift was a factor.",
}
ASKED_IN_OTHER_FORMS = {
    "Rechnung": "de", "die Rechnung": "de", "rechnung ": "de", "Räte": "de", "rechn": "de", "bezahlt Rechnung": "de",
    "bezahlt -Rechnung": "", "-Rechnung rat": "en", '"Rechnung "': "", '"die Rechnungen"': "de",
    "cheval": "fr", "montagne": "fr", "factura": "es", "mesas": "es", "gatto": "it", "scala": "it",
    "montanha": "pt", "mogelijkheid": "nl", "huis dorp": "nl", "книга": "ru", "новая": "ru", "диваны книгу": "ru",
    "rat": "de en", "rats": "de en", "rate ": "de", "the rates": "", "the rats": "en", "house": "en", "gifts": "en",
}  # fmt: skip


async def test_words_are_found_in_their_forms_in_the_language_that_they_were_written_in(database: Database) -> None:
    def write(connection: WriteConnection) -> tuple[str, dict[str, str]]:
        owner = add_user(connection, "ann")
        talk = add_conversation(connection, owner)
        names = {}
        for name, sentence in IN_THEIR_LANGUAGE.items():
            names[add_message(connection, talk, None, "user", [TextPart(sentence)])] = name
        index_messages(connection, list(names))
        return owner, names

    owner, names = await database.write(write)
    for query, expected in ASKED_IN_OTHER_FORMS.items():
        found = await database.read(lambda connection, query=query: search(connection, owner, query))  # type: ignore[misc]
        assert {names[message] for message in found} == set(expected.split()), query
        for name in expected.split():
            assert query.startswith("-") or make_passage(IN_THEIR_LANGUAGE[name], parse_query(query)).marks, query


async def test_no_text_is_a_syntax_error(database: Database) -> None:
    owner = await database.write(lambda connection: add_user(connection, "ann"))
    await database.write(lambda connection: place_texts(connection, owner))
    odd = [
        '"', '""', '"a', "'", "a'b", "\\", "a\\'", "-", "--", '-"', "NEAR(a b)", "a AND", "OR", "NOT", "a:b", "^a", "*",
        "a*", "{a b}:c", "(", ")", "a & b", "a | !b", "a <-> b", ":*", "%", "_", "\x00", "§user", "≈run", "≈", "½",
        "ﬁ", "İ", "a" * 5000, "日" * 3000, "a " * 4000, "-a " * 4000, "\ud7ff", "٠١٢", "‏", "é" * 300,
    ]  # fmt: skip
    for query in odd:
        await database.read(lambda connection, query=query: search(connection, owner, query))  # type: ignore[misc]
        await database.read(lambda connection, query=query: search(connection, owner, f'"{query}" x{query}'))  # type: ignore[misc]


async def test_only_ones_own_messages_are_found(database: Database) -> None:
    owner = await database.write(lambda connection: add_user(connection, "ann"))
    other = await database.write(lambda connection: add_user(connection, "ben"))
    await database.write(lambda connection: place_texts(connection, owner))
    for query in ("lisbon", "lisb", '"three days"', "-nothing", "今日", f"{owner[-6:]}lisbon", f"{owner[-6:]}"):
        assert await database.read(lambda connection, query=query: search(connection, other, query)) == []  # type: ignore[misc]


async def test_what_is_deleted_is_not_found_and_what_is_restored_is_again(database: Database) -> None:
    def write(connection: WriteConnection) -> None:
        owner = add_user(connection, "ann")
        said = place_texts(connection, owner)
        lisbon = said["lisbon"]
        assert search(connection, owner, "lisbon") == [lisbon]
        connection.execute(update(messages).where(messages.c.id == lisbon).values(deleted_at=now_ms()))
        index_messages(connection, [lisbon])
        assert search(connection, owner, "lisbon") == []
        connection.execute(update(messages).where(messages.c.id == lisbon).values(deleted_at=None))
        index_messages(connection, [lisbon])
        assert search(connection, owner, "lisbon") == [lisbon]
        conversation = connection.execute(select(messages.c.conversation_id)).scalars().first()
        assert conversation is not None
        delete_conversation(connection, conversation)
        assert search(connection, owner, "lisbon") == []
        assert read_hits(connection, [lisbon]) == []
        restore_conversation(connection, owner, conversation)
        assert search(connection, owner, "lisbon") == [lisbon]
        connection.execute(delete(messages).where(messages.c.id == lisbon))
        assert search(connection, owner, "lisbon") == []
        assert connection.execute(select(func.count()).select_from(search_entries)).scalar() == len(SAID) - 1
        if connection.dialect.name == "sqlite":
            connection.execute(text("INSERT INTO search_index (search_index) VALUES ('integrity-check')"))

    await database.write(write)


async def test_an_edited_message_is_found_by_its_new_words_only(database: Database) -> None:
    def write(connection: WriteConnection) -> None:
        owner = add_user(connection, "ann")
        said = place_texts(connection, owner)
        new = '[{"kind":"text","text":"Four days in Porto"}]'
        connection.execute(update(messages).where(messages.c.id == said["lisbon"]).values(parts=new))
        index_messages(connection, [said["lisbon"]])
        assert search(connection, owner, "lisbon") == []
        assert search(connection, owner, "porto") == [said["lisbon"]]

    await database.write(write)


async def test_filters_by_who_model_time_place_and_what_it_has(database: Database) -> None:
    def write(connection: WriteConnection) -> None:
        owner = add_user(connection, "ann")
        one, two = add_conversation(connection, owner), add_conversation(connection, owner)
        asked = add_message(connection, one, None, "user", [TextPart("A cat"), ImagePart("image/png", "AAAA")])
        answered = add_message(connection, one, asked, "assistant", [IdeaPart("Name the cat"), TextPart("Done")])
        thought = add_message(connection, two, None, "assistant", [ReasoningPart("cat"), TextPart("A dog")])
        shown = add_message(connection, two, thought, "user", [ImagePart("image/png", "AAAA")])
        for number, message in enumerate((asked, answered, thought, shown)):
            values = {"created_at": 1_000_000 * (number + 1), "model": "fake/big" if number in (1, 2) else ""}
            connection.execute(update(messages).where(messages.c.id == message).values(values))
        index_messages(connection, [asked, answered, thought, shown])
        connection.execute(text("UPDATE conversations SET folder_id = 'f' WHERE id = :one"), {"one": one.id})
        assert search(connection, owner, "cat") == [answered, asked]
        assert search(connection, owner, "cat", role="user") == [asked]
        assert search(connection, owner, "", model="fake/big") == [thought, answered]
        assert search(connection, owner, "", model="fake/small") == []
        assert search(connection, owner, "", has_files=True) == [shown, asked]
        assert search(connection, owner, "", has_ideas=True) == [answered]
        assert search(connection, owner, "", conversation=two.id) == [shown, thought]
        assert search(connection, owner, "", folder="f") == [answered, asked]
        assert search(connection, owner, "cat", since=2_000_000) == [answered]
        assert search(connection, owner, "cat", until=2_000_000) == [asked]
        assert search(connection, owner, "-dog", since=2_000_000) == [shown, answered]

    await database.write(write)


async def test_pages_are_the_whole_result_newest_first_each_once(database: Database) -> None:
    def write(connection: WriteConnection) -> None:
        owner = add_user(connection, "ann")
        conversation = add_conversation(connection, owner)
        said = [add_message(connection, conversation, None, "user", [TextPart(f"word {n}")]) for n in range(60)]
        # Of one millisecond and with the same bits of chance, as an import may make them.
        connection.execute(update(messages).values(created_at=5))
        index_messages(connection, said)
        wanted = SearchFilter(owner=owner, query=parse_query("word"))
        found: list[str] = []
        before = None
        while page := find_entries(connection, wanted, before=before, limit=7):
            found += [entry.message_id for entry in page]
            before = page[-1].id
        assert sorted(found) == sorted(said)

    await database.write(write)


async def test_a_message_of_any_length_can_be_kept_and_is_found_by_its_beginning(database: Database) -> None:
    def write(connection: WriteConnection) -> None:
        owner = add_user(connection, "ann")
        conversation = add_conversation(connection, owner)
        texts = [
            " ".join(f"w{n:x}" for n in range(150_000)),
            "日本語の文" * 200_000,
            "x" * 1_000_000,
            " ".join("abcdefg" * 70_000),
        ]
        said = [add_message(connection, conversation, None, "user", [TextPart(t[:1_000_000])]) for t in texts]
        index_messages(connection, said)
        assert search(connection, owner, "w2a ") == [said[0]]
        assert search(connection, owner, "語の") == [said[1]]

    await database.write(write)


@pytest.mark.parametrize(
    "query", ["lisbon", "LISB", "tile", '"trams, tiles"', "cafe", "runs", "happil", "天気", "京", "strasse", "x-ray"]
)
def test_what_is_found_is_also_marked(query: str) -> None:
    for sentence in SAID.values():
        places = find_places(list(split_words(sentence)), parse_query(query))
        assert all(0 <= start < end <= len(sentence) for start, end in places)
    assert any(find_places(list(split_words(sentence)), parse_query(query)) for sentence in SAID.values())


@given(st.text(max_size=60))
def test_every_word_of_a_text_finds_its_place_in_it(said: str) -> None:
    words = list(split_words(said))
    for word in words:
        shown = said[word.start : word.end]
        places = find_places(words, parse_query(f'"{shown}"'))
        assert any(start <= word.start and word.end <= end for start, end in places) or not shown.strip()


def test_reasoning_is_not_searched() -> None:
    parts: list[Part] = [ReasoningPart("secret thought"), TextPart("said"), IdeaPart("idea")]
    assert searched_text(parts) == "said\nidea"


MIXED = "aBé_ ̈ing中文 \n\r\x1c\x85\xa0\u2028ไทย9İß“-."


SEVERAL = ("der", "die", "Häuser", "le", "chats", "и", "новый", "de", "la", "casas", "日本", "the", "rats", "cats")
OF_SEVERAL = st.lists(st.sampled_from(SEVERAL))


@given(st.text(max_size=80) | st.text(alphabet=MIXED, max_size=60) | OF_SEVERAL.map(" ".join), st.integers(0, 400))
def test_the_index_has_the_words_of_a_text_as_they_are_cut_and_no_more_than_it_may(said: str, max_bytes: int) -> None:
    terms = [word.term for word in split_words(said)]
    stems = list(dict.fromkeys("≈" + stem(term) for term in terms if stem(term) != term))
    for language in languages_of(terms):
        roots = dict.fromkeys(root for term in terms if (root := language.root(term)) not in ("", term))
        stems += [language.mark + root for root in roots] or [language.mark]
    assert index_words(said, 100_000) == " ".join([*terms, *stems])
    assert len(index_words(said, max_bytes).encode()) <= max_bytes
