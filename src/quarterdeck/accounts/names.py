"""What people may be called: shown instead of their address, and told apart whatever the capitals."""

from __future__ import annotations

import re
import unicodedata

from quarterdeck.errors import InputError

MAX_NAME_CHARS = 40
_BLANK_LETTERS = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5")  # they show nothing
_EMAIL = re.compile(r"[^@\s<>,;]{1,64}@[^@\s<>,;]{1,255}")


def check_name(name: str) -> str:
    """The name as it is kept: NFKC, blanks joined. Raises: `InputError` saying what is wrong."""
    wanted = " ".join(part for part in unicodedata.normalize("NFKC", name).split(" ") if part)
    if not wanted or len(wanted) > MAX_NAME_CHARS:
        raise InputError(f"A name has 1 to {MAX_NAME_CHARS} characters.")
    if any(_is_invisible(char) for char in wanted):
        raise InputError("A name cannot hold line breaks or invisible characters.")
    if not any(map(str.isalnum, wanted)):
        raise InputError("A name has at least one letter or digit.")
    if "@" in wanted:
        raise InputError("A name cannot hold an @: it would look like an address.")
    return wanted


def check_email(email: str) -> str:
    """Empty stays empty. Raises: `InputError` for what cannot be an address."""
    wanted = email.strip().lower()
    if wanted and not _EMAIL.fullmatch(wanted):
        raise InputError("This is no mail address.")
    return wanted


def _is_invisible(char: str) -> bool:
    """Control characters, blanks that only look like one, letters and marks that show nothing."""
    is_selector = "\ufe00" <= char <= "\ufe0f" or "\u180b" <= char <= "\u180f" or "\U000e0100" <= char <= "\U000e01ef"
    is_hidden = unicodedata.category(char)[0] in "CZ" and char != " "
    return is_hidden or is_selector or char in _BLANK_LETTERS
