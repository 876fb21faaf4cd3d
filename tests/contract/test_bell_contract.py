"""The bell: a hint that a turn waits, and words for every process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from tests.contract.bells import OpenTower, on_every_shared_tower, on_every_tower
from tests.harness.waiting import wait_until_async

from quarterdeck import lasting
from quarterdeck.log.bell import Bell
from quarterdeck.log.postgres_link import Notices
from quarterdeck.log.redis_channels import Subscription


class Ears:
    """What one process has heard."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.ready: list[str] = []

    async def on_ready(self, turn: str) -> None:
        self.ready.append(turn)


async def listen(bell: Bell, *, runs_turns: bool = True) -> Ears:
    ears = Ears()
    await bell.listen(ears.told.append, ears.on_ready if runs_turns else None)
    return ears


async def tell_until_heard(bell: Bell, *all_ears: Ears) -> None:
    """A process that has just begun to listen may miss a word; a ring may be lost."""

    async def is_heard() -> bool:
        await bell.tell("hello")
        return all(ears.told for ears in all_ears)

    await wait_until_async(is_heard, "everybody to hear")


@on_every_tower
async def test_what_is_told_is_heard_by_who_told_it_too(open_tower: OpenTower) -> None:
    async with open_tower() as connect:
        bell = await connect()
        ears = await listen(bell)
        await tell_until_heard(bell, ears)
        await bell.tell("stop turn-1")
        await wait_for(lambda: "stop turn-1" in ears.told)


@on_every_tower
async def test_a_ready_turn_reaches_a_worker(open_tower: OpenTower) -> None:
    async with open_tower() as connect:
        bell = await connect()
        ears = await listen(bell)
        await tell_until_heard(bell, ears)
        await bell.ready("turn-1")
        await wait_for(lambda: ears.ready == ["turn-1"])


@on_every_tower
async def test_ringing_when_nobody_listens_or_after_it_was_closed_is_no_error(open_tower: OpenTower) -> None:
    async with open_tower() as connect:
        bell = await connect()
        await bell.ready("turn-1")
        await bell.tell("providers")
        await bell.close()


@on_every_shared_tower
async def test_every_process_is_told(open_tower: OpenTower) -> None:
    async with open_tower() as connect:
        bells = [await connect() for _ in range(3)]
        ears = [await listen(bell, runs_turns=number > 0) for number, bell in enumerate(bells)]
        await tell_until_heard(bells[0], *ears)
        words = [f"stop turn-{number}" for number in range(20)]
        for number, word in enumerate(words):
            await bells[number % 3].tell(word)
        await wait_for(lambda: all(set(words) <= set(heard.told) for heard in ears))


@on_every_shared_tower
async def test_ready_turns_reach_workers_and_never_a_process_that_runs_none(open_tower: OpenTower) -> None:
    async with open_tower() as connect:
        web, *workers = [await connect() for _ in range(3)]
        web_ears = await listen(web, runs_turns=False)
        ears = [await listen(bell) for bell in workers]
        await tell_until_heard(web, web_ears, *ears)
        turns = [f"turn-{number}" for number in range(50)]
        for turn in turns:
            await web.ready(turn)
        await wait_for(lambda: {turn for heard in ears for turn in heard.ready} == set(turns))
        assert web_ears.ready == []


@on_every_shared_tower
async def test_a_worker_that_fails_to_take_a_turn_hears_of_the_next_ones(open_tower: OpenTower) -> None:
    taken: Counter[str] = Counter()

    async def stumble(turn: str) -> None:
        taken[turn] += 1
        if turn == "turn-1":
            raise ValueError("cannot")

    async with open_tower() as connect:
        bell = await connect()
        ears = Ears()
        await bell.listen(ears.told.append, stumble)
        await tell_until_heard(bell, ears)
        for turn in ("turn-1", "turn-2"):
            await bell.ready(turn)
        await wait_for(lambda: taken == {"turn-1": 1, "turn-2": 1})


@on_every_shared_tower
async def test_a_bell_is_heard_again_whatever_listening_failed_with(
    open_tower: OpenTower, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed: list[object] = []

    def stumble(kind: type[Any]) -> None:
        listen_on = kind._listen

        async def _listen(this: Any, *given: Any) -> None:
            if not failed:
                failed.append(this)
                raise ValueError("nobody thought of it")
            await listen_on(this, *given)

        monkeypatch.setattr(kind, "_listen", _listen)

    stumble(Subscription)
    stumble(Notices)
    monkeypatch.setattr(lasting, "_PAUSE_S", 0.01)
    async with open_tower() as connect:
        bell = await connect()
        await tell_until_heard(bell, await listen(bell))
        assert failed


@on_every_shared_tower
async def test_a_closed_bell_rings_nobody(open_tower: OpenTower) -> None:
    async with open_tower() as connect:
        leaving, staying = await connect(), await connect()
        gone, there = await listen(leaving), await listen(staying)
        await tell_until_heard(staying, gone, there)
        await leaving.close()
        heard = len(gone.told)
        for number in range(10):
            await staying.ready(f"turn-{number}")
            await staying.tell("providers")
        await wait_for(lambda: len(there.ready) == 10 and there.told.count("providers") == 10)
        assert gone.ready == []
        assert len(gone.told) == heard


async def wait_for(is_so: Callable[[], bool]) -> None:
    async def look() -> bool:
        return is_so()

    await wait_until_async(look, "the bell to be heard")
