"""A call from the words of the model to a result: found, read, bounded in time and size. It never raises."""

from __future__ import annotations

import asyncio
from typing import Any

from msgspec import Struct

from quarterdeck.diagnostics import get_logger
from quarterdeck.domain.parts import ToolCallPart
from quarterdeck.errors import QuarterdeckError
from quarterdeck.tools.base import Tool, ToolArgumentsError, ToolCaller, ToolResult
from quarterdeck.tools.toolbox import Offer

logger = get_logger("quarterdeck.tools")

MAX_RESULT_CHARS = 16_000
MAX_CALLS = 16  # of one step; the others are told so


class ReadyCall(Struct, frozen=True):
    """A call whose tool is there and whose arguments fit."""

    part: ToolCallPart
    tool: Tool
    arguments: Any


def prepare(part: ToolCallPart, offer: Offer) -> ReadyCall | ToolResult:
    """The call, or what the model is told instead."""
    tool = offer.tools.get(part.name)
    if tool is None:
        known = ", ".join(offer.tools) or "none"
        return ToolResult(f"There is no tool {part.name[:60]!r}. There are: {known}.", is_error=True)
    try:
        return ReadyCall(part, tool, tool.read(part.arguments))
    except ToolArgumentsError as error:
        return ToolResult(error.message, is_error=True)


async def run_call(call: ReadyCall, caller: ToolCaller) -> ToolResult:
    """The result, cut to size. What goes wrong is told to the model in one sentence."""
    tool = call.tool
    try:
        async with asyncio.timeout(tool.timeout_s):
            result = await tool.run(caller, call.arguments)
    except TimeoutError:
        return ToolResult(f"{tool.name} took longer than {tool.timeout_s:g} s and was stopped.", is_error=True)
    except QuarterdeckError as error:
        return ToolResult(error.message, is_error=True)
    except Exception as error:  # a tool's fault must not end the turn
        logger.error("tool_failed", tool=tool.name, turn=caller.turn, exc_info=error)
        return ToolResult(f"{tool.name} failed.", is_error=True)
    return _cut(result)


def _cut(result: ToolResult) -> ToolResult:
    if len(result.text) <= MAX_RESULT_CHARS:
        return result
    kept = result.text[:MAX_RESULT_CHARS]
    note = f"\n[Cut: the first {MAX_RESULT_CHARS} of {len(result.text)} characters.]"
    return ToolResult(kept + note, result.is_error, result.taint)
