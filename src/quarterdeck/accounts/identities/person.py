"""What another place has proven about who is there."""

from __future__ import annotations

from typing import ClassVar, Literal

from msgspec import Struct

from quarterdeck.errors import ForbiddenError

Reason = Literal[
    "state",
    "refused",
    "unproven",
    "not_invited",
    "domain",
    "unverified",
    "already_linked",
    "provider_down",
    "suspended",
]


class Person(Struct, frozen=True):
    """Found by `issuer` and `subject` alone. All else is for people to read, and for the rules of signing up.

    `realms`: what a rule by domain may match: the domain of an address that the issuer has verified and answers
    for, or the id of the directory.
    """

    issuer: str
    subject: str
    label: str = ""  # what they are called there: an address, a login
    name: str = ""
    email: str = ""  # to write to
    realms: frozenset[str] = frozenset()


class SignInRefusedError(ForbiddenError):
    """Signing in elsewhere did not lead to an account; `reason` is what the sign-in page is told."""

    code: ClassVar[str] = "sign_in_refused"

    def __init__(self, message: str, reason: Reason = "refused", *, detail: str = "") -> None:
        super().__init__(message, detail=detail)
        self.reason: Reason = reason


def domain_of(email: str) -> str:
    """Lower-case, empty when it is no address."""
    local, at, domain = email.rpartition("@")
    return domain.strip().lower() if local and at else ""
