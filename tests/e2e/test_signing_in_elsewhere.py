"""Signing in through somebody else, in the page: linked, used, refused and unlinked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.club import PASSWORD, Club, fill_sign_in
from tests.fakes.identity_server import FakeIssuer
from tests.harness.full_client import new_name
from tests.harness.signing_in import set_up


@pytest.fixture
def issuer(club: Club) -> Iterator[FakeIssuer]:
    """A provider called Harbour that everybody here may link; nobody joins by it without an invitation."""
    with FakeIssuer() as fake:
        fake.person = fake.person | {"sub": new_name("sub"), "email": "bea@harbour.example"}
        set_up(club.server, "harbour", "oidc", fake.issuer, label="Harbour", sign_up="invitation")
        yield fake
        with club.http() as http:
            http.delete("/api/admin/identity-providers/harbour")


def test_an_account_elsewhere_is_linked_signed_in_with_and_unlinked(
    club: Club, issuer: FakeIssuer, stranger: Page
) -> None:
    name = club.add()["name"]
    main = club.sign_in(stranger, name, "/settings/account").page.get_by_role("main")
    main.get_by_role("link", name="Harbour").click()
    expect(main.get_by_role("listitem").filter(has_text="Harbour")).to_contain_text("bea@harbour.example")
    assert stranger.url.startswith(club.server.url)

    stranger.get_by_role("button", name=f"Account: {name}").click()
    stranger.get_by_role("menuitem", name="Sign out").click()
    stranger.get_by_role("link", name="Harbour").click()
    expect(stranger.get_by_role("button", name=f"Account: {name}")).to_be_visible()
    assert issuer.faults == []

    stranger.goto(f"{club.server.url}/settings/account")
    main.get_by_role("button", name="Unlink Harbour").click()
    expect(main.get_by_role("listitem").filter(has_text="bea@harbour.example")).to_have_count(0)


def test_who_was_not_invited_is_told_so_and_can_still_sign_in(club: Club, issuer: FakeIssuer, stranger: Page) -> None:
    name = club.add()["name"]
    stranger.goto(f"{club.server.url}/sign-in")
    stranger.get_by_role("link", name="Harbour").click()
    expect(stranger.get_by_role("alert")).to_contain_text("invitation")
    fill_sign_in(stranger, name, PASSWORD)
    expect(stranger.get_by_role("button", name=f"Account: {name}")).to_be_visible()
    assert len(issuer.asked) == 1
