"""SCIM's words: what a directory says of a person (RFC 7643), its changes (RFC 7644 3.5.2) and its filters.

Okta sends `{"op": "replace", "value": {"active": false}}`, Entra `{"op": "Replace", "path": "active", "value":
"False"}` and keys that are paths. Both are read; attributes that are not kept here are passed over.
"""

from __future__ import annotations

import re
from typing import Any, Literal

import msgspec
from msgspec import Struct

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
MAX_OPERATIONS = 100
_MAX_CHARS = 320
_FILTER = re.compile(r'\s*([A-Za-z.]+)\s+eq\s+"((?:[^"\\]|\\["\\])*)"\s*', re.IGNORECASE)
_PATH = re.compile(r"(?:urn:[A-Za-z0-9:._-]+:)?([A-Za-z]+)(?:\[[^\]]{0,200}\])?(?:\.([A-Za-z]+))?")


class ScimError(ValueError):
    """`kind` is SCIM's `scimType`."""

    def __init__(
        self, message: str, kind: Literal["invalidValue", "invalidFilter", "invalidPath", "invalidSyntax"]
    ) -> None:
        super().__init__(message)
        self.message = message
        self.kind = kind


class Described(Struct, frozen=True):
    """A person as a directory describes them; None: it does not say."""

    user_name: str | None = None
    external_id: str | None = None
    display_name: str | None = None
    formatted: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    email: str | None = None
    is_active: bool | None = None

    @property
    def shown_name(self) -> str | None:
        """What they are to be called here, if anything is said about it."""
        whole = " ".join(part for part in (self.given_name, self.family_name) if part)
        return self.display_name or self.formatted or whole or None


class Filter(Struct, frozen=True):
    attribute: Literal["username", "externalid", "id"]
    value: str


def read_user(document: Any) -> Described:
    """Raises: `ScimError`."""
    if not isinstance(document, dict):
        raise ScimError("A user is a JSON object.", "invalidSyntax")
    found: dict[str, Any] = {}
    for name, value in document.items():
        _put(found, str(name), value)
    return Described(**found)


def read_patch(document: Any) -> Described:
    """All operations, one after the other. Raises: `ScimError`."""
    operations = _member(document, "operations")
    if not isinstance(operations, list) or not 1 <= len(operations) <= MAX_OPERATIONS:
        raise ScimError("A patch has a list of Operations.", "invalidSyntax")
    found: dict[str, Any] = {}
    for operation in operations:
        word, path, value = (_member(operation, name) for name in ("op", "path", "value"))
        word = str(word).lower()
        if word not in ("add", "replace", "remove"):
            raise ScimError("An operation is add, replace or remove.", "invalidSyntax")
        _apply(found, word, path, value)
    return Described(**found)


def read_filter(text: str) -> Filter:
    """Raises: `ScimError`."""
    match = _FILTER.fullmatch(text[:1000])
    name = match[1].lower() if match else ""
    if match is None or name not in ("username", "externalid", "id"):
        raise ScimError("A filter is userName, externalId or id, eq, and a value in quotes.", "invalidFilter")
    value = re.sub(r'\\(["\\])', r"\1", match[2])
    return msgspec.convert({"attribute": name, "value": value}, Filter)


def _apply(found: dict[str, Any], word: str, path: Any, value: Any) -> None:
    if path is None:
        if not isinstance(value, dict) or word == "remove":
            raise ScimError("Without a path, the value of an operation is an object.", "invalidSyntax")
        for name, part in value.items():
            _put(found, str(name), part)
    elif not isinstance(path, str):
        raise ScimError("A path is text.", "invalidPath")
    else:
        _put(found, path, _nothing(path) if word == "remove" else value)


def _nothing(path: str) -> Any:
    """What an attribute is when it was removed."""
    return False if path.lower() == "active" else ""


def _put(found: dict[str, Any], path: str, value: Any) -> None:
    """Raises: `ScimError` for a path that is none, or a value that does not fit."""
    match = _PATH.fullmatch(path)
    if match is None:
        if ":" in path or "$" in path:
            return  # an extension's name, as a key of the user
        raise ScimError(f"The path {path[:80]!r} cannot be read.", "invalidPath")
    attribute, part = match[1].lower(), (match[2] or "").lower()
    plain = {"username": "user_name", "externalid": "external_id", "displayname": "display_name"}
    names = {"formatted": "formatted", "givenname": "given_name", "familyname": "family_name"}
    if attribute in plain and not part:
        found[plain[attribute]] = _text(attribute, value)
    elif attribute == "active":
        found["is_active"] = _truth(value)
    elif attribute == "name" and part in names:
        found[names[part]] = _text(part, value)
    elif attribute == "name" and isinstance(value, dict):
        for name, inner in value.items():
            if str(name).lower() in names:
                found[names[str(name).lower()]] = _text(str(name), inner)
    elif attribute == "emails":
        found["email"] = _text("emails", value) if isinstance(value, str) else _primary(value)


def _primary(value: Any) -> str:
    """The primary address, else the first."""
    listed = [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
    listed = [value] if isinstance(value, dict) else listed
    best = next((entry for entry in listed if _is_true(_member(entry, "primary"))), listed[0] if listed else None)
    return "" if best is None else _text("emails", _member(best, "value"))


def _text(name: str, value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > _MAX_CHARS or not value.isprintable():
        raise ScimError(f"{name} is text of at most {_MAX_CHARS} characters.", "invalidValue")
    return value.strip()


def _truth(value: Any) -> bool:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, dict):
        value = _member(value, "value")
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise ScimError("active is true or false.", "invalidValue")


def _is_true(value: Any) -> bool:
    return value is True or (isinstance(value, str) and value.lower() == "true")


def _member(document: Any, name: str) -> Any:
    """Whatever the capitals: SCIM's names are compared without them."""
    if not isinstance(document, dict):
        raise ScimError("Where an object must be, something else is.", "invalidSyntax")
    return next((value for key, value in document.items() if str(key).lower() == name), None)
