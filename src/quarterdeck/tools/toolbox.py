"""Which tools there are, and which of them a turn is offered."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import Struct

from quarterdeck.accounts.limits import Limits
from quarterdeck.accounts.subjects import Who
from quarterdeck.domain.step import ToolSpec
from quarterdeck.store.turn_rights import TurnRights
from quarterdeck.tools.base import Tool


class Offer(Struct, frozen=True):
    """The tools of one turn, by name, in an order that stays."""

    tools: dict[str, Tool] = {}

    @property
    def specs(self) -> list[ToolSpec]:
        return [tool.spec for tool in self.tools.values()]


NOTHING = Offer()


class Toolbox:
    """One per process; filled where the house is put together."""

    def __init__(self, limits: Limits, tools: Iterable[Tool] = ()) -> None:
        self._limits = limits
        self._tools: dict[str, Tool] = {}
        for tool in tools:
            self.add(tool)

    def add(self, tool: Tool) -> None:
        if tool.name in self._tools:
            raise ValueError(f"There are two tools named {tool.name}.")
        self._tools[tool.name] = tool

    @property
    def names(self) -> list[str]:
        return list(self._tools)

    def offer(self, user: str, rights: TurnRights) -> Offer:
        """What the assistant, the account and the rules of this server allow."""
        who = Who(user, rights.role)
        may: list[Callable[[Tool], bool]] = [
            lambda tool: rights.uses_memory or not tool.needs_memory,
            lambda tool: not rights.tools or tool.name in rights.tools,
            lambda tool: self._limits.is_tool_allowed(who, tool.name),
        ]
        return Offer({name: tool for name, tool in self._tools.items() if all(check(tool) for check in may)})
