"""Back-off: who tries passwords waits ever longer, and nobody is locked out for good.

An attempt is counted before the password is looked at, so that many at once are counted, too. Three counts:
of a name from one address (a guesser), of an address (one who tries many names), and of a name from anywhere,
which grows slowly and blocks briefly, so that strangers cannot keep its owner out.
"""

from __future__ import annotations

from msgspec import Struct

from quarterdeck.accounts.households import household
from quarterdeck.errors import TooManyAttemptsError
from quarterdeck.store.attempts import AttemptsRow, attempts_key, forget_attempts, read_attempts, write_attempts
from quarterdeck.store.clock import database_now_ms
from quarterdeck.store.database import WriteConnection
from quarterdeck.store.locks import lock_attempts
from quarterdeck.store.users import name_key

_FORGET_MS = 3600 * 1000


class Limit(Struct, frozen=True):
    """`free` attempts without waiting; then one second, doubled each time, up to `longest_s`."""

    kind: str
    free: int
    longest_s: int


_PAIR = Limit("pair", 5, 900)
_ADDRESS = Limit("address", 20, 900)
_NAME = Limit("name", 50, 30)
_MAIL = Limit("mail", 3, 3600)
_GUESTS = Limit("guests", 30, 3600)


def begin_attempt(connection: WriteConnection, name: str, address: str) -> None:
    """Count an attempt to sign in. Raises: `TooManyAttemptsError` with the time to wait; then it is not counted."""
    counts = _counts(name, address)
    for limit, key in counts:
        lock_attempts(connection, key)
        _refuse_blocked(connection, limit, key)
    for limit, key in counts:
        _count(connection, limit, key)


def take_back(connection: WriteConnection, name: str, address: str) -> None:
    """What `begin_attempt` counted was none: nobody had the time to look at it, or it was right."""
    for _, key in _counts(name, address):
        lock_attempts(connection, key)
        before = read_attempts(connection, key)
        write_attempts(connection, key, AttemptsRow(max(0, before.failures - 1), before.failed_at, 0))


def succeed(connection: WriteConnection, name: str, address: str) -> None:
    """The password was right: that name is free again from there."""
    take_back(connection, name, address)
    forget_attempts(connection, _pair(name, address), _name(name))


def count_mail(connection: WriteConnection, user: str) -> None:
    """Mail is sent to an account only so often. Raises: `TooManyAttemptsError`."""
    _count_once(connection, _MAIL, attempts_key("mail", user))


def count_mail_from(connection: WriteConnection, address: str) -> None:
    """Mail is asked for from one address only so often. Raises: `TooManyAttemptsError`."""
    _count_once(connection, _ADDRESS, attempts_key("mail-from", household(address)))


def count_guest(connection: WriteConnection, address: str) -> None:
    """Guests from one address. Raises: `TooManyAttemptsError`."""
    _count_once(connection, _GUESTS, attempts_key("guest", household(address)))


def _counts(name: str, address: str) -> list[tuple[Limit, str]]:
    """In one order, so that no two attempts wait for each other."""
    return [(_PAIR, _pair(name, address)), (_ADDRESS, _address(address)), (_NAME, _name(name))]


def _count_once(connection: WriteConnection, limit: Limit, key: str) -> None:
    lock_attempts(connection, key)
    _refuse_blocked(connection, limit, key)
    _count(connection, limit, key)


def _pair(name: str, address: str) -> str:
    return attempts_key("pair", name_key(name), household(address))


def _address(address: str) -> str:
    return attempts_key("address", household(address))


def _name(name: str) -> str:
    return attempts_key("name", name_key(name))


def _refuse_blocked(connection: WriteConnection, limit: Limit, key: str) -> None:
    """Nobody waits for longer than `limit` says: more than that is left only when a clock was set back."""
    left_ms = read_attempts(connection, key).blocked_until - database_now_ms(connection)
    if 0 < left_ms <= 1000 * limit.longest_s:
        wait_s = -(-left_ms // 1000)
        raise TooManyAttemptsError(f"Too many attempts. Try again in {_in_words(wait_s)}.", retry_after_s=wait_s)


def _count(connection: WriteConnection, limit: Limit, key: str) -> None:
    now = database_now_ms(connection)
    before = read_attempts(connection, key)
    failures = 1 if abs(now - before.failed_at) > _FORGET_MS else before.failures + 1
    over = failures - limit.free
    wait_s = 0 if over < 0 else min(2 ** min(over, 20), limit.longest_s)
    write_attempts(connection, key, AttemptsRow(failures, now, now + 1000 * wait_s))


def _in_words(seconds: int) -> str:
    if seconds < 90:
        return f"{seconds} second{'s' if seconds != 1 else ''}"
    return f"{-(-seconds // 60)} minutes"
