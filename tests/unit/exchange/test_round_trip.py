"""Our own export: imported by somebody else and exported again, it is the same, ids apart."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, update
from tests.harness.exports import chatgpt_chat
from tests.unit.exchange.imported import Account, open_account

from quarterdeck.domain.ids import new_id, now_ms
from quarterdeck.exchange.account import export_user
from quarterdeck.exchange.exporting import ExportFormat, export_conversations
from quarterdeck.store.imports import Counts
from quarterdeck.store.tables import (
    assistants,
    conversations,
    folders,
    ideas,
    message_versions,
    messages,
    snippets,
)

_IDS = {"id", "source", "parent", "active_child", "tip", "exported_at"}


async def export(account: Account, kind: ExportFormat = "jsonl") -> bytes:
    made = export_conversations(account.database, account.user, kind, "ann")
    return b"".join([piece async for piece in made.content])


def lines_of(exported: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in exported.splitlines()]


def without_ids(exported: bytes) -> list[dict[str, Any]]:
    """Ids as the number of the line that they stand for, so that links are compared, too."""
    lines = lines_of(exported)
    numbers = {line["id"]: number for number, line in enumerate(lines) if "id" in line}
    kept = []
    for line in lines:
        links = {name: numbers[line[name]] for name in ("parent", "active_child", "tip") if name in line}
        kept.append({name: value for name, value in line.items() if name not in _IDS} | links)
    return kept


class Builder:
    """Rows of a tree, put into the database as they are."""

    def __init__(self, account: Account) -> None:
        self.account = account

    async def add(self, shape: list[tuple[int, str, str]], **about: Any) -> str:
        """`shape`: for each message the place of its parent (-1: none), its role and its text."""
        conversation, names = new_id(), [new_id() for _ in shape]
        parents = [None if place < 0 else names[place] for place, _, _ in shape]
        chosen = {parent: name for parent, name in zip(parents, names, strict=True) if parent is not None}
        tip = names[0] if names else None
        while tip in chosen:
            tip = chosen[tip]
        rows = [
            {
                "id": name, "conversation_id": conversation, "owner_id": self.account.user, "parent_id": parent,
                "role": role, "status": "complete", "model": "m/x" if role == "assistant" else "", "turn_id": new_id(),
                "parts": json.dumps([{"kind": "text", "text": text}]), "created_at": 1_000 + number, "version": 1,
                "active_child_id": chosen.get(name), "context_mark": "pinned" if number == 1 else "",
                "usage": '{"input_tokens":3,"output_tokens":5}' if role == "assistant" else None,
            }
            for number, (name, parent, (_, role, text)) in enumerate(zip(names, parents, shape, strict=True))
        ]  # fmt: skip
        row = {
            "id": conversation, "owner_id": self.account.user, "external_id": conversation, "title": "T",
            "model": "m/x", "assistant": "", "instructions": "Be brief", "temperature": 0.5, "tip_id": tip,
            "created_at": 500, "updated_at": 9_000, "root_id": names[0] if names else None, "title_from": "user",
        } | about  # fmt: skip

        def write(connection: Any) -> None:
            connection.execute(insert(conversations).values(row))
            if rows:
                connection.execute(insert(messages), rows)

        await self.account.database.write(write)
        return conversation


_TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1).filter(str.strip)


@st.composite
def _trees(draw: st.DrawFn) -> list[tuple[int, str, str]]:
    count = draw(st.integers(1, 12))
    return [
        (draw(st.integers(0 if number else -1, number - 1)), draw(st.sampled_from(["user", "assistant"])), draw(_TEXTS))
        for number in range(count)
    ]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(shapes=st.lists(_trees(), max_size=3))
async def test_any_trees_come_back_as_they_were(
    tmp_path_factory: Any, shapes: list[list[tuple[int, str, str]]]
) -> None:
    ann = await open_account(tmp_path_factory.mktemp("trip"))
    try:
        for shape in shapes:
            await Builder(ann).add(shape)
        exported = await export(ann)
        ben = await open_account(ann.folder, "ben", ann.database)
        outcome = await ben.bring(exported, "mine.jsonl")
        assert outcome.row.status == "complete", outcome
        assert without_ids(await export(ben)) == without_ids(exported)
    finally:
        await ann.database.close()


async def fill(ann: Account) -> str:
    """One conversation with everything that one can have; its id."""
    folder, assistant = new_id(), new_id()
    now = now_ms()
    common = {"owner_id": ann.user, "created_at": 7_000}

    def write(connection: Any) -> None:
        connection.execute(insert(folders).values(id=folder, name="Trips", name_key="trips", **common))
        guide = {"name": "Guide", "description": "d", "instructions": "i", "model": "", "temperature": 0.1}
        texts: dict[str, Any] = {"format": "plain", "tools": '["a"]', "starters": '["Hi"]', "updated_at": 7_001}
        connection.execute(insert(folders).values(id=new_id(), name="Gone", name_key="-", deleted_at=now, **common))
        texts |= {"uses_memory": 0}
        connection.execute(insert(assistants).values(id=assistant, is_shared=0, **guide, **texts, **common))
        connection.execute(insert(snippets).values(id=new_id(), name="sig", text="{{me}}", updated_at=7_001, **common))

    await ann.database.write(write)
    conversation = await Builder(ann).add(
        [(-1, "user", "Q"), (0, "assistant", "A"), (1, "user", "gone"), (2, "assistant", "B"), (0, "assistant", "C")],
        folder_id=folder, assistant=assistant, pinned_at=now, archived_at=now,
    )  # fmt: skip
    question, _, gone, *_ = [row["id"] for row in await ann.messages()]

    def change(connection: Any) -> None:
        mine = messages.c.id == question
        connection.execute(update(messages).where(mine).values(version=2, edited_at=8_000))
        connection.execute(update(messages).where(messages.c.id == gone).values(deleted_at=now))
        old = {"message_id": question, "version": 1, "owner_id": ann.user, "created_at": 1_000}
        connection.execute(insert(message_versions).values(parts='[{"kind":"text","text":"Old"}]', **old))
        idea = {"id": new_id(), "conversation_id": conversation, "message_id": question, "text": "An idea"}
        connection.execute(insert(ideas).values(**idea, **common))

    await ann.database.write(change)
    return conversation


async def test_folders_assistants_versions_ideas_marks_and_usage_come_along_and_deleted_messages_do_not(
    ann: Account,
) -> None:
    await fill(ann)
    exported = await export(ann)
    kinds = [line.get("kind", "header") for line in lines_of(exported)]
    assert kinds == ["header", "folder", "assistant", "snippet", "conversation", *["message"] * 4, "end"]
    ben = await open_account(ann.folder, "ben", ann.database)
    outcome = await ben.bring(exported, "mine.jsonl")
    assert outcome.row.counts == Counts(conversations=1, messages=4)
    assert without_ids(await export(ben)) == without_ids(exported)
    assert b"gone" not in exported.lower()
    assert [row["uses_memory"] for row in await ben.rows(assistants)] == [0]


async def test_what_untrusted_text_a_message_rests_on_comes_along_and_that_it_was_imported_is_added(
    ann: Account,
) -> None:
    await Builder(ann).add([(-1, "user", "Q"), (0, "assistant", "A")])
    answer = (await ann.messages())[-1]["id"]
    mark = update(messages).where(messages.c.id == answer).values(taint="web")
    await ann.database.write(lambda connection: connection.execute(mark))
    exported = await export(ann)
    assert [line.get("taint") for line in lines_of(exported) if line.get("kind") == "message"] == [None, "web"]
    ben = await open_account(ann.folder, "ben", ann.database)
    await ben.bring(exported, "mine.jsonl")
    assert [row["taint"] for row in await ben.messages()] == ["import", "import web"]
    assert without_ids(await export(ben)) == without_ids(exported)


@pytest.mark.parametrize("memory", ["off", "private"])
async def test_a_conversation_that_is_not_remembered_is_not_where_it_is_imported_either(
    ann: Account, memory: str
) -> None:
    await Builder(ann).add([(-1, "user", "I live in Lisbon."), (0, "assistant", "I see.")], memory=memory)
    ben = await open_account(ann.folder, "ben", ann.database)
    await ben.bring(await export(ann), "mine.jsonl")
    assert [row["memory"] for row in await ben.conversations()] == [memory]


async def test_an_import_that_says_something_else_by_now_is_tainted_by_that(ann: Account) -> None:
    await ann.bring([chatgpt_chat("c1", 1)])
    clean = update(messages).values(taint="")  # as a version before this one has stored it
    await ann.database.write(lambda connection: connection.execute(clean))
    changed = json.loads(json.dumps(chatgpt_chat("c1", 1)).replace("uestion", "uest"))
    await ann.bring([changed])
    assert {row["taint"] for row in await ann.messages() if row["version"] > 1} == {"import"}


async def test_ones_own_export_in_the_same_account_adds_nothing(ann: Account) -> None:
    await fill(ann)
    before = (await ann.conversations(), await ann.messages())
    outcome = await ann.bring(await export(ann), "mine.jsonl")
    assert outcome.row.counts == Counts(known_conversations=1, known_messages=4)
    assert (await ann.conversations(), await ann.messages()) == before


async def test_what_came_from_elsewhere_is_known_again_after_a_move(ann: Account) -> None:
    await ann.bring([chatgpt_chat("c1", 2)])
    ben = await open_account(ann.folder, "ben", ann.database)
    await ben.bring(await export(ann), "mine.jsonl")
    again = await ben.bring([chatgpt_chat("c1", 2)])
    assert again.row.counts == Counts(known_conversations=1, known_messages=4)


async def test_the_account_as_a_zip_has_a_manifest_and_is_imported_as_it_is(ann: Account, tmp_path: Path) -> None:
    await fill(ann)
    content = b"".join([piece async for piece in export_user(ann.database, ann.user)])
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        assert set(manifest["files"]) == set(archive.namelist()) - {"manifest.json"}
        assert manifest["files"]["quarterdeck.jsonl"]["bytes"] == archive.getinfo("quarterdeck.jsonl").file_size
    ben = await open_account(ann.folder, "ben", ann.database)
    assert (await ben.bring(content, "account.zip")).row.counts.messages == 4


async def test_an_export_that_was_cut_off_says_so(ann: Account) -> None:
    await fill(ann)
    exported = await export(ann)
    ben = await open_account(ann.folder, "ben", ann.database)
    outcome = await ben.bring(exported[: exported.rindex(b'{"kind":"end"')], "mine.jsonl")
    assert outcome.row.status == "failed"
    assert outcome.row.counts.messages == 4


async def test_lines_that_are_not_ours_do_no_harm(ann: Account) -> None:
    await fill(ann)
    odd: list[Any] = [
        {"kind": "message", "id": "x", "role": "user"},
        {
            "kind": "conversation",
            "id": "k",
            "title": "K",
            "assistant": "nobody",
            "pinned_at": "no",
            "temperature": "hot",
        },
        {"kind": "message", "id": "m1", "role": "root", "parts": []},
        {
            "kind": "message",
            "id": "m2",
            "role": "user",
            "parts": [{"kind": "text", "text": "a\0b"}],
            "usage": {"cost": "x"},
        },
        {"kind": "message", "id": "m3", "role": "user", "parts": [{"kind": "virus"}], "parent": "m2"},
        {"kind": "weather"},
        {"kind": "end"},
    ]
    header, *_ = (await export(ann)).splitlines()
    raw = b"\n".join([header, *(json.dumps(line).encode() for line in odd)])
    ben = await open_account(ann.folder, "ben", ann.database)
    outcome = await ben.bring(raw, "odd.jsonl")
    assert outcome.row.counts == Counts(conversations=1, messages=1, skipped=4)
    [message] = await ben.messages()
    assert (message["text"], message["usage"]) == ("a\ufffdb", None)


async def test_numbers_that_no_database_holds_are_left_out(ann: Account) -> None:
    await fill(ann)
    text = [{"kind": "text", "text": "a"}]
    odd: list[Any] = [
        {"kind": "conversation", "id": "k", "title": "K", "temperature": 1e300, "pinned_at": -5},
        {
            "kind": "message", "id": "m", "role": "user", "parts": text, "version": 1 << 40, "first_token_ms": 1 << 40,
            "versions": [{"version": 10**30, "parts": text}, {"version": True, "parts": text}],
            "ideas": [{"text": "An idea", "created_at": 10**30}, {"text": "Another", "created_at": {}}],
        },
        {"kind": "end"},
    ]  # fmt: skip
    header, *_ = (await export(ann)).splitlines()
    deep = b'{"kind": "message", "id": "d", "role": "user", "parts": %b}' % (b"[" * 3_000 + b"]" * 3_000)
    lines = [json.dumps(line).encode() for line in odd]
    ben = await open_account(ann.folder, "ben", ann.database)
    outcome = await ben.bring(b"\n".join([header, *lines[:2], deep, lines[2]]), "odd.jsonl")
    assert (outcome.row.status, outcome.row.counts) == ("complete", Counts(conversations=1, messages=1, skipped=1))
    [conversation], [message] = await ben.conversations(), await ben.messages()
    assert (conversation["temperature"], conversation["pinned_at"]) == (None, None)
    assert (message["version"], message["first_token_ms"]) == (1, None)
    assert [type(idea["created_at"]) for idea in await ben.rows(ideas)] == [int, int]
    assert not any("versions" in line for line in lines_of(await export(ben)))


async def test_markdown_comes_back_as_what_was_shown_and_html_has_no_scripts(ann: Account) -> None:
    await Builder(ann).add(
        [(-1, "user", "<script>alert(1)</script>"), (0, "assistant", "**No**")], title="../../<b>etc</b>\x01"
    )
    with zipfile.ZipFile(io.BytesIO(await export(ann, "html"))) as archive:
        [name] = archive.namelist()
        page = archive.read(name).decode()
    assert "/" not in name
    assert ".." not in name
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    ben = await open_account(ann.folder, "ben", ann.database)
    await ben.bring(await export(ann, "markdown"), "pages.zip")
    [conversation] = await ben.conversations()
    assert await ben.path(conversation) == ["<script>alert(1)</script>", "**No**"]
