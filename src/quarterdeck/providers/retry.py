"""When a provider is asked once more, and how long to wait: before the first token only.

Nobody pays twice: `Transport.send` has raised, so no 200 was received.
"""

from __future__ import annotations

import random

from quarterdeck.providers.faults import UpstreamError

MAX_RETRIES = 2
LONGEST_WAIT_S = 20.0
FIRST_BACKOFF_S = 0.5


def seconds_before_retry(fault: UpstreamError, retries: int, backoff_s: float = FIRST_BACKOFF_S) -> float | None:
    """Seconds to wait before the next try, None to give up. `retries`: how many there were already."""
    if retries >= _retries_for(fault):
        return None
    if fault.retry_after_s is not None:
        return fault.retry_after_s if fault.retry_after_s <= LONGEST_WAIT_S else None
    return float(backoff_s * 2**retries * random.uniform(0.75, 1.25))  # nosec B311  # noqa: S311 - jitter is no secret


def _retries_for(fault: UpstreamError) -> int:
    if fault.kind in ("limit", "unreachable"):
        return MAX_RETRIES
    if fault.kind == "server":
        return 0 if fault.status == 501 else MAX_RETRIES
    # An idle connection that the other side closes just now looks like this; a second time is no chance.
    return 1 if fault.kind == "disconnected" else 0
