"""What a turn tells its model: a step's context, and what was learnt of how the model counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
from msgspec import Struct

from quarterdeck.context.alone import AloneRequest, build_alone
from quarterdeck.context.assistants import Assistant
from quarterdeck.context.build import Context, ContextDraft, ContextRequest, read_context
from quarterdeck.context.recalled import Asked, Recollection, read_and_recollect, recollect, recollect_in
from quarterdeck.context.summarise import Talk
from quarterdeck.domain.asked import ApiRequest, decode_asked
from quarterdeck.domain.fold import FoldedTurn
from quarterdeck.domain.ids import now_ms
from quarterdeck.domain.parts import ImagePart
from quarterdeck.domain.usage import ModelProfile, Usage
from quarterdeck.store.database import ReadConnection
from quarterdeck.store.recall_waiting import Waiting
from quarterdeck.store.turn_rights import Circumstances, TurnRights, find_circumstances
from quarterdeck.store.turns import TurnRow
from quarterdeck.tools.base import ToolCaller
from quarterdeck.tools.toolbox import NOTHING
from quarterdeck.turns.rooms import Rooms

_SHRINK = 0.6  # of what was sent, when that was too long


class Counted(Struct, frozen=True):
    """What a provider has reported for a step."""

    step: int
    attempt: int
    usage: Usage

    def encode(self) -> str:
        return msgspec.json.encode(self.usage).decode()


class Briefing:
    """Of one turn in this process. `offer`: the tools that the model is told of, once they are known."""

    def __init__(self, rooms: Rooms, turn: TurnRow) -> None:
        self._rooms = rooms
        self._turn = turn
        self._rights: TurnRights | None = None
        self._now = now_ms()  # the same in all steps: what was sent stays what it was
        self._recollection: Recollection | None = None
        self.offer = NOTHING
        asked = None if turn.asked is None else decode_asked(turn.asked)
        self.alone = asked if asked is not None and asked.is_alone else None  # of an API client that says all itself
        self.wishes = asked.step if asked is not None and not asked.is_alone else None  # … that asks in a conversation
        self.caller = ToolCaller(user=turn.owner_id, conversation=turn.conversation_id, turn=turn.id, now=self._now)

    async def build(
        self, assistant: Assistant, profile: ModelProfile, so_far: FoldedTurn | None, shrink: float = 1.0
    ) -> Context:
        """For an answer that goes on after `so_far`, or begins."""
        turn = self._turn
        ratio = await self._rooms.calibration.ratio_of(profile.id)
        if self.alone is not None:
            return await self._build_alone(self.alone, profile, so_far, ratio)
        wanted = ContextRequest(
            conversation=turn.conversation_id, request=turn.request_id, instructions=turn.instructions,
            assistant=assistant, profile=profile, partial=[] if so_far is None else so_far.parts,
            open_part=None if so_far is None else so_far.open, ratio=ratio, now=self._now, shrink=shrink,
            no_summary=self._rooms.summariser.reason(turn.conversation_id), answer=turn.message_id,
        )  # fmt: skip

        def read(connection: ReadConnection) -> ContextDraft:
            found = find_circumstances(connection, turn.conversation_id)
            self._set_offer(profile, found)
            known = msgspec.structs.replace(
                wanted, zone=found.preferences.time_zone, about=found.preferences.about, tools=self.offer.specs,
                recalls=self._recalls, has_summaries=found.has_summaries, has_pins=found.has_pins,
            )  # fmt: skip
            return read_context(connection, known)

        if self._recollection is None and so_far is not None:
            draft, self._recollection = await self._read_and_recollect(read)
        else:
            draft = await self._rooms.database.glance(read, self._turn.owner_id)
        context = draft.finish(self._recollection)
        self.caller = msgspec.structs.replace(self.caller, in_context=draft.in_context)
        return context

    async def _read_and_recollect(
        self, read: Callable[[ReadConnection], ContextDraft]
    ) -> tuple[ContextDraft, Recollection | None]:
        recaller = self._rooms.recaller
        if recaller is None:
            return await self._rooms.database.glance(read, self._turn.owner_id), None

        waiting = await self._rooms.index_queue.waiting_elsewhere(self._turn.owner_id, self._turn.conversation_id)

        def recollect_too(connection: ReadConnection, draft: ContextDraft) -> Recollection | None:
            return self._why_not() or recollect_in(recaller, connection, self._asked_of(draft, waiting))

        draft, found = await read_and_recollect(self._rooms.database, read, recollect_too, self._turn.owner_id)
        return draft, found or await recollect(recaller, self._asked_of(draft, waiting))

    def _why_not(self) -> Recollection | None:
        """Where nothing is looked for."""
        return None if self._recalls else Recollection(reason="Memory is off here.")

    def _asked_of(self, draft: ContextDraft, waiting: Sequence[Waiting]) -> Asked:
        turn = self._turn
        return Asked(
            turn.owner_id, turn.conversation_id, draft.question, draft.before, draft.in_context, self._now,
            self.caller.zone, waiting,
        )  # fmt: skip

    async def _build_alone(
        self, asked: ApiRequest, profile: ModelProfile, so_far: FoldedTurn | None, ratio: float
    ) -> Context:
        wanted = AloneRequest(
            self._turn.owner_id, asked, profile, [] if so_far is None else so_far.parts,
            None if so_far is None else so_far.open, ratio,
        )  # fmt: skip
        return await self._rooms.database.glance(
            lambda connection: build_alone(connection, wanted), self._turn.owner_id
        )

    async def find_offer(self, profile: ModelProfile) -> None:
        """For calls that were asked for in another process."""
        if self.alone is not None:
            return
        conversation = self._turn.conversation_id
        self._set_offer(
            profile, await self._rooms.database.read(lambda connection: find_circumstances(connection, conversation))
        )

    @property
    def _recalls(self) -> bool:
        return self._rooms.recaller is not None and self._rights is not None and self._rights.uses_memory

    def _set_offer(self, profile: ModelProfile, found: Circumstances) -> None:
        if self._rights is not None:
            return
        self._rights = found.rights
        self.caller = msgspec.structs.replace(self.caller, zone=found.preferences.time_zone)
        if profile.can_call_tools:
            self.offer = self._rooms.toolbox.offer(self._turn.owner_id, self._rights)

    async def shorten(
        self, context: Context, assistant: Assistant, profile: ModelProfile, so_far: FoldedTurn
    ) -> Context | None:
        """After the provider has said that `context` is too long; None where nothing can be left out."""
        manifest = context.manifest
        self._rooms.calibration.note(profile.id, manifest.estimated, manifest.window if manifest.window_is_known else 0)
        shrink = _SHRINK * min(1.0, manifest.counted / max(manifest.budget, 1))
        shorter = await self.build(assistant, profile, so_far, shrink)
        return shorter if len(shorter.manifest.entries) < len(manifest.entries) else None

    def learn(self, context: Context, usage: Usage | None) -> None:
        """How many tokens the model counts. Pictures are no text, and say nothing about it."""
        if usage is None or any(type(part) is ImagePart for message in context.messages for part in message.parts):
            return
        self._rooms.calibration.note(context.manifest.model, context.manifest.estimated, usage.input_tokens)

    async def consider_summary(self, context: Context) -> None:
        """After the answer is saved: what is sent as it is may have become too long."""
        turn, summariser = self._turn, self._rooms.summariser
        if context.manifest.stale_summaries:
            summariser.begin_rebuilding()
        if await summariser.is_due(turn.model, context.unsummarised, context.summarised):
            summariser.begin(Talk(turn.owner_id, turn.conversation_id, turn.message_id, turn.model))
