"""What people may be called: shown instead of their address, and told apart whatever the capitals."""

from __future__ import annotations

import re
import unicodedata

from quarterdeck.errors import InputError

MAX_NAME_CHARS = 40
_EMAIL = re.compile(r"[^@\s<>,;]{1,64}@[^@\s<>,;]{1,255}")


def check_name(name: str) -> str:
    """The name as it is kept: NFKC, blanks joined. Raises: `InputError` saying what is wrong."""
    wanted = " ".join(unicodedata.normalize("NFKC", name).split(" "))
    wanted = " ".join(part for part in wanted.split(" ") if part)
    if not wanted or len(wanted) > MAX_NAME_CHARS:
        raise InputError(f"A name has 1 to {MAX_NAME_CHARS} characters.")
    if any(unicodedata.category(char)[0] in "CZ" and char != " " for char in wanted):
        raise InputError("A name cannot hold line breaks or invisible characters.")
    if "@" in wanted:
        raise InputError("A name cannot hold an @: it would look like an address.")
    return wanted


def check_email(email: str) -> str:
    """Empty stays empty. Raises: `InputError` for what cannot be an address."""
    wanted = email.strip().lower()
    if wanted and not _EMAIL.fullmatch(wanted):
        raise InputError("This is no mail address.")
    return wanted
