"""Whom and what rules and budgets are about: subjects (`all`, `role:member`, `user:<id>`) and patterns of names."""

from __future__ import annotations

from msgspec import Struct

from quarterdeck.errors import InputError

ROLES = ("owner", "admin", "member", "guest")
MAX_PATTERN_CHARS = 200
_EXACT = 1_000_000  # heavier than any pattern


class Who(Struct, frozen=True):
    """Somebody, as rules and budgets see them."""

    user: str
    role: str


def rank_of(subject: str, who: Who) -> int:
    """How specific `subject` is about `who`: 3 for their own name, 2 for their role, 1 for all, 0 for others."""
    return {"all": 1, f"role:{who.role}": 2, f"user:{who.user}": 3}.get(subject, 0)


def may_concern(subject: str, user: str) -> bool:
    """False when `subject` is certainly about others, whatever the role of `user`."""
    return not subject.startswith("user:") or subject == f"user:{user}"


def is_match(pattern: str, name: str) -> bool:
    """`*` stands for anything, all else for itself. Takes no longer than the name is long, whatever the pattern."""
    first, *middle = pattern.split("*")
    if not middle:
        return first == name
    last = middle.pop()
    if len(name) < len(first) + len(last) or not name.startswith(first) or not name.endswith(last):
        return False
    at, end = len(first), len(name) - len(last)
    for piece in middle:  # the first place that fits leaves the most for the others
        at = name.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return True


def weight_of(pattern: str) -> int:
    """How specific a pattern is: by the characters it names; one without `*` outweighs all others."""
    return _EXACT if "*" not in pattern else len(pattern) - pattern.count("*")


def check_subject(subject: str) -> str:
    """`user:<id>` for a user is checked by whoever can look them up. Raises: `InputError`."""
    kind, _, name = subject.partition(":")
    if subject != "all" and not (kind == "user" and name) and not (kind == "role" and name in ROLES):
        raise InputError("The subject must be `all`, `role:` with a role, or `user:` with a user's id.")
    return subject


def check_pattern(pattern: str) -> str:
    """Raises: `InputError`."""
    if not 0 < len(pattern) <= MAX_PATTERN_CHARS or not pattern.isprintable() or pattern != pattern.strip():
        raise InputError(f"The pattern must be a name or part of one with `*`, of 1 to {MAX_PATTERN_CHARS} characters.")
    return pattern
