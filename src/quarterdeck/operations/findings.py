"""What an examination finds: one line each, with what to do."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

State = Literal["ok", "warn", "fail"]


class Finding(Struct, frozen=True):
    """`says` is about the installation as it is; `advice` is empty where nothing is to be done."""

    state: State
    subject: str
    says: str
    advice: str = ""


def ok(subject: str, says: str) -> Finding:
    return Finding("ok", subject, says)


def warn(subject: str, says: str, advice: str) -> Finding:
    return Finding("warn", subject, says, advice)


def fail(subject: str, says: str, advice: str) -> Finding:
    return Finding("fail", subject, says, advice)


def size_text(count: int) -> str:
    """Bytes as people read them: 17.3 MB."""
    size = float(count)
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" or size >= 100 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
