"""The rules of `tests/harness/security_rules.py` over the whole source; each finds what it is there for."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path

import pytest
from tests.conftest import Report
from tests.harness.security_rules import RULES

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "quarterdeck"

# Who may, and why: `rule` to files or rooms.
ALLOWED: dict[str, dict[str, str]] = {
    "asks_the_network": {
        "egress": "the client for addresses that users and models name",
        "client": "the server that its user names",
        "accounts/mail.py": "the mail server of the settings",
        "web/hosts.py": "this machine's own names",
        "providers": "addresses that an admin entered, or the environment; they may be local",
        "accounts/identities": "the same",
        "app/identity.py": "the machine's name", "worker.py": "binds", "serve.py": "binds", "supervise.py": "binds",
        "operations/checks_machine.py": "whether a port is free on this machine",
    },
    "checks_by_itself": {
        "accounts/authenticate.py": "the one place",
        "accounts/guests.py": "whether a guest's token, given as a parameter, is for a session of a guest",
    },
    "compares_secrets_in_a_hurry": {
        "operations/restore.py": "two files of the same person",
        "accounts/own_account.py": "whether a hash that was verified has been changed since",
        "accounts/sign_in.py": "the same",
    },
    "writes_sql_from_pieces": {
        "operations/checks_database.py": "names of our own", "store/sqlite.py": "numbers of our own",
        "store/transfer_schema.py": "names of tables", "store/search_schema.py": "names and numbers of our own",
        "store/pgvector.py": "conditions of ours, and how many dimensions a vector has",
        "store/migrations/versions/0002_many_processes.py": "names of ours",
        "store/migrations/versions/0013_standing.py": "the words of a trigger of ours",
    },
    "answers_with_html_of_its_own": {
        "web/page.py": "the index, a template that escapes",
        "web/shares.py": "a template that escapes, with a policy of its own",
        "web/shared_page.py": "Markdown without raw HTML, tried with all payloads",
    },
}  # fmt: skip


BROKEN = {
    "asks_the_network": [
        "import requests", "from urllib.request import urlopen", "import aiohttp\naiohttp.ClientSession()",
    ],
    "runs_what_it_was_given": [
        "eval(x)", "import pickle", "subprocess.run(x, shell=True)", "os.system(x)", "yaml.load(x)",
    ],
    "checks_by_itself": ["find_session(connection, x)", "users.find_api_key(connection, x)"],
    "compares_secrets_in_a_hurry": ["given == row.secret", "a.password != b", "token == expected"],
    "writes_sql_from_pieces": ["text(f'SELECT {x}')", "c.exec_driver_sql('DROP TABLE ' + x)", "c.execute('%s' % x)"],
    "logs_a_secret": ["logger.info('x', key=given.api_key)", "logger.error(password)"],
    "trusts_any_certificate": [
        "get(x, verify=False)", "TCPConnector(ssl=False)", "context.verify_mode = ssl.CERT_NONE",
    ],
    "sets_a_careless_cookie": [
        "response.set_cookie('a', 'b')", "response.set_cookie('a', 'b', httponly=True, samesite='none', secure=True)",
        "response.set_cookie('a', 'b', httponly=True, samesite='lax')",
    ],
    "answers_with_html_of_its_own": ["HTMLResponse(x)", "Markup(x)"],
}  # fmt: skip
FINE = [
    "hmac.compare_digest(given, row.secret)", "kind == 'token'", "select(users).where(users.c.name == name)",
    "text('SELECT 1')", "logger.info('x', user=user)", "get(x, verify=True)", "len(secret) == 20",
    "response.set_cookie('a', 'b', httponly=True, samesite='lax', secure=is_secure)", "import aiohttp", "re.compile(x)",
]  # fmt: skip


def _files() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


@functools.cache
def _tree(path: Path) -> ast.AST:
    return ast.parse(path.read_text(encoding="utf-8"))


def _may(rule: str, path: Path) -> bool:
    name = path.relative_to(SOURCE).as_posix()
    return any(name == allowed or name.startswith(f"{allowed}/") for allowed in ALLOWED.get(rule, {}))


def test_no_file_breaks_a_rule_of_the_house(report: Report) -> None:
    wrong = [
        f"{path.relative_to(SOURCE)}:{line}: {name}"
        for path in _files()
        for name, rule in RULES.items()
        if not _may(name, path)
        for line in rule(_tree(path))
    ]
    report("rules of the house", wrong, len(_files()) * len(RULES))


def test_every_exception_is_needed_still() -> None:
    for name, allowed in ALLOWED.items():
        for place in allowed:
            files = [path for path in _files() if path.relative_to(SOURCE).as_posix().startswith(place)]
            assert any(list(RULES[name](_tree(path))) for path in files), f"{name}: {place}"


@pytest.mark.parametrize(("name", "code"), [(name, code) for name, codes in BROKEN.items() for code in codes])
def test_a_rule_finds_what_it_is_there_for(name: str, code: str) -> None:
    assert list(RULES[name](ast.parse(code)))


@pytest.mark.parametrize("code", FINE)
def test_what_is_fine_is_found_by_no_rule(code: str) -> None:
    assert [name for name, rule in RULES.items() if list(rule(ast.parse(code)))] == []


PAGE_RULES = re.compile(
    r"dangerouslySetInnerHTML|\.(?:inner|outer)HTML\b|insertAdjacentHTML|document\.write|\beval\(|new Function\("
)
PAGE_MAY = {"sandbox/mermaid-frame.ts"}  # the diagram's frame, whose origin is opaque


def test_the_page_writes_no_html_of_its_own() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {found}"
        for folder in ("src", "sandbox", "docs-page")
        for path in (ROOT / "web-ui" / folder).rglob("*")
        if path.suffix in (".ts", ".tsx", ".js", ".html") and ".test." not in path.name
        if path.relative_to(ROOT / "web-ui").as_posix() not in PAGE_MAY
        for found in PAGE_RULES.findall(path.read_text(encoding="utf-8"))
    ]
    assert wrong == []
