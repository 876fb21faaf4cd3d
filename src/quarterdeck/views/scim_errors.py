"""Errors as SCIM tells them: RFC 7644, 3.12."""

from __future__ import annotations

MEDIA_TYPE = "application/scim+json"
_ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


def scim_refusal(status: int, sentence: str, kind: str = "") -> dict[str, object]:
    """`kind` is its `scimType`; `status` is text there."""
    document: dict[str, object] = {"schemas": [_ERROR], "status": str(status), "detail": sentence}
    return document | ({"scimType": kind} if kind else {})
