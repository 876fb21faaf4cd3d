"""What a tool is, and what a call of it is told and gives back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Literal

import msgspec
from msgspec import Struct

from quarterdeck.domain.step import ToolSpec
from quarterdeck.errors import InputError

Effect = Literal["none", "side_effect"]


class ToolCaller(Struct, frozen=True, kw_only=True):
    """For whom a tool is called. `in_context` are the messages that the model sees already."""

    user: str
    conversation: str
    turn: str
    now: int
    zone: str = ""
    in_context: frozenset[str] = frozenset()


class ToolResult(Struct, frozen=True):
    """What the model is told. `taint` says what of the text is not ours or the user's own (`domain.taint`)."""

    text: str
    is_error: bool = False
    taint: str = ""


class ToolArgumentsError(InputError):
    """The model called a tool wrongly; it is told so in this sentence, and may try again."""

    code = "bad_tool_arguments"


class Tool(ABC):
    """`parameters` is a JSON Schema object, `arguments` the struct that says the same to msgspec.

    `effect`: whether a call changes anything, here or elsewhere; a call without one may be made again after a crash.
    `needs_memory`: it reads what the user said elsewhere, and is offered only where memory is on. `always_asks`: its
    side effect waits for the user's approval also where nothing untrusted was read.
    """

    name: str
    description: str
    parameters: dict[str, Any]
    arguments: type[Struct]
    effect: Effect = "none"
    needs_memory: bool = False
    always_asks: bool = False
    timeout_s: float = 20.0

    @property
    def spec(self) -> ToolSpec:
        return ToolSpec(self.name, self.description, self.parameters)

    def read(self, arguments: str) -> Any:
        """The arguments as the model wrote them. Raises: `ToolArgumentsError`."""
        try:
            return msgspec.json.decode(arguments or "{}", type=self.arguments)
        except msgspec.ValidationError as error:
            raise ToolArgumentsError(f"The arguments do not fit: {error}.") from error
        except (msgspec.DecodeError, UnicodeError) as error:
            raise ToolArgumentsError(f"The arguments are no JSON: {error}.") from error

    @abstractmethod
    async def run(self, caller: ToolCaller, arguments: Any) -> ToolResult:
        """Raises: `QuarterdeckError`, whose sentence the model is told."""
