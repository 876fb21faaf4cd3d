"""What people call themselves, their things and their providers is text, wherever an admin reads it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import Table, delete, insert, select
from tests.conftest import Report
from tests.e2e.chromium import Visitor
from tests.e2e.seeding import Said, seed_conversation
from tests.e2e.watchman import Watchman
from tests.harness.people import write
from tests.harness.server import Server
from tests.harness.upstream import Upstream
from tests.harness.waiting import is_long, wait_until

from quarterdeck.accounts.own_account import create_password_link
from quarterdeck.accounts.tokens import hash_secret
from quarterdeck.domain.ids import new_id, now_ms
from quarterdeck.store import tables
from quarterdeck.store.database import WriteConnection

_CORPUS = json.loads((Path(__file__).parents[1] / "fixtures" / "payloads.json").read_text())
PAYLOADS: list[str] = [" ".join(payload["text"].split())[:180] for payload in _CORPUS["payloads"]]
_AT_ONCE = 40
CHUNKS = [PAYLOADS[at : at + _AT_ONCE] for at in range(0, len(PAYLOADS), _AT_ONCE)]
CHOSEN = CHUNKS if is_long() else [PAYLOADS[:: len(PAYLOADS) // _AT_ONCE][:_AT_ONCE]]
INVITATION = "an-invitation-for-this-test"
PLACES = [
    "/admin", "/admin/invitations", "/admin/sign-in", "/admin/rules", "/admin/budgets", "/admin/prices", "/admin/audit",
    "/settings", "/settings/account", "/settings/usage", "/ideas", "/",
]  # fmt: skip
_MARKS = "[...document.body.innerText.matchAll(/mark-(\\d+)/g)].map((one) => one[1])"


@pytest.fixture(scope="module")
def named_server(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("names"), **upstream.environment).start()
    yield running
    running.close()


@pytest.fixture
def context(browser: Browser, named_server: Server) -> Iterator[BrowserContext]:
    context = Visitor(browser, named_server).new_context()
    yield context
    context.close()


def test_no_name_label_title_or_note_acts_where_an_admin_reads_it(
    named_server: Server, context: BrowserContext, report: Report
) -> None:
    page = context.new_page()
    watchman = Watchman(page, named_server.url)
    violations: list[str] = []
    shown = 0
    for chunk in CHOSEN:
        texts = [f"mark-{number} {payload}" for number, payload in enumerate(chunk)]
        reset = write(named_server.data_dir, partial(seed, texts=texts))
        seed_talk(named_server, texts)
        for place in PLACES:
            page.goto(named_server.url + place)
            shown += wait_for_marks(page, place)
            violations += [f"{place}: {alarm}" for alarm in watchman.look()]
            watchman.alarms.clear()
        violations += look_signed_out(context, named_server, reset)
    report("payloads where an admin reads them", violations, shown, f"{len(PLACES) + 3} places, {len(CHOSEN)} rounds")


def test_a_name_that_became_markup_would_be_seen(browser: Browser, named_server: Server) -> None:
    """The negative control: the same texts, put into the page of people as HTML, without a policy."""
    context = Visitor(browser, named_server).new_context(bypass_csp=True)
    page = context.new_page()
    watchman = Watchman(page, named_server.url)
    page.goto(f"{named_server.url}/admin")
    expect(page.get_by_role("main")).to_be_visible()
    page.wait_for_load_state("networkidle")
    markup = [text for text in PAYLOADS if text.startswith("<")][:20]
    page.get_by_role("main").evaluate("(main, texts) => { main.innerHTML = texts.join(' '); }", markup)
    wait_until(lambda: len(watchman.look()) > 10, "more than ten alarms")
    context.close()


def wait_for_marks(page: Page, place: str) -> int:
    """How many of the texts stand there; some do on every place."""
    expect(page.locator("main, nav").first).to_be_visible()
    found: list[str] = wait_until(lambda: page.evaluate(_MARKS) or None, f"a text on {place}")
    page.wait_for_load_state("networkidle")
    return len(set(page.evaluate(_MARKS))) or len(found)


def look_signed_out(context: BrowserContext, server: Server, reset: str) -> list[str]:
    """The pages that anybody sees: labels of providers, whom an invitation is for, whose password is set."""
    assert context.browser is not None
    stranger = context.browser.new_context()
    page = stranger.new_page()
    watchman = Watchman(page, server.url)
    for place in ("/sign-in", f"/invite/{INVITATION}", f"/reset/{reset}"):
        page.goto(server.url + place)
        expect(page.get_by_role("main").get_by_role("textbox").first).to_be_visible()
        page.wait_for_load_state("networkidle")
    violations = watchman.look()
    stranger.close()
    return violations


def seed(connection: WriteConnection, texts: list[str]) -> str:
    """Replaces what an earlier round left. The secret of a link for a new password."""
    owner = connection.execute(select(tables.users.c.id).where(tables.users.c.role == "owner")).scalar_one()
    connection.execute(delete(tables.users).where(tables.users.c.role != "owner"))
    numbered = list(enumerate(texts))
    ids = [new_id() for _ in texts]
    now = now_ms()
    stamps = {"created_at": now}
    rows: dict[Table, list[dict[str, Any]]] = {
        tables.users: [
            {"id": ids[n], "name": text, "name_key": text, "role": "member", "email": text, **stamps}
            for n, text in numbered
        ],
        tables.api_keys: [
            {"id": new_id(), "user_id": owner, "secret_hash": bytes([n]), "name": text, **stamps}
            for n, text in numbered
        ],
        tables.sessions: [
            {"id": new_id(), "user_id": owner, "secret_hash": bytes([n]), "device": text, "address": text,
             "via": "password", "seen_at": now, "expires_at": now + 86_400_000, **stamps}
            for n, text in numbered
        ],
        tables.identities: [
            {"issuer": text, "subject": text, "user_id": owner, "label": text, "seen_at": now, **stamps}
            for _, text in numbered
        ],
        tables.invitations: [
            {"id": new_id(), "secret_hash": hash_secret(text if n else INVITATION), "role": "member", "email": text,
             "created_by": ids[n] if n else owner, "expires_at": now + 86_400_000, **stamps}
            for n, text in numbered
        ],
        tables.audit_entries: [
            {"id": new_id(), "at": now, "actor_id": ids[n], "actor_name": text, "action": "user.renamed",
             "target": text, "address": text, "detail": json.dumps({"to": text, text: text})}
            for n, text in numbered
        ],
        tables.identity_providers: [
            {"name": f"p{n}", "label": text, "kind": "oidc", "issuer": text, "client_id": text, "sign_up": "invitation",
             "domains": text, "updated_at": now}
            for n, text in numbered
        ],
        tables.endpoints: [
            {"name": f"e{n}", "label": text, "dialect": "openai", "base_url": "http://127.0.0.1:1", "updated_at": now}
            for n, text in numbered[:8]
        ],
        tables.access_rules: [
            {"id": new_id(), "subject": f"user:{ids[n]}", "kind": "model", "pattern": text, "is_allowed": 0, **stamps}
            for n, text in numbered
        ],
        tables.budgets: [
            {"id": new_id(), "subject": f"user:{ids[n]}", "pattern": text, "period": "day", "max_cost": 1, **stamps}
            for n, text in numbered
        ],
        tables.prices: [
            {"model": f"x/{text}", "input": 1.0, "output": 1.0, "updated_at": now} for _, text in numbered
        ],
        tables.usage_totals: [],
    }  # fmt: skip
    for table, wanted in rows.items():
        if table is not tables.users and table is not tables.sessions:
            connection.execute(delete(table))
        if wanted:
            connection.execute(insert(table), wanted)
    return create_password_link(connection, ids[0])[0]


def seed_talk(server: Server, texts: list[str]) -> None:
    """Titles and ideas, and figures of usage that name models."""
    begun = now_ms() - 3_600_000
    for number, text in enumerate(texts[:12]):
        said = [Said("user", "Show me", begun), Said("assistant", text, begun + 1, ideas=(text,), model=f"x/{text}")]
        seed_conversation(server.data_dir, text, said)
        begun += 1000 * (number + 1)
