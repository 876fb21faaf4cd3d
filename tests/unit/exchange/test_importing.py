"""What each vendor's export becomes, and what an import does the second time."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from sqlalchemy import update
from tests.harness.exports import (
    PNG,
    as_zip,
    chatgpt_chat,
    chatgpt_conversation,
    chatgpt_node,
    claude_conversation,
    claude_message,
    librechat_conversation,
    librechat_message,
    openwebui_chat,
    openwebui_message,
)
from tests.unit.exchange.imported import Account, open_account

from quarterdeck.conversations.editing import edit_message
from quarterdeck.domain.ids import now_ms
from quarterdeck.domain.parts import ReasoningPart, TextPart
from quarterdeck.exchange.formats import markdown, openwebui
from quarterdeck.store.conversations import KEEP_DELETED_MS
from quarterdeck.store.imports import Counts
from quarterdeck.store.purge import purge
from quarterdeck.store.tables import conversations, messages


def tea() -> dict[str, Any]:
    """A question with two answers, the second by way of a thought and a tool, then shown; nothing else."""
    return chatgpt_conversation(
        "c1",
        "Tea",
        [
            chatgpt_node("root", None),
            chatgpt_node("s", "root", "system", "You are ChatGPT"),
            chatgpt_node("u1", "s", "user", "How hot?", at=1_700_000_001.0),
            chatgpt_node("a1", "u1", "assistant", "90 degrees", at=1_700_000_002.0),
            chatgpt_node(
                "th", "u1", "assistant", at=1_700_000_003.0, end_turn=None,
                content={"content_type": "thoughts", "thoughts": [{"summary": "Tea", "content": "green or black"}]},
            ),
            chatgpt_node(
                "ca", "th", "assistant", at=1_700_000_004.0, recipient="web", end_turn=False,
                content={"content_type": "code", "language": "unknown", "text": "search('tea')"},
            ),
            chatgpt_node(
                "to", "ca", "tool", at=1_700_000_005.0, author={"role": "tool", "name": "web"},
                content={"content_type": "execution_output", "text": "80 C"},
            ),
            chatgpt_node("a2", "to", "assistant", "80 degrees", at=1_700_000_006.0),
        ],
    )  # fmt: skip


async def test_of_chatgpt_all_branches_come_and_the_shown_one_is_shown(ann: Account) -> None:
    outcome = await ann.bring([tea()])
    assert (outcome.row.status, outcome.row.format) == ("complete", "chatgpt")
    assert outcome.row.counts == Counts(conversations=1, messages=3, skipped=1)
    [conversation] = await ann.conversations()
    assert (conversation["title"], conversation["source"]) == ("Tea", "chatgpt:c1")
    assert (conversation["created_at"], conversation["updated_at"]) == (1_700_000_000_500, 1_700_000_900_250)
    assert await ann.path(conversation) == ["How hot?", "80 degrees"]
    stored = {row["source"]: row for row in await ann.messages()}
    assert set(stored) == {"u1", "a1", "th"}
    assert stored["a1"]["parent_id"] == stored["u1"]["id"]
    assert stored["a1"]["created_at"] == 1_700_000_002_000
    assert [part["kind"] for part in stored["th"]["parts"]] == ["reasoning"] * 3 + ["text"]
    assert stored["th"]["model"] == "gpt-5"


async def test_what_is_counted_is_what_the_database_has(ann: Account) -> None:
    chats = [chatgpt_chat(f"c{number}", pairs) for number, pairs in enumerate((1, 250, 3, 40))]
    outcome = await ann.bring(chats)
    assert outcome.row.counts.conversations == len(await ann.conversations()) == 4
    assert outcome.row.counts.messages == len(await ann.messages()) == 2 * (1 + 250 + 3 + 40)
    for conversation in await ann.conversations():
        await ann.path(conversation)


async def test_pictures_come_out_of_the_zip_and_other_files_are_named(ann: Account) -> None:
    pointers = [
        {"content_type": "image_asset_pointer", "asset_pointer": "file-service://file-abc", "size_bytes": 70},
        {"content_type": "image_asset_pointer", "asset_pointer": "sediment://file_def", "size_bytes": 70},
        {"content_type": "image_asset_pointer", "asset_pointer": "file-service://file-gone", "size_bytes": 70},
        "What is this?",
    ]
    attachments = [{"id": "file-pdf", "name": "plan.pdf", "mime_type": "application/pdf"}]
    question = chatgpt_node(
        "u1", None, "user", content={"content_type": "multimodal_text", "parts": pointers},
        metadata={"attachments": attachments},
    )  # fmt: skip
    chat = chatgpt_conversation("c1", "Dot", [question, chatgpt_node("a1", "u1", "assistant", "A dot")])
    outcome = await ann.bring(
        as_zip({"conversations-000.json": [chat], "file-abc-dot.png": PNG, "file_def.dat": PNG, "chat.html": "<p>"}),
        "export.zip",
    )
    stored = {row["source"]: row for row in await ann.messages()}
    kinds = [part["kind"] for part in stored["u1"]["parts"]]
    assert kinds == ["image", "image", "text", "text", "text"]
    assert stored["u1"]["parts"][0]["media_type"] == "image/png"
    assert "[plan.pdf]" in stored["u1"]["text"]
    said = "\n".join(outcome.reasons)
    assert "chat.html" in said
    assert "not in the export" in said
    assert "plan.pdf" in said


async def test_claude_with_branches_thoughts_tools_and_attachments(ann: Account) -> None:
    thought = {"type": "thinking", "thinking": "Hm"}
    tool = {"type": "tool_use", "name": "search", "input": {"q": "tea"}}
    result = {"type": "tool_result", "name": "search", "content": [{"type": "text", "text": "80 C"}]}
    attachment = {"file_name": "notes.txt", "file_type": "txt", "file_size": 5, "extracted_content": "Sencha"}
    outcome = await ann.bring(
        [
            claude_conversation(
                "k1",
                "Tea",
                [
                    claude_message("u1", None, "human", "How hot?", attachments=[attachment]),
                    claude_message("a1", "u1", "assistant", "90"),
                    claude_message(
                        "a2", "u1", "assistant", "80", content=[thought, tool, result, {"type": "text", "text": "80"}]
                    ),
                    claude_message("u2", "a2", "human", "Thanks", files=[{"file_name": "cup.jpg"}]),
                ],
            )
        ]
    )
    assert outcome.row.format == "claude"
    [conversation] = await ann.conversations()
    path = await ann.path(conversation)
    assert path == ["How hot?\n\n[notes.txt]\n\nSencha", "80", "Thanks\n\n[cup.jpg]"]
    assert outcome.row.counts == Counts(conversations=1, messages=4, skipped=1)


async def test_open_web_ui_as_a_tree_and_as_a_list(ann: Account) -> None:
    thinking = (
        '<details type="reasoning" done="true" duration="3">\n<summary>Thought</summary>\n&gt; Hm\n</details>\n80'
    )
    picture = {
        "type": "image",
        "url": "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk",
    }
    messages_ = [
        openwebui_message("1", None, "user", "How hot?", files=[picture]),
        openwebui_message("2", "1", "assistant", "90", model="llama3"),
        openwebui_message("3", "1", "assistant", thinking, model="qwen3"),
    ]
    older = {"id": "o2", "title": "Old", "chat": {"messages": [
        {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"},
    ]}}  # fmt: skip
    outcome = await ann.bring([openwebui_chat("o1", "Tea", messages_, "3"), older])
    assert (outcome.row.format, outcome.row.counts) == ("openwebui", Counts(conversations=2, messages=5))
    first, second = await ann.conversations()
    assert await ann.path(first) == ["How hot?", "80"]
    assert first["pinned_at"] is not None
    assert await ann.path(second) == ["Hi", "Hello"]
    [thought] = [row for row in await ann.messages() if row["source"] == "3"]
    assert thought["parts"][0] == {"kind": "reasoning", "text": "Hm"}


@pytest.mark.parametrize("depth", [3, 3_000])
async def test_libre_chat_flat_and_nested_however_deep(ann: Account, depth: int) -> None:
    flat = [librechat_message(f"m{n}", f"m{n - 1}" if n else None, n % 2 == 0, f"Text {n}") for n in range(depth)]
    nested = ""
    for message in reversed([dict(one) for one in flat]):  # by hand: Python's encoder is recursive
        inner = json.dumps(message | {"messageId": f"n{message['messageId']}", "parentMessageId": None})
        nested = f'{inner[:-1]}, "children": [{nested}]}}'
    tree = json.dumps(librechat_conversation("l2", "Nested", [])).replace(
        '"messages": []', f'"messagesTree": [{nested}]'
    )
    assert (await ann.bring(librechat_conversation("l1", "Flat", flat))).row.format == "librechat"
    outcome = await ann.bring(tree)
    assert outcome.row.counts == Counts(conversations=1, messages=depth)
    for conversation in await ann.conversations():
        assert await ann.path(conversation) == [f"Text {number}" for number in range(depth)]


async def test_markdown_with_and_without_speakers(ann: Account) -> None:
    spoken = "# Tea\n\n## You\n\nHow hot?\n\n```\n## You\n```\n\n**Assistant:**\n\n80 degrees\n"
    await ann.bring(spoken, "tea.md")
    outcome = await ann.bring(as_zip({"note.md": "Only a note\n\n# with a heading", "picture.png": PNG}), "notes.zip")
    assert outcome.row.counts == Counts(conversations=1, messages=1, skipped=1)
    first, second = await ann.conversations()
    assert (first["title"], await ann.path(first)) == ("Tea", ["How hot?\n\n```\n## You\n```", "80 degrees"])
    assert await ann.path(second) == ["Only a note\n\n# with a heading"]


async def test_imported_again_nothing_is_doubled_and_a_newer_export_adds_what_is_new(ann: Account) -> None:
    await ann.bring([chatgpt_chat("c1", 2)])
    before = await ann.messages()
    again = await ann.bring([chatgpt_chat("c1", 2)])
    assert again.row.counts == Counts(known_conversations=1, known_messages=4)
    assert await ann.messages() == before
    newer = await ann.bring([chatgpt_chat("c1", 3), chatgpt_chat("c2", 1)])
    assert newer.row.counts == Counts(conversations=1, messages=4, known_conversations=1, known_messages=4)
    first, _ = await ann.conversations()
    assert (await ann.path(first))[-2:] == ["Question 2 of c1", "Answer 2"]


async def test_who_has_gone_on_here_keeps_their_path_and_finds_what_is_new_as_a_branch(ann: Account) -> None:
    await ann.bring([chatgpt_chat("c1", 1)])
    [conversation] = await ann.conversations()
    row = (await ann.messages())[-1]
    own = dict(row) | {"id": row["id"] + "z", "parent_id": row["id"], "source": None, "parts": "[]"}
    del own["text"]

    def go_on(connection: Any) -> None:
        connection.execute(messages.insert().values(own))
        connection.execute(update(messages).where(messages.c.id == row["id"]).values(active_child_id=own["id"]))
        connection.execute(update(conversations).values(tip_id=own["id"]))

    await ann.database.write(go_on)
    outcome = await ann.bring([chatgpt_chat("c1", 2)])
    assert outcome.row.counts.messages == 2
    [conversation] = await ann.conversations()
    assert conversation["tip_id"] == own["id"]
    assert len(await ann.path(conversation)) == 3


async def test_what_was_deleted_here_stays_deleted_and_is_said(ann: Account) -> None:
    await ann.bring([chatgpt_chat("c1", 2), chatgpt_chat("c2", 1)])
    first, second = await ann.conversations()

    def delete(connection: Any) -> None:
        connection.execute(update(conversations).where(conversations.c.id == second["id"]).values(deleted_at=now_ms()))
        here = (messages.c.conversation_id == first["id"]) & (messages.c.source == "c1-a1")
        connection.execute(update(messages).where(here).values(deleted_at=now_ms()))

    await ann.database.write(delete)
    before = await ann.messages()
    outcome = await ann.bring([chatgpt_chat("c1", 2), chatgpt_chat("c2", 1)])
    assert await ann.messages() == before
    assert outcome.reasons == [
        "1 message in “A chat”: You deleted it here; it stays deleted.",
        "“A chat”: You deleted it here; it stays deleted.",
    ]


async def test_what_is_gone_for_good_does_not_come_back_by_an_import(ann: Account) -> None:
    await ann.bring([chatgpt_chat("one", 2), chatgpt_chat("two", 2)])
    [first, _] = await ann.conversations()
    long_ago = now_ms() - KEEP_DELETED_MS - 1
    await ann.database.write(
        lambda connection: connection.execute(
            update(conversations).where(conversations.c.id == first["id"]).values(deleted_at=long_ago)
        )
    )
    while await ann.database.write(purge):
        pass
    again = await ann.bring([chatgpt_chat("one", 2), chatgpt_chat("two", 2), chatgpt_chat("three", 2)])
    assert again.row.counts == Counts(conversations=1, messages=4, known_conversations=1, known_messages=4, skipped=1)
    assert again.reasons == ["“A chat”: You deleted it here earlier, and it is gone for good; it stays deleted."]
    assert first["source"] not in {row["source"] for row in await ann.conversations()}


async def test_a_text_that_has_changed_where_it_comes_from_is_a_new_version_and_is_said(ann: Account) -> None:
    export = tea()
    await ann.bring([export])
    export["mapping"]["a1"]["message"]["content"]["parts"] = ["95 degrees"]
    outcome = await ann.bring([export])
    assert (outcome.row.counts.messages, outcome.row.counts.changed) == (0, 1)
    assert outcome.reasons[-1].startswith(
        "message a1 in “Tea”: Its text has changed there; what it said before is kept"
    )
    for known in (export, tea()):  # neither says anything new
        assert (await ann.bring([known])).row.counts.changed == 0
    [answer] = [row for row in await ann.messages() if row["source"] == "a1"]
    assert (answer["text"], answer["version"]) == ("95 degrees", 2)


async def test_what_was_edited_here_stays_as_it_is_when_its_text_changes_elsewhere(ann: Account) -> None:
    export = tea()
    await ann.bring([export])
    [answer] = [row for row in await ann.messages() if row["source"] == "a1"]
    await ann.database.write(
        lambda connection: edit_message(connection, ann.user, answer["id"], version=1, text="92 degrees")
    )
    assert (await ann.bring([export])).row.counts.skipped == 1  # the system prompt, as before
    export["mapping"]["a1"]["message"]["content"]["parts"] = ["95 degrees"]
    outcome = await ann.bring([export])
    assert "you have edited it here; yours stays." in str(outcome.reasons)
    [answer] = [row for row in await ann.messages() if row["source"] == "a1"]
    assert (answer["text"], answer["version"]) == ("92 degrees", 2)


async def test_trees_that_do_not_hold_together_are_mended_and_said(ann: Account) -> None:
    def said(name: str, parent: str | None, text: str) -> dict[str, Any]:
        return claude_message(name, parent, "human" if text.startswith("Q") else "assistant", text)

    twice = said("q1", None, "Q one")
    outcome = await ann.bring(
        [
            claude_conversation(
                "k1",
                "Odd",
                [
                    twice, dict(twice), said("a1", "q1", "A one"), said("a1", "q1", "A one, but another"),
                    said("q2", "nowhere", "Q orphan"), said("r1", "r2", "Q ring"), said("r2", "r1", "A ring"),
                    said("self", "self", "Q its own parent"),
                ],
            )
        ]
    )  # fmt: skip
    texts = sorted(row["text"] for row in await ann.messages())
    assert texts == ["A one", "A one, but another", "A ring", "Q its own parent", "Q one", "Q orphan", "Q ring"]
    assert outcome.row.counts == Counts(conversations=1, messages=7, skipped=1, changed=4)
    [conversation] = await ann.conversations()
    await ann.path(conversation)
    again = await ann.bring([claude_conversation("k1", "Odd", [])])
    assert again.row.counts.messages == 0


async def test_odd_texts_are_kept_as_far_as_they_can_be(ann: Account) -> None:
    long = "0123456789" * 1_000_000
    chat = chatgpt_conversation(
        "c1", "Nul\0", [chatgpt_node("u1", None, "user", "a\0b"), chatgpt_node("a1", "u1", "assistant", long)]
    )
    raw = b"\xef\xbb\xbf" + json.dumps([chat]).encode().replace(b"0123456789", b'\\ud800\xff2345678"'[:-1], 1)
    outcome = await ann.bring(raw)
    assert outcome.row.status == "complete"
    question, answer = await ann.messages()
    assert question["text"] == "a\ufffdb"
    assert len(answer["text"]) == len(long) - 1
    assert answer["text"].startswith("\ufffd\ufffd2345678")


@pytest.mark.parametrize(
    "text",
    [
        "<details>" * 40_000,
        "<details" * 40_000,
        '<details type="reasoning">' + "<summary>" * 40_000 + "</details>",
        "<details " + "a" * 80_000 + "></details>",
        "#" + " " * 80_000 + "1",
        "**You**" + " " * 80_000 + "1",
    ],
    ids=lambda text: text[:20].strip(),
)
def test_no_text_takes_long_to_read_whatever_is_left_open(text: str) -> None:
    begun = time.process_time()
    openwebui._read_text(text)
    markdown.read_text(text, "odd.md")
    assert time.process_time() - begun < 1


def test_steps_of_open_web_ui_are_told_from_what_only_looks_like_them() -> None:
    text = (
        'Before. <detailsx> <details open>Mine</details>\n<details type="reasoning" done="true">\n'
        "<summary>Thought for a second</summary>\n&gt; Hm.\n</details>\n\nAfter. <details> <summary>"
    )
    before, thought, after = openwebui._read_text(text)
    assert before == TextPart("Before. <detailsx> <details open>Mine</details>\n")
    assert thought == ReasoningPart("Hm.")
    assert after == TextPart("After. <details> <summary>")


@pytest.mark.parametrize("place", ["claude", "librechat"])
async def test_what_is_nested_too_deeply_is_said_and_the_rest_comes(ann: Account, place: str) -> None:
    deep = "[" * 3_000 + "]" * 3_000
    claude = f'{{"uuid": "deep", "chat_messages": [{{"content": [{{"type": "tool_use", "input": {deep}}}]}}]}}'
    librechat = f'{{"messagesTree": [{{"messageId": "m", "text": "Without an id", "odd": {deep}}}]}}'
    good = json.dumps(chatgpt_chat("good", 1))
    outcome = await ann.bring(f"[{claude if place == 'claude' else librechat}, {good}]")
    assert (outcome.row.status, outcome.row.counts.conversations, outcome.row.counts.skipped) == ("complete", 1, 1)
    assert outcome.reasons == ["entry 1 of conversations.json: It is nested too deeply."]


async def test_the_same_ids_of_two_people_are_two_conversations(ann: Account) -> None:
    ben = await open_account(ann.folder, "ben", ann.database)
    for account in (ann, ben):
        assert (await account.bring([chatgpt_chat("c1", 1)])).row.counts == Counts(conversations=1, messages=2)
    assert len(await ann.messages()) == len(await ben.messages()) == 2


@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        (b"", "export.zip", "The file is empty."),
        (b"<!DOCTYPE html><html>Sign in</html>", "export.zip", "This is a web page, not an export"),
        (as_zip({"conversations.json": [chatgpt_chat("c1", 1)]})[:-30], "export.zip", "The zip file is damaged"),
        (as_zip({"page.html": "<html>"}), "export.zip", "This is a web page"),
        (as_zip({"conversations.json": []}), "export.zip", "There are no conversations in this file."),
        (b"[]", "conversations.json", "There are no conversations in this file."),
        (b'{"a": 1}', "conversations.json", "This is no export that Quarterdeck knows"),
        (b"not json", "conversations.json", "The file is not the JSON that its name promises."),
        (b"\x00\x01\x02\x03" * 50, "something.bin", "This is no export that Quarterdeck knows"),
        (b"   \n", "a.txt", "There is nothing in this file but blanks."),
    ],
)
async def test_a_file_that_is_no_export_gets_one_sentence(
    ann: Account, content: bytes, name: str, sentence: str
) -> None:
    outcome = await ann.bring(content, name)
    assert outcome.row.status == "failed"
    assert outcome.row.error.startswith(sentence), outcome.row.error
    assert await ann.conversations() == []


async def test_of_a_file_that_ends_too_early_all_that_is_whole_is_kept_and_the_end_is_named(ann: Account) -> None:
    raw = json.dumps([chatgpt_chat("c1", 2), chatgpt_chat("c2", 2)]).encode()
    outcome = await ann.bring(raw[:-200])
    assert outcome.row.status == "failed"
    assert outcome.row.error.startswith("The file ends too early")
    assert outcome.row.counts == Counts(conversations=1, messages=4, skipped=1)
    assert len(await ann.messages()) == 4


async def test_utf_16_and_lines_of_json_are_read(ann: Account) -> None:
    await ann.bring(json.dumps([chatgpt_chat("c1", 1, "Zoë")]).encode("utf-16"))
    lines = "\n".join(json.dumps(chatgpt_chat(name, 1)) for name in ("c2", "c3"))
    await ann.bring(lines, "chats.jsonl")
    assert [row["source"] for row in await ann.conversations()] == ["chatgpt:c1", "chatgpt:c2", "chatgpt:c3"]
