"""Hatchling's hook: the built page goes into the wheel and the source archive.

Node comes as a build requirement only when the page must be built. `QUARTERDECK_SKIP_PAGE=1` leaves
the page out, for work on Python alone.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).resolve().parent / "scripts"))
from page import NODE_WHEEL, PageError, build_page, is_built


def _is_skipped() -> bool:
    return os.environ.get("QUARTERDECK_SKIP_PAGE", "") not in ("", "0")


class PageHook(BuildHookInterface):  # type: ignore[type-arg]
    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Build requirements beside hatchling, asked for before the build starts."""
        return [] if _is_skipped() or is_built() else [NODE_WHEEL]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if _is_skipped():
            self.app.display_warning("QUARTERDECK_SKIP_PAGE is set: this build has no page.")
            return
        try:
            build_page()
        except PageError as error:
            sys.exit(f"The web page could not be built: {error}")
