"""Passwords: argon2id, a few at a time in threads, so that guessing them occupies nobody else."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from importlib import import_module
from typing import Any, TypeVar

from quarterdeck.errors import InputError, OverloadedError

T = TypeVar("T")
MIN_CHARS, MAX_CHARS = 8, 256
_AT_ONCE = 2
_WAITING = 50
# Those at the top of every list of leaked passwords that are long enough.
_COMMON = frozenset(
    word
    for line in (
        "password password1 password12 password123 12345678 123456789 1234567890 0123456789 qwertyuiop qwerty123",
        "1q2w3e4r 1q2w3e4r5t 11111111 00000000 abc12345 abcd1234 iloveyou sunshine princess football baseball",
        "superman trustno1 welcome1 letmein1 passw0rd p@ssw0rd changeme administrator quarterdeck dragon123",
        "monkey123 asdfghjkl zaq12wsx 88888888 87654321 987654321 11223344 12341234 aa123456 a1234567 qazwsxedc",
    )
    for word in line.split()
)


def check_password(password: str, *names: str) -> str:
    """As it is hashed (NFKC, so that every keyboard gives the same); `names` are its owner's.

    Raises: `InputError` saying what is wrong.
    """
    wanted = unicodedata.normalize("NFKC", password)
    if len(wanted) < MIN_CHARS:
        raise InputError(f"A password has at least {MIN_CHARS} characters.")
    if len(wanted) > MAX_CHARS:
        raise InputError(f"A password has at most {MAX_CHARS} characters.")
    if wanted.casefold() in _COMMON or len(set(wanted)) < 3:
        raise InputError("This password is one of the first that anybody would try. Choose another one.")
    if wanted.casefold() in {unicodedata.normalize("NFKC", name).casefold() for name in names}:
        raise InputError("The password is the name or the address. Choose another one.")
    return wanted


class Passwords:
    """`hash` and `matches` run at most two at a time; beyond a short line they are refused."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="password")
        self._waiting = 0

    async def hash(self, password: str) -> str:
        """Raises: `OverloadedError`."""
        return await self._run(lambda: str(self._hasher.hash(password)))

    async def matches(self, password_hash: str | None, password: str) -> bool:
        """Takes as long for somebody who is not there (None) as for a wrong password. Raises: `OverloadedError`."""
        wanted = unicodedata.normalize("NFKC", password)[: MAX_CHARS + 1]
        return await self._run(lambda: self._verify(password_hash, wanted))

    def is_dated(self, password_hash: str) -> bool:
        """Whether it was made with less care than is usual now."""
        return bool(self._hasher.check_needs_rehash(password_hash))

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    @cached_property
    def _hasher(self) -> Any:
        # Loaded at the first sign-in: who only answers need not wait for it at start.
        return import_module("argon2").PasswordHasher(time_cost=2, memory_cost=32 * 1024, parallelism=1)

    @cached_property
    def _nobodys(self) -> str:
        return str(self._hasher.hash("the password of nobody"))

    def _verify(self, password_hash: str | None, password: str) -> bool:
        try:
            self._hasher.verify(password_hash or self._nobodys, password)
        except import_module("argon2.exceptions").Argon2Error:
            return False
        except import_module("argon2.exceptions").InvalidHashError:
            return False
        return password_hash is not None

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= _WAITING:
            raise OverloadedError("Many people are signing in just now. Try again in a moment.", retry_after_s=2)
        self._waiting += 1
        made = asyncio.get_running_loop().run_in_executor(self._threads, work)
        made.add_done_callback(self._leave)
        return await made

    def _leave(self, _made: object) -> None:
        self._waiting -= 1
