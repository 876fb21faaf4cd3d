"""Rules of this house that no linter knows: what may be done in which room only, read from the syntax tree.

Each rule is a function that gives the lines where it is broken. `ALLOWED` names who may, and why.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

Rule = Callable[[ast.AST], Iterator[int]]

_CLIENTS = {"httpx", "httpx2", "requests", "urllib3", "urllib.request", "http.client", "ftplib", "smtplib", "socket"}
_DANGEROUS_MODULES = {"pickle", "marshal", "shelve", "dill", "xml", "telnetlib", "imp", "pty", "crypt"}
_DANGEROUS_CALLS = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "os.system",
    "os.popen",
    "tempfile.mktemp",
    "yaml.load",
    "breakpoint",
}
_SECRET_WORDS = ("secret", "password", "token", "passphrase", "cookie", "private_key", "api_key")
_UNTRUSTING = {"verify", "ssl", "check_hostname"}
_CHECKS = {"find_session", "find_api_key", "parse_token", "is_secret"}


def asks_the_network(tree: ast.AST) -> Iterator[int]:
    """An HTTP client, or a bare socket. Addresses of users and models are for `egress` alone."""
    for node in ast.walk(tree):
        for name in _imported(node):
            if name in _CLIENTS or any(name.startswith(f"{client}.") for client in _CLIENTS):
                yield _line(node)
        if isinstance(node, ast.Attribute) and _dotted(node) in ("aiohttp.ClientSession", "aiohttp.request"):
            yield node.lineno


def runs_what_it_was_given(tree: ast.AST) -> Iterator[int]:
    """Code, shells, and formats that carry code."""
    for node in ast.walk(tree):
        if any(name.split(".")[0] in _DANGEROUS_MODULES for name in _imported(node)):
            yield _line(node)
        if isinstance(node, ast.Call):
            has_shell = any(word.arg == "shell" and not _is_constant(word.value, False) for word in node.keywords)
            if _dotted(node.func) in _DANGEROUS_CALLS or has_shell:
                yield node.lineno


def checks_by_itself(tree: ast.AST) -> Iterator[int]:
    """Who is asking is decided in one place, `authenticate()`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _dotted(node.func).rpartition(".")[2] in _CHECKS:
            yield node.lineno


def compares_secrets_in_a_hurry(tree: ast.AST) -> Iterator[int]:
    """`==` says by its time how much was right: `hmac.compare_digest` does not."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and any(isinstance(way, ast.Eq | ast.NotEq) for way in node.ops):
            sides = [node.left, *node.comparators]
            is_plain = any(isinstance(side, ast.Constant) for side in sides)
            is_of_sql = any(".c." in _dotted(side) for side in sides)  # the database's index tells nothing of a hash
            if not (is_plain or is_of_sql) and any(_names_a_secret(side) for side in sides):
                yield node.lineno


def writes_sql_from_pieces(tree: ast.AST) -> Iterator[int]:
    """A statement that was put together from text, other than by SQLAlchemy."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args:
            verb = _dotted(node.func).rpartition(".")[2]
            if verb in ("text", "exec_driver_sql", "executescript", "execute") and _is_put_together(node.args[0]):
                yield node.lineno


def logs_a_secret(tree: ast.AST) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _dotted(node.func).startswith("logger."):
            values = [*node.args, *(word.value for word in node.keywords)]
            if any(_names_a_secret(value) for value in values):
                yield node.lineno


def trusts_any_certificate(tree: ast.AST) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg in _UNTRUSTING and _is_constant(node.value, False):
            yield node.value.lineno
        if isinstance(node, ast.Attribute) and node.attr in ("CERT_NONE", "_create_unverified_context"):
            yield node.lineno


def sets_a_careless_cookie(tree: ast.AST) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _dotted(node.func).endswith(".set_cookie"):
            given = {word.arg: word.value for word in node.keywords}
            is_closed = _is_constant(given.get("httponly"), True)
            same = isinstance(given.get("samesite"), ast.Constant) and given["samesite"].value in ("lax", "strict")  # type: ignore[attr-defined]
            if not (is_closed and same and "secure" in given):
                yield node.lineno


def answers_with_html_of_its_own(tree: ast.AST) -> Iterator[int]:
    """Pages come from templates, which escape; `Markup` and `|safe` would not."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and _dotted(node).rpartition(".")[2] in (
            "Markup",
            "HTMLResponse",
        ):
            yield node.lineno


RULES: dict[str, Rule] = {
    rule.__name__: rule
    for rule in (
        asks_the_network, runs_what_it_was_given, checks_by_itself, compares_secrets_in_a_hurry, writes_sql_from_pieces,
        logs_a_secret, trusts_any_certificate, sets_a_careless_cookie, answers_with_html_of_its_own,
    )
}  # fmt: skip


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [name.name for name in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [node.module]
    return []


def _dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _names_a_secret(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):  # what a function makes of it is another thing
        return False
    last = _dotted(node).rpartition(".")[2].lower()
    return any(last == word or last.endswith(f"_{word}") for word in (*_SECRET_WORDS, "secret_hash", "password_hash"))


def _is_put_together(node: ast.AST) -> bool:
    if isinstance(node, ast.JoinedStr):
        return any(isinstance(part, ast.FormattedValue) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod):
        return any(isinstance(side, ast.Constant | ast.JoinedStr | ast.BinOp) for side in (node.left, node.right))
    return isinstance(node, ast.Call) and _dotted(node.func).endswith(".format")


def _is_constant(node: ast.AST | None, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def _line(node: ast.AST) -> int:
    return getattr(node, "lineno", 0)
