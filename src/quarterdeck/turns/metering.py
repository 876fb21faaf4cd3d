"""What the requests of one turn use: reserved before they are made, written down with the answer.

A step opens the meter and closes it. Whoever takes a turn over settles first what the earlier workers asked for: by
what the provider reported, else by the log, which has what was received.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from msgspec import Struct, structs

from quarterdeck.accounts.limits import FREE
from quarterdeck.accounts.spending import Call, Spending, entry_of, estimate_use
from quarterdeck.context.build import Context
from quarterdeck.domain.fold import FoldedTurn
from quarterdeck.domain.ids import new_id
from quarterdeck.domain.tokens import bound_parts, bound_tools, estimate_output
from quarterdeck.domain.usage import ModelProfile, Usage
from quarterdeck.store.database import Database, WriteConnection
from quarterdeck.store.turns import TurnRow
from quarterdeck.store.usage import Spent, UsageEntry, list_entries_of_turn, record_spent
from quarterdeck.turns.briefing import Counted
from quarterdeck.turns.notes import Note, keep_notes
from quarterdeck.turns.patience import keep_trying


class _Open(Struct, frozen=True):
    """A step being made: what the answer was before it, and what it was sent as estimated."""

    call: Call
    reserved: UsageEntry | None
    before: FoldedTurn
    input_tokens: int


class Meter:
    """Of one turn in this process. `close` says what is to be written down with the turn's end."""

    def __init__(self, database: Database, spending: Spending, turn: TurnRow) -> None:
        self._database = database
        self._spending = spending
        self._turn = turn
        self._open: _Open | None = None

    def must_look(self, so_far: FoldedTurn) -> bool:
        """Whether an earlier worker may have asked or reserved anything."""
        return bool(so_far.attempts) or self._spending.may_be_budgeted(self._turn.owner_id, self._turn.model)

    async def open(
        self, profile: ModelProfile, context: Context, so_far: FoldedTurn, *, step: int = 1, attempt: int = 1
    ) -> int | None:
        """Reserves the most that a step can use. The output tokens to ask for at most; None: as the provider likes.

        Raises: `OverBudgetError`, `StorageError`.
        """
        if profile.id.startswith(FREE):
            return None
        call = Call(
            user=self._turn.owner_id, profile=profile, input_tokens=0, turn=self._turn.id, step=step, attempt=attempt
        )
        tries = 0

        async def reserve() -> UsageEntry | None:
            nonlocal tries, call
            tries += 1
            if not self._spending.may_be_budgeted(call.user, profile.id):
                return None
            # Only now: it takes a look at all that is sent, which is for nothing where no budget applies.
            call = structs.replace(call, input_tokens=_bound(context, profile))
            return await self._spending.reserve(call, is_again=tries > 1)

        reserved = await keep_trying(reserve)
        self._open = _Open(call, reserved, so_far, context.manifest.counted)
        return None if reserved is None else reserved.output_tokens

    async def settle(self, folded: FoldedTurn, first_token_ms: int | None, notes: list[Note]) -> None:
        """Writes down what the open step has used and was sent, when the turn goes on after it.

        Raises: `StorageError`.
        """
        counted, spent = (
            self.counted(folded),
            self.close(folded, has_asked=True, code="", first_token_ms=first_token_ms),
        )
        self._open = None

        def write(connection: WriteConnection) -> None:
            keep_notes(connection, self._turn, notes, counted)
            record_spent(connection, spent)

        if spent or notes or counted is not None:
            await keep_trying(lambda: self._database.write(write))

    def counted(self, folded: FoldedTurn) -> Counted | None:
        """What the provider has reported for the open step by now."""
        step = self._open
        usage = None if step is None else reported_since(step.before, folded)
        return None if step is None or usage is None else Counted(step.call.step, step.call.attempt, usage)

    def close(self, folded: FoldedTurn, *, has_asked: bool, code: str, first_token_ms: int | None) -> list[Spent]:
        """What the open step has used by now; asked again, it says the same. `code` is of the error it ended with.

        A step that was never asked for gives back what was reserved.
        """
        step = self._open
        if step is None:
            return []
        if not has_asked:
            return [] if step.reserved is None else [Spent(entry_of(step.call, Usage()), step.reserved)]
        usage = reported_since(step.before, folded)
        if usage is None:
            received = estimate_output(folded.parts) - estimate_output(step.before.parts)
            usage = estimate_use(step.input_tokens, max(received, 0), code)
            if usage == Usage() and step.reserved is None:
                return []
        return [Spent(entry_of(step.call, usage, first_token_ms), step.reserved)]

    async def settle_earlier(
        self, profile: ModelProfile, so_far: FoldedTurn, estimate_input: Callable[[], Awaitable[int]]
    ) -> None:
        """Writes down what the earlier attempts of the turn's last step used, as far as nobody has yet.

        The last of them has written what the log holds; of those before it, only what they were sent is certain. The
        steps before were settled before it began. Raises: `StorageError`.
        """
        if profile.id.startswith(FREE):
            return
        known = await keep_trying(
            lambda: self._database.read(lambda connection: list_entries_of_turn(connection, self._turn.id))
        )
        step = max(so_far.steps, 1)
        open_ones = {entry.attempt: entry for entry in known if entry.settled_at is None and entry.step == step}
        settled = [entry for entry in known if entry.settled_at is not None and entry.tokens]
        counted = {entry.attempt for entry in settled if entry.step == step}
        written = sum(entry.output_tokens for entry in settled)
        last = so_far.attempt_usage
        reported = last if last.input_tokens or last.output_tokens else None
        spent: list[Spent] = []
        for attempt in range(1, so_far.attempts + 1):
            if attempt in counted:
                continue
            is_last = attempt == so_far.attempts
            if is_last and reported is not None:
                usage = reported
            else:
                received = max(estimate_output(so_far.parts) - written, 0) if is_last else 0
                usage = Usage(await estimate_input(), received)
            spent.append(self._earlier(profile, step, attempt, usage, open_ones.pop(attempt, None)))
        spent += [self._earlier(profile, step, attempt, Usage(), entry) for attempt, entry in open_ones.items()]
        if spent:
            await keep_trying(lambda: self._spending.settle(spent))

    def _earlier(
        self, profile: ModelProfile, step: int, attempt: int, usage: Usage, reserved: UsageEntry | None
    ) -> Spent:
        turn = self._turn
        known, at = (new_id(), turn.created_at) if reserved is None else (reserved.id, reserved.created_at)
        call = Call(
            user=turn.owner_id, profile=profile, input_tokens=0, turn=turn.id, step=step, attempt=attempt, id=known,
            at=at,
        )  # fmt: skip
        return Spent(entry_of(call, usage), reserved)


def _bound(context: Context, profile: ModelProfile) -> int:
    """The most tokens that what is sent can be."""
    bound = sum(bound_parts(message.parts) for message in context.messages) + bound_tools(context.tools)
    return min(bound, profile.context_window or bound)


def reported_since(before: FoldedTurn, after: FoldedTurn) -> Usage | None:
    """What the provider has reported between the two; None when it has said nothing."""
    cost = None if after.usage.cost is None else after.usage.cost - (before.usage.cost or 0.0)
    usage = Usage(
        after.usage.input_tokens - before.usage.input_tokens,
        after.usage.output_tokens - before.usage.output_tokens,
        after.usage.cached_tokens - before.usage.cached_tokens,
        after.usage.reasoning_tokens - before.usage.reasoning_tokens,
        cost,
    )
    return usage if usage.input_tokens > 0 or usage.output_tokens > 0 else None
