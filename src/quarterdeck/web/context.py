"""What the model sees: what it was sent, what it would be sent, the summaries, and what is pinned or excluded."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from quarterdeck.accounts.access import access_conversation, access_message, access_turn
from quarterdeck.context.assistants import built_in, speaking_in
from quarterdeck.context.build import ContextRequest, build_context
from quarterdeck.context.manifest import Manifest, decode_manifest
from quarterdeck.context.texts import rebuild_texts
from quarterdeck.domain.events import FeedConversation
from quarterdeck.errors import NotFoundError
from quarterdeck.store.database import ReadConnection, WriteConnection
from quarterdeck.store.messages import MessageRow
from quarterdeck.store.paths import set_mark
from quarterdeck.store.people import find_preferences
from quarterdeck.store.summaries import find_summary, list_between, list_sources, mark_stale
from quarterdeck.store.turns import list_steps
from quarterdeck.views.context_documents import (
    ContextDocument,
    SourcesDocument,
    SummaryPage,
    WindowDocument,
    sources_document,
    step_document,
    summary_document,
    window_document,
)
from quarterdeck.web.dependencies import Caller, TheHouse

router = APIRouter(prefix="/api", tags=["context"])

_MOST_SUMMARIES = 500


class Mark(BaseModel):
    """`pinned`: always sent, as far as there is room. `excluded`: never. Empty: as it comes."""

    mark: Literal["", "pinned", "excluded"]


@router.get("/turns/{turn}/context")
async def get_context(
    house: TheHouse,
    caller: Caller,
    turn: str,
    texts: Annotated[bool, Query(description="With the texts themselves.")] = False,
) -> ContextDocument:
    """What the model was sent for an answer, in order: kinds, sources, tokens, cost, and digests to check it by."""

    def read(connection: ReadConnection) -> ContextDocument:
        row = access_turn(connection, caller.user, turn)
        steps = [
            step_document(
                step,
                rebuild_texts(connection, caller.user, row.conversation_id, decode_manifest(step.manifest)),
                with_texts=texts,
            )
            for step in list_steps(connection, row.id)
        ]
        return ContextDocument(turn=row.id, conversation=row.conversation_id, steps=steps)

    return await house.database.read(read)


@router.get("/conversations/{conversation}/context")
async def preview(
    house: TheHouse, caller: Caller, conversation: str, model: Annotated[str, Query(max_length=300)] = ""
) -> WindowDocument:
    """How much of the model's window is taken by what another message would be sent with."""
    default = await house.limits.default_model(caller.user)
    row = await house.database.read(lambda connection: access_conversation(connection, caller.user, conversation))
    profile = house.registry.profile_of(model or row.model or default)
    ratio = await house.calibration.ratio_of(profile.id)

    def read(connection: ReadConnection) -> Manifest:
        known = find_preferences(connection, caller.user)
        speaking = speaking_in(connection, row)
        wanted = ContextRequest(
            conversation=row.id, request=row.tip_id or "", instructions=speaking.instructions,
            assistant=built_in(speaking.assistant), profile=profile, partial=[], zone=known.time_zone,
            about=known.about, ratio=ratio,
        )  # fmt: skip
        return build_context(connection, wanted).manifest

    return window_document(await house.database.read(read))


@router.get("/conversations/{conversation}/summaries")
async def list_summaries(
    house: TheHouse,
    caller: Caller,
    conversation: str,
    first: Annotated[str, Query(max_length=60, description="The first message of a range.")] = "",
    last: Annotated[str, Query(max_length=60, description="The last one.")] = "",
) -> SummaryPage:
    """Summaries that cover anything from `first` to `last`. One counts where its last message is on the path."""

    def read(connection: ReadConnection) -> SummaryPage:
        row = access_conversation(connection, caller.user, conversation)
        found = list_between(connection, caller.user, row.id, first, last, _MOST_SUMMARIES)
        return SummaryPage(items=[summary_document(summary) for summary in found if summary.text])

    return await house.database.read(read)


@router.get("/summaries/{summary}")
async def get_summary(house: TheHouse, caller: Caller, summary: str) -> SourcesDocument:
    """One summary, also one that was replaced: as some answer was given it."""

    def read(connection: ReadConnection) -> SourcesDocument:
        row = find_summary(connection, caller.user, summary)
        if row is None:
            raise NotFoundError("There is no such summary.")
        return sources_document(row, [source.id for source in list_sources(connection, row.id)])

    return await house.database.read(read)


@router.patch("/messages/{message}/mark", status_code=204)
async def mark_message(house: TheHouse, caller: Caller, message: str, wanted: Mark) -> Response:
    """Pin a message, so that the model always sees it, or exclude it."""

    def write(connection: WriteConnection) -> MessageRow:
        row = access_message(connection, caller.user, message)
        if row.context_mark != wanted.mark:
            set_mark(connection, row.id, wanted.mark)
            if "excluded" in (row.context_mark, wanted.mark):
                mark_stale(connection, [row.id])
        return row

    row = await house.database.write(write)
    if house.role != "web":
        house.summariser.begin_rebuilding()
    house.feed.tell(caller.user, FeedConversation(row.conversation_id))
    return Response(status_code=204)
