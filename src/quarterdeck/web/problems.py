"""Errors over HTTP: RFC 9457 problem details with a stable `code`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from quarterdeck.diagnostics import get_logger
from quarterdeck.errors import OverloadedError, QuarterdeckError, as_quarterdeck_error
from quarterdeck.late import Late
from quarterdeck.views.anthropic_errors import anthropic_refusal
from quarterdeck.views.openai_errors import openai_refusal
from quarterdeck.views.scim_errors import MEDIA_TYPE as SCIM_MEDIA_TYPE
from quarterdeck.views.scim_errors import scim_refusal

if TYPE_CHECKING:
    from quarterdeck.web import shared_page
else:
    shared_page = Late("quarterdeck.web.shared_page")

logger = get_logger("quarterdeck.web")

_TITLES = {
    400: "Bad request", 401: "Not signed in", 402: "Over budget", 403: "Forbidden", 404: "Not found",
    405: "Method not allowed", 409: "Conflict", 410: "Gone", 413: "Too large", 421: "Misdirected",
    422: "Cannot be used", 429: "Too many", 500: "Internal error", 502: "The provider failed", 503: "Unavailable",
    504: "Timed out",
}  # fmt: skip
_CODES = {400: "bad_request", 404: "not_found", 405: "method_not_allowed", 413: "too_large"}
_SCIM = "/scim/v2/"
_BELOW_V1 = (
    "/chat/completions", "/responses", "/conversations", "/models", "/embeddings", "/audio/", "/images/", "/messages",
)  # fmt: skip


def problem(
    status: int, code: str, detail: str, *, retryable: bool = False, retry_after_s: float | None = None
) -> JSONResponse:
    headers = _retry_header(retry_after_s)
    if status == 401:
        headers["www-authenticate"] = "Bearer"
    body = {
        "type": "about:blank",
        "title": _TITLES.get(status, "Error"),
        "status": status,
        "detail": detail,
        "code": code,
        "retryable": retryable,
    }
    return JSONResponse(body, status, headers=headers, media_type="application/problem+json")


def problem_of(error: QuarterdeckError) -> JSONResponse:
    return problem(
        error.status, error.code, error.message, retryable=error.retryable, retry_after_s=error.retry_after_s
    )


def refusal(scope: Scope, status: int, code: str, sentence: str, *, retry_after_s: float | None = None) -> JSONResponse:
    """Of a request that no route has taken, as the API tells errors that has its address."""
    path = _meant(str(scope["path"]))
    if path.startswith(_SCIM):
        return _scim_problem(status, sentence, retry_after_s)
    if not path.startswith("/v1/"):
        return problem(status, code, sentence, retryable=retry_after_s is not None, retry_after_s=retry_after_s)
    is_anthropics = path.removesuffix("/") == "/v1/messages" or path.startswith("/v1/messages/")
    body = anthropic_refusal(status, sentence) if is_anthropics else openai_refusal(status, code, sentence)
    return JSONResponse(body, status, headers=_retry_header(retry_after_s))


def _scim_problem(status: int, sentence: str, retry_after_s: float | None = None) -> JSONResponse:
    body = scim_refusal(status, sentence)
    return JSONResponse(body, status, headers=_retry_header(retry_after_s), media_type=SCIM_MEDIA_TYPE)


def _retry_header(retry_after_s: float | None) -> dict[str, str]:
    return {} if retry_after_s is None else {"retry-after": str(max(1, round(retry_after_s)))}


def _meant(path: str) -> str:
    """The address that a client of OpenAI or Anthropic means whose base URL lacks `/v1`, or has it although the client
    adds it itself; any other as it is."""
    if path.startswith("/v1/v1/"):
        return path.removeprefix("/v1")
    return f"/v1{path}" if path.startswith(_BELOW_V1) else path


def _missing(path: str) -> str:
    if path.startswith("/v1/v1/"):
        return "There is nothing at this address, which has /v1 twice: leave it out of the client's base URL."
    if _meant(path) != path:
        return "There is nothing at this address: put /v1 at the end of the client's base URL."
    return "There is nothing at this address."


def install_problems(app: Starlette) -> None:
    app.add_exception_handler(QuarterdeckError, _on_known)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(UnicodeEncodeError, _on_half_character)
    app.add_exception_handler(Exception, _on_unknown)


def named(scope: Scope) -> str:
    """The template of the route that answers, for the log: an address may hold a secret, as links that work once do."""
    return str(getattr(scope.get("route"), "path", "none"))


async def _on_known(request: Request, error: Exception) -> JSONResponse:
    known = as_quarterdeck_error(error)
    if known.status >= 500 and not isinstance(known, OverloadedError):  # those come in thousands, and are counted
        logger.error(
            "request_failed", path=named(request.scope), code=known.code, reason=known.message, detail=known.detail
        )
    return _told(request, known)


def _told(request: Request, error: QuarterdeckError) -> JSONResponse:
    if request.url.path.startswith(_SCIM):
        return _scim_problem(error.status, error.message, error.retry_after_s)
    return problem_of(error)


def _is_for_a_browser(request: Request) -> bool:
    """Somebody typed the address of a page; what programs ask for is told as a problem."""
    is_page = not request.url.path.startswith(("/api/", "/v1/", "/scim/", "/assets/"))
    return is_page and request.method in ("GET", "HEAD") and "text/html" in request.headers.get("accept", "")


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # nosec B101  # noqa: S101  # registered for this class only
    if error.status_code == 404 and _is_for_a_browser(request):
        return shared_page.answer_missing()
    sentences = {404: _missing(request.url.path), 405: "This address does not take that method."}
    detail = sentences.get(error.status_code, f"{error.detail.rstrip('.')}.")
    answer = refusal(request.scope, error.status_code, _CODES.get(error.status_code, "http"), detail)
    answer.headers.update(error.headers or {})  # which methods a route takes
    return answer


async def _on_half_character(request: Request, _error: Exception) -> JSONResponse:
    """JSON can carry half of a surrogate pair; no storage, no provider and no answer can."""
    logger.info("validation_failed", path=named(request.scope), reason="lone surrogate")
    return problem(422, "bad_input", "The text contains half a character, which cannot be stored.")


async def _on_unknown(request: Request, error: Exception) -> JSONResponse:
    known = as_quarterdeck_error(error)
    logger.error("request_crashed", path=named(request.scope), exc_info=error)
    return _told(request, known)
