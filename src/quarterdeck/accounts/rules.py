"""Which models and tools somebody may use.

Of the rules that fit, the one counts that is most specific about the person (`user:` before `role:` before `all`);
of several, the one whose pattern is most specific about the name; of several still, one that denies. What no rule
fits is allowed.
"""

from __future__ import annotations

from collections.abc import Iterable

from quarterdeck.accounts.subjects import Who, is_match, rank_of, weight_of
from quarterdeck.store.rules import Kind, RuleRow


def is_allowed(rules: Iterable[RuleRow], who: Who, kind: Kind, name: str) -> bool:
    fitting = [
        (rank, weight_of(rule.pattern), not rule.is_allowed)
        for rule in rules
        if rule.kind == kind and (rank := rank_of(rule.subject, who)) and is_match(rule.pattern, name)
    ]
    return not fitting or not max(fitting)[2]
