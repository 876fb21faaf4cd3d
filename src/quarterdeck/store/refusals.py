"""Why a file could not be written or read, in words for who runs the server."""

from __future__ import annotations

import errno

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_CAUSES = {  # of SQLite's own words
    "disk is full": "the disk is full",
    "disk I/O": "the disk is full",  # that is how it fails where the journal cannot grow
    "readonly database": "the database's file may not be written",
    "unable to open": "the database's file may not be opened",
}


def cause_of(error: BaseException) -> str:
    """`the disk is full`; empty where nothing more is known."""
    if isinstance(error, OSError):
        return "the disk is full" if error.errno in _FULL else error.strerror or ""
    text = str(error)
    return next((cause for words, cause in _CAUSES.items() if words in text), "")


def is_full(error: BaseException) -> bool:
    return cause_of(error) == "the disk is full"
