"""Examines an installation without changing it. Every check is a function of the settings that yields findings."""

from __future__ import annotations

from collections.abc import AsyncIterator

from quarterdeck.config import Settings
from quarterdeck.diagnostics import register_secret
from quarterdeck.errors import SetupError
from quarterdeck.operations.checks_database import check_database
from quarterdeck.operations.checks_fleet import check_log, check_processes
from quarterdeck.operations.checks_machine import check_folder, check_open_files, check_page, check_port, check_version
from quarterdeck.operations.checks_memory import check_memory
from quarterdeck.operations.checks_providers import check_providers
from quarterdeck.operations.checks_settings import check_settings
from quarterdeck.operations.findings import Finding, fail
from quarterdeck.postgres_url import parse_postgres_url


async def examine(settings: Settings, *, is_online: bool) -> AsyncIterator[Finding]:
    """`is_online`: the connected providers are asked, too."""
    for check in (check_version, check_folder, check_page):
        for finding in check(settings):
            yield finding
    try:
        password = parse_postgres_url(settings.database_url).password if settings.database_url else ""
    except SetupError as error:
        yield fail("settings", error.message, "Correct it; the database and the log were not looked at.")
        return
    register_secret(password)
    for finding in check_settings(settings):
        yield finding
    async for finding in check_database(settings):
        yield finding
    async for finding in check_log(settings):
        yield finding
    async for finding in check_providers(settings, is_online):
        yield finding
    async for finding in check_memory(settings, is_online):
        yield finding
    for check in (check_processes, check_open_files, check_port):
        for finding in check(settings):
            yield finding
