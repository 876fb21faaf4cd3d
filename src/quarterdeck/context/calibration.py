"""From estimated to counted tokens: what each model has reported, smoothed and bounded.

Kept in memory and written down now and then, so that an answer costs no row that all answers of a model would wait for.
What a provider reports is not trusted: a count that no vocabulary gives is left out, and none moves the ratio far.
"""

from __future__ import annotations

import asyncio
import time

from quarterdeck.diagnostics import get_logger
from quarterdeck.errors import QuarterdeckError
from quarterdeck.store.database import Database
from quarterdeck.store.token_ratios import Ratio, list_ratios, save_ratio

logger = get_logger("quarterdeck.context")

LEAST, MOST = 0.6, 3.0  # what is ever used
_CREDIBLE = (0.3, 5.0)  # what a report may say; anything else is an error of whoever reports
_LEAST_TOKENS = 300  # of fewer, a template's own tokens say more than the text's
_LEAST_WEIGHT = 0.1
_READ_EVERY_S = 60.0
_WRITE_EVERY_S = 20.0
_MAX_MODELS = 1_000


def smooth(known: Ratio, estimated: int, reported: int) -> Ratio:
    """The ratio after another report; unchanged by one that cannot be."""
    if estimated < _LEAST_TOKENS:
        return known
    said = reported / estimated
    if not _CREDIBLE[0] <= said <= _CREDIBLE[1]:
        return known
    weight = max(1 / (known.samples + 2), _LEAST_WEIGHT)  # the first report does not outweigh the estimate
    ratio = known.ratio + weight * (said - known.ratio)
    return Ratio(min(max(ratio, LEAST), MOST), min(known.samples + 1, 1_000_000))


class Calibration:
    """One per process. Ratios are read before they are first asked for, and then now and then."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, Ratio] = {}
        self._written_at: dict[str, float] = {}
        self._read_at: float | None = None
        self._writing: set[asyncio.Task[None]] = set()

    async def ratio_of(self, model: str) -> float:
        """Tokens of `model` for one estimated; 1 where nobody has reported."""
        now = time.monotonic()
        if self._read_at is None or now > self._read_at + _READ_EVERY_S:
            self._read_at = now
            await self._read()
        known = self._known.get(model)
        return 1.0 if known is None else min(max(known.ratio, LEAST), MOST)

    def note(self, model: str, estimated: int, reported: int) -> None:
        """What a provider has counted for a request that was estimated; written down beside what goes on."""
        known = self._known.get(model, Ratio())
        fresh = smooth(known, estimated, reported)
        if fresh == known or (model not in self._known and len(self._known) >= _MAX_MODELS):
            return
        self._known[model] = fresh
        now = time.monotonic()
        if now < self._written_at.get(model, -_WRITE_EVERY_S) + _WRITE_EVERY_S:
            return
        self._written_at[model] = now
        task = asyncio.create_task(self._write(model, fresh))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _write(self, model: str, ratio: Ratio) -> None:
        try:
            await self._database.write(lambda connection: save_ratio(connection, model, ratio))
        except QuarterdeckError as error:  # an estimate is worth less than an answer
            logger.warning("ratio_not_saved", model=model, reason=error.message, detail=error.detail)

    async def _read(self) -> None:
        try:
            stored = await self._database.read(list_ratios)
        except QuarterdeckError as error:
            logger.warning("ratios_not_read", reason=error.message, detail=error.detail)
            return
        for model, ratio in stored.items():
            if ratio.samples >= self._known.get(model, Ratio()).samples:
                self._known[model] = ratio
