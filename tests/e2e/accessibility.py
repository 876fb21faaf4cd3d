"""axe-core, run in the page as it stands."""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path

from playwright.sync_api import Page

_REST_S = 2.0  # what is laid out is measured a frame later: what scrolls can then be reached by keyboard
_AXE = Path(__file__).resolve().parents[2] / "web-ui" / "node_modules" / "axe-core" / "axe.min.js"
# The diagram's frame is sandboxed: axe could not get in, and would wait for it.
_RUN = """async () => {
  const found = await axe.run(document, { iframes: false, resultTypes: ['violations'] });
  return {
    passes: found.passes.length,
    violations: found.violations.map(({ id, impact, nodes }) => ({
      id, impact, nodes: nodes.slice(0, 3).map((node) => node.failureSummary + ' ' + node.html.slice(0, 200)),
    })),
  };
}"""


@cache
def _read_axe() -> str:
    return _AXE.read_text()


def find_barriers(page: Page) -> list[str]:
    """The serious and critical findings that remain once the page has come to rest."""
    deadline = time.monotonic() + _REST_S
    while (found := _run_axe(page)) and time.monotonic() < deadline:
        continue
    return found


def _run_axe(page: Page) -> list[str]:
    if not page.evaluate("'axe' in window"):
        page.evaluate(_read_axe())
    found = page.evaluate(_RUN)
    assert found["passes"] > 5, "axe found nothing to look at"
    return [
        f"{finding['impact']} {finding['id']}: {finding['nodes']}"
        for finding in found["violations"]
        if finding["impact"] in ("serious", "critical")
    ]
