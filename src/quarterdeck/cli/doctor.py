"""`doctor`: what is well with an installation, what is not, and what to do."""

from __future__ import annotations

import asyncio
import json
import logging
from importlib import import_module
from typing import Annotated, Any

import typer

from quarterdeck.cli.options import DataDir, Host, Port, read_settings
from quarterdeck.diagnostics import redact
from quarterdeck.errors import SetupError

Online = Annotated[bool, typer.Option("--online", help="Ask the connected providers, too.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs: one JSON object.")]


def doctor_command(
    host: Host = None, port: Port = None, data_dir: DataDir = None, online: Online = False, as_json: AsJson = False
) -> None:
    """Examine this installation; status 1 if something is wrong. Changes nothing, prints no secrets.

    Example: quarterdeck doctor --online
    """
    findings = asyncio.run(_examine(online, not as_json, host=host, port=port, data_dir=data_dir))
    failed = any(finding["state"] == "fail" for finding in findings)
    if as_json:
        typer.echo(json.dumps({"ok": not failed, "findings": findings}, ensure_ascii=False, indent=1))
    if failed:
        raise typer.Exit(1)


async def _examine(is_online: bool, tells: bool, **given: Any) -> list[dict[str, str]]:
    found = []
    async for finding in _findings(is_online, given):
        plain = {name: redact(getattr(finding, name)) for name in ("state", "subject", "says", "advice")}
        found.append(plain)
        if tells:
            advice = f" → {plain['advice']}" if plain["advice"] else ""
            typer.echo(f"{plain['state']:<5}{plain['subject']}: {plain['says']}{advice}")
    return found


async def _findings(is_online: bool, given: dict[str, Any]) -> Any:
    try:
        settings = read_settings(**given)
    except SetupError as error:
        fail = import_module("quarterdeck.operations.findings").fail
        yield fail("settings", error.message, "Correct it; nothing else was looked at.")
        return
    logging.disable()  # a finding says it, in a sentence
    async for finding in import_module("quarterdeck.operations.doctor").examine(settings, is_online=is_online):
        yield finding
