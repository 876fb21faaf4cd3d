"""Budgets, prices, rules and usage over HTTP: as an admin sets them and as a user sees them."""

from __future__ import annotations

from typing import Any

import httpx2

Json = dict[str, Any]


def set_budget(admin: httpx2.Client, **values: Any) -> str:
    """The new budget's id. `subject=…, period="day"` and a bound."""
    answer = admin.post("/api/admin/budgets", json={"period": "day"} | values)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def set_rule(admin: httpx2.Client, pattern: str, *, is_allowed: bool, subject: str) -> str:
    """The new rule's id."""
    rule = {"subject": subject, "pattern": pattern, "is_allowed": is_allowed}
    answer = admin.post("/api/admin/rules", json=rule)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def set_price(admin: httpx2.Client, model: str, **dollars: float) -> None:
    answer = admin.put(f"/api/admin/prices/{model}", json=dollars)
    assert answer.status_code == 200, answer.text


def usage_of(http: httpx2.Client, **query: str) -> list[Json]:
    answer = http.get("/api/usage", params=query)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


def budgets_of(http: httpx2.Client) -> list[Json]:
    answer = http.get("/api/usage")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["budgets"])
