"""One's own account: devices, API keys, the password, and leaving."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from tests.e2e.club import PASSWORD, Club


def test_a_key_made_in_the_page_works_until_it_is_revoked(club: Club, stranger: Page) -> None:
    name = club.add()["name"]
    main = club.sign_in(stranger, name, "/settings/account").page.get_by_role("main")
    main.get_by_role("button", name="New key").click()
    expect(main.get_by_role("checkbox", name="Administer")).to_have_count(0)
    main.get_by_role("textbox", name="Name", exact=True).last.fill("Editor")
    main.get_by_role("checkbox", name="Chat").uncheck()
    main.get_by_role("button", name="Make the key").click()
    secret = main.get_by_role("textbox", name="The key “Editor”").input_value()
    with club.server.http(key=secret) as http:
        assert http.get("/api/me").json()["name"] == name
        assert http.post("/chat_batch", json={"message": "May I?"}).status_code == 403
    main.get_by_role("button", name="I have copied it").click()
    expect(main.get_by_role("listitem").filter(has_text="Editor")).to_contain_text("Read")
    assert secret not in stranger.content()
    main.get_by_role("button", name="Revoke Editor").click()
    stranger.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(main.get_by_role("listitem").filter(has_text="Editor")).to_have_count(0)
    with club.server.http(key=secret) as http:
        assert http.get("/api/me").status_code == 401


def test_an_admin_makes_a_key_for_a_directory(club: Club, stranger: Page) -> None:
    name = club.add(role="admin")["name"]
    main = club.sign_in(stranger, name, "/settings/account").page.get_by_role("main")
    main.get_by_role("button", name="New key").click()
    main.get_by_role("textbox", name="Name", exact=True).last.fill("Okta")
    for scope in ("Chat", "Read"):
        main.get_by_role("checkbox", name=scope).uncheck()
    main.get_by_role("checkbox", name="Keep accounts").check()
    main.get_by_role("button", name="Make the key").click()
    secret = main.get_by_role("textbox", name="The key “Okta”").input_value()
    with club.server.http(key=secret) as http:
        assert http.get("/scim/v2/Users").status_code == 200
        assert http.get("/api/conversations").status_code == 403


def test_another_device_is_signed_out_from_the_list(club: Club, stranger: Page) -> None:
    name = club.add()["name"]
    elsewhere = club.new_context(user_agent="Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0")
    other = elsewhere.new_page()
    club.sign_in(other, name)
    main = club.sign_in(stranger, name, "/settings/account").page.get_by_role("main")
    expect(main.get_by_role("listitem").filter(has_text="This one")).to_contain_text("by password")
    main.get_by_role("button", name="Sign out Firefox on Linux").click()
    expect(other.get_by_role("heading", name="Sign in to Quarterdeck")).to_be_visible()
    expect(main.get_by_role("listitem").filter(has_text="Firefox")).to_have_count(0)
    elsewhere.close()


def test_name_and_password_are_changed_and_hold_at_the_next_sign_in(club: Club, stranger: Page) -> None:
    name = club.add()["name"]
    main = club.sign_in(stranger, name, "/settings/account").page.get_by_role("main")
    main.get_by_role("textbox", name="Name").fill(f"{name} the Second")
    main.get_by_role("button", name="Save").click()
    expect(stranger.get_by_role("button", name=f"Account: {name} the Second")).to_be_visible()
    main.get_by_role("button", name="Change the password").click()
    main.get_by_label("Present password").fill("wrong")
    main.get_by_label("New password").fill("a swim in the cold sea")
    main.get_by_role("button", name="Save").last.click()
    expect(main.get_by_label("Present password")).to_have_attribute("aria-invalid", "true")
    main.get_by_label("Present password").fill(PASSWORD)
    main.get_by_role("button", name="Save").last.click()
    expect(stranger.get_by_text("The password is saved.")).to_be_visible()
    with club.server.http(key="") as http:
        for password, status in ((PASSWORD, 401), ("a swim in the cold sea", 200)):
            given = {"name": f"{name} the second", "password": password}
            assert http.post("/api/sign-in", json=given).status_code == status


def test_an_account_is_taken_along_and_deleted_by_its_owner(club: Club, stranger: Page) -> None:
    person = club.add()
    main = club.sign_in(stranger, person["name"], "/settings/account").page.get_by_role("main")
    with stranger.expect_download() as download:
        main.get_by_role("link", name="Download my data").click()
    assert download.value.suggested_filename.endswith(".zip")
    main.get_by_role("button", name="Delete my account").click()
    dialog = stranger.get_by_role("dialog", name="Delete my account")
    dialog.get_by_label("Present password").fill(PASSWORD)
    dialog.get_by_role("button", name="Delete everything").click()
    expect(stranger.get_by_role("heading", name="Sign in to Quarterdeck")).to_be_visible()
    with club.http() as http:
        names = [one["name"] for one in http.get("/api/admin/users").json()["items"]]
    assert person["name"] not in names
    assert "Ann" in names
