"""What SCIM's three pages about the server itself say (RFC 7643 5 to 7)."""

from __future__ import annotations

from typing import Any

from quarterdeck.accounts.identities.scim import USER

_CONFIG = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
_TYPE = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Schema"

SERVICE: dict[str, Any] = {
    "schemas": [_CONFIG],
    "patch": {"supported": True},
    "bulk": {"supported": False, "maxOperations": 0, "maxPayloadSize": 0},
    "filter": {"supported": True, "maxResults": 200},
    "changePassword": {"supported": False},
    "sort": {"supported": False},
    "etag": {"supported": False},
    "authenticationSchemes": [
        {
            "type": "oauthbearertoken",
            "name": "Bearer token",
            "description": "QUARTERDECK_SCIM_TOKEN, or an admin's API key with the scope scim",
            "primary": True,
        }
    ],
}

RESOURCE_TYPES: list[dict[str, Any]] = [
    {"schemas": [_TYPE], "id": "User", "name": "User", "endpoint": "/Users", "schema": USER, "description": "Accounts"}
]


def _attribute(name: str, kind: str = "string", **more: Any) -> dict[str, Any]:
    usual = {
        "name": name, "type": kind, "multiValued": False, "required": False, "caseExact": False,
        "mutability": "readWrite", "returned": "default", "uniqueness": "none",
    }  # fmt: skip
    return usual | more


SCHEMAS: list[dict[str, Any]] = [
    {
        "schemas": [_SCHEMA],
        "id": USER,
        "name": "User",
        "description": "An account",
        "attributes": [
            _attribute("userName", required=True, uniqueness="server"),
            _attribute("externalId", caseExact=True),
            _attribute("displayName"),
            _attribute("active", "boolean"),
            _attribute(
                "name",
                "complex",
                subAttributes=[_attribute(name) for name in ("formatted", "givenName", "familyName")],
            ),
            _attribute(
                "emails",
                "complex",
                multiValued=True,
                subAttributes=[_attribute("value"), _attribute("type"), _attribute("primary", "boolean")],
            ),
        ],
    }
]
