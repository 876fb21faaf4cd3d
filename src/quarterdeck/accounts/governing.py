"""What admins set: rules, budgets and prices, each with its line in the audit log."""

from __future__ import annotations

from quarterdeck.accounts.authenticate import Principal
from quarterdeck.accounts.subjects import check_pattern, check_subject
from quarterdeck.domain.usage import Price
from quarterdeck.errors import ConflictError, InputError, NotFoundError
from quarterdeck.store.audit import AuditEntry, insert_audit_entry
from quarterdeck.store.budgets import BudgetRow, delete_budget, insert_budget, list_budgets
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.prices import delete_price, save_price
from quarterdeck.store.rules import RuleRow, delete_rule, insert_rule, list_rules
from quarterdeck.store.users import find_role

MOST_BUDGETS = MOST_RULES = 1_000
MOST = 10**15  # of any amount


def add_budget(connection: WriteConnection, caller: Principal, address: str, row: BudgetRow) -> None:
    """Raises: `InputError`, `NotFoundError`, `ConflictError`."""
    _check(connection, row.subject, row.pattern)
    if row.max_cost is None and row.max_tokens is None:
        raise InputError("A budget needs a bound: `max_cost`, `max_tokens` or both.")
    if len(list_budgets(connection)) >= MOST_BUDGETS:
        raise ConflictError(f"There are {MOST_BUDGETS:,} budgets already. Remove some first.")
    insert_budget(connection, row)
    _note(connection, caller, address, "budget.created", row.subject, _budget_detail(row))


def remove_budget(connection: WriteConnection, caller: Principal, address: str, budget: str) -> None:
    """Raises: `NotFoundError`."""
    row = delete_budget(connection, budget)
    if row is None:
        raise NotFoundError("There is no such budget.")
    _note(connection, caller, address, "budget.deleted", row.subject, _budget_detail(row))


def add_rule(connection: WriteConnection, caller: Principal, address: str, row: RuleRow) -> None:
    """Raises: `InputError`, `NotFoundError`, `ConflictError`."""
    _check(connection, row.subject, row.pattern)
    if len(list_rules(connection)) >= MOST_RULES:
        raise ConflictError(f"There are {MOST_RULES:,} rules already. Remove some first.")
    insert_rule(connection, row)
    _note(connection, caller, address, "rule.created", row.subject, _rule_detail(row))


def remove_rule(connection: WriteConnection, caller: Principal, address: str, rule: str) -> None:
    """Raises: `NotFoundError`."""
    row = delete_rule(connection, rule)
    if row is None:
        raise NotFoundError("There is no such rule.")
    _note(connection, caller, address, "rule.deleted", row.subject, _rule_detail(row))


def set_price(connection: WriteConnection, caller: Principal, address: str, model: str, price: Price) -> None:
    """Raises: `InputError`."""
    provider, _, name = model.partition("/")
    if not provider or not name or "*" in model:
        raise InputError("A price is for one model, named provider/model.")
    check_pattern(model)
    save_price(connection, model, price)
    said = f"{price.input} in, {price.output} out, {price.cached_input} cached"
    _note(connection, caller, address, "price.changed", model, {"price": said})


def remove_price(connection: WriteConnection, caller: Principal, address: str, model: str) -> None:
    """Raises: `NotFoundError`."""
    if not delete_price(connection, model):
        raise NotFoundError("No price was set for this model.")
    _note(connection, caller, address, "price.deleted", model, {})


def _check(connection: AnyConnection, subject: str, pattern: str) -> None:
    check_pattern(pattern)
    kind, _, name = check_subject(subject).partition(":")
    if kind == "user" and not find_role(connection, name):
        raise NotFoundError("There is no such user.")


def _budget_detail(row: BudgetRow) -> dict[str, str | int | bool | None]:
    return {
        "pattern": row.pattern, "period": row.period, "max_cost": row.max_cost, "max_tokens": row.max_tokens,
    }  # fmt: skip


def _rule_detail(row: RuleRow) -> dict[str, str | int | bool | None]:
    return {"kind": row.kind, "pattern": row.pattern, "is_allowed": row.is_allowed}


def _note(
    connection: WriteConnection, caller: Principal, address: str, action: str, target: str,
    detail: dict[str, str | int | bool | None],
) -> None:  # fmt: skip
    insert_audit_entry(connection, AuditEntry(action, target, caller.user, caller.name, address, detail))
