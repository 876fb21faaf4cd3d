"""What a writer is told whose entries are not the next ones; the same on every backend."""

from __future__ import annotations

from quarterdeck.errors import LogLostError, StaleWriterError


def refusal(name: str, seq: int, *, is_there: bool) -> StaleWriterError:
    """For an append at `seq` to a log that ends elsewhere or is finished (`is_there`), or is not there at all."""
    detail = f"{name}: seq {seq}"
    if is_there:
        return StaleWriterError("Another writer has taken this answer over.", detail=detail)
    return LogLostError("This answer's log is no longer there.", detail=detail)
