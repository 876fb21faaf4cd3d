"""What Swagger UI and the collection in `docs/collection` offer to send: bodies that work on any server.

They name no id that only some servers have, and the model that every server has. And: errors are problem details.
"""

from __future__ import annotations

from typing import Any

_MODEL = "builtin/log-reader"
_QUESTION = [{"role": "user", "content": "What did I write about sails?"}]

EXAMPLES: dict[tuple[str, str], dict[str, Any]] = {
    ("post", "/chat_batch"): {"message": "Names for a cat?", "chatId": "cats", "temperature": 0.7},
    ("post", "/api/messages"): {"conversation": "cats", "text": "Names for a cat?"},
    ("post", "/api/messages/{message}/retry"): {"temperature": 0.2},
    ("post", "/api/messages/{message}/branch"): {"text": "Names for a dog?"},
    ("patch", "/api/messages/{message}"): {"text": "Names for two cats?", "version": 1},
    ("patch", "/api/messages/{message}/mark"): {"mark": "pinned"},
    ("patch", "/api/conversations/{conversation}"): {"title": "Cats", "temperature": 0.5},
    ("post", "/api/folders"): {"name": "Animals"},
    ("post", "/api/assistants"): {"name": "Sailor", "instructions": "Answer in the words of a sailor."},
    ("post", "/api/snippets"): {"name": "sails", "text": "Name three kinds of sail."},
    ("post", "/api/memories"): {"text": "I am allergic to cats.", "kind": "fact"},
    ("post", "/api/me/keys"): {"name": "scripts", "scopes": ["chat"]},
    ("post", "/v1/chat/completions"): {"model": _MODEL, "messages": _QUESTION},
    ("post", "/v1/responses"): {"model": _MODEL, "input": "What did I write about sails?"},
    ("post", "/v1/messages"): {"model": _MODEL, "max_tokens": 500, "messages": _QUESTION},
    ("post", "/v1/messages/count_tokens"): {"model": _MODEL, "messages": _QUESTION},
}
_OTHER_ERRORS = ("/v1/", "/scim/")  # as those who ask there expect them
_PROBLEM: dict[str, Any] = {
    "title": "Problem",
    "description": "An error, as RFC 9457 has it: `detail` is a sentence for the user, `code` is stable.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "code", "retryable"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "retryable": {"type": "boolean", "description": "Whether another try is worth it."},
    },
}


def complete(document: dict[str, Any]) -> dict[str, Any]:
    """An OpenAPI document with the examples, and with the errors that there are."""
    document["components"]["schemas"]["Problem"] = _PROBLEM
    for path, methods in document["paths"].items():
        for method, route in methods.items():
            body = route.get("requestBody", {}).get("content", {}).get("application/json")
            if body is not None and (method, path) in EXAMPLES:
                body["example"] = EXAMPLES[method, path]
            if not path.startswith(_OTHER_ERRORS):
                _describe_errors(route["responses"])
    return document


def _describe_errors(responses: dict[str, Any]) -> None:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    responses.pop("422", None)
    responses["default"] = {"description": "What went wrong.", "content": content}
