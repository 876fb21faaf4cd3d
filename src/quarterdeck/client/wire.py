"""Between calls and httpx: addresses, headers, answers decoded, errors made of what went wrong."""

from __future__ import annotations

from typing import Any, TypeVar, cast

import httpx2
import msgspec

from quarterdeck.client.answers import SILENCE_S
from quarterdeck.client.calls import Call
from quarterdeck.client.errors import BadInputError, ClientError, ServerError, UnreachableError, error_of

T = TypeVar("T")

DEFAULT_URL = "http://127.0.0.1:8000"
PATIENCE_S = 60.0
_TIMEOUT = httpx2.Timeout(SILENCE_S, connect=10.0)
BROKEN = (httpx2.TransportError, httpx2.StreamError)


def options_of(url: str, key: str) -> dict[str, Any]:
    """For `httpx2.Client` and its asynchronous twin. Raises: `BadInputError`."""
    try:
        address = httpx2.URL(url.rstrip("/"))
    except (httpx2.InvalidURL, TypeError):
        address = httpx2.URL("")
    if address.scheme not in ("http", "https") or not address.host:
        raise BadInputError(f"{url!r} is not the address of a server: it begins with http:// or https://.")
    headers = {"user-agent": "quarterdeck-client", "accept": "application/json"}
    if key:
        if not key.isascii() or not key.isprintable() or " " in key:
            raise BadInputError("The key has characters that no key has.")
        headers["authorization"] = f"Bearer {key}"
    # without TLS nobody is verified, and reading the machine's certificates takes longer than most requests
    return {"base_url": address, "headers": headers, "timeout": _TIMEOUT, "verify": address.scheme == "https"}


def request_of(call: Call[Any]) -> dict[str, Any]:
    """For `request()`."""
    found: dict[str, Any] = {"method": call.method, "url": call.path, "params": _plain(call.query) or None}
    if call.json is not None:
        found["content"] = msgspec.json.encode(call.json)
        found["headers"] = {"content-type": "application/json"}
    elif call.content is not None:
        found["content"] = call.content
    return found


def answer_of(call: Call[T], response: httpx2.Response) -> T:
    """Raises: `ClientError`."""
    if response.status_code >= 300:
        raise error_in(response)
    if call.answer is None:
        return cast("T", None)
    if call.answer is bytes:
        return cast("T", response.content)
    try:
        return cast("T", msgspec.json.decode(response.content, type=call.answer))
    except msgspec.DecodeError:
        raise ServerError(
            "What answers at this address is no Quarterdeck server, or one of another time.", code="unexpected_answer"
        ) from None


def error_in(response: httpx2.Response) -> ClientError:
    """Of a response that was read."""
    return error_of(response.status_code, response.content, response.headers.get("retry-after", ""))


def broken_off(error: Exception, base_url: httpx2.URL) -> UnreachableError:
    if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
        return UnreachableError(f"No server answers at {base_url}.")
    return UnreachableError(f"The connection to {base_url} broke off.")


def _plain(query: dict[str, Any]) -> dict[str, Any]:
    """As the server reads them: `since` and `until` are its `from` and `to`, words that Python keeps."""
    names = {"since": "from", "until": "to"}
    return {names.get(name, name): _word(value) for name, value in query.items()}


def _word(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value
