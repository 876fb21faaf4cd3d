"""Whether what the settings say is all that was meant: a name that nobody reads is no error at a start."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from quarterdeck.config import Settings
from quarterdeck.operations.findings import Finding, ok, warn

_PREFIX = "QUARTERDECK_"
_OTHERS = {"URL", "KEY", "LIFE", "CHILD", "SKIP_PAGE", "DEV_SERVER"}  # which are no settings of the server
_OF_TESTS = ("TEST_", "BENCH_")
_PAIRS = (
    ("google_client_id", "google_client_secret"),
    ("microsoft_client_id", "microsoft_client_secret"),
    ("github_client_id", "github_client_secret"),
    ("oidc_issuer", "oidc_client_id"),
)


def check_settings(settings: Settings) -> Iterator[Finding]:
    found = [*_unknown(settings), *_halves(settings)]
    yield from found or [ok("settings", "can be read")]


def _unknown(settings: Settings) -> Iterator[Finding]:
    known = [name.upper() for name in Settings.model_fields]
    given = {name.removeprefix(_PREFIX) for name in settings.environment if name.startswith(_PREFIX)}
    for name in sorted(given - set(known) - _OTHERS):
        if name.startswith(_OF_TESTS):
            continue
        meant = get_close_matches(name, known, 1)
        advice = f"Did you mean {_PREFIX}{meant[0]}?" if meant else "docs/configuration.md lists all of them."
        yield warn("settings", f"{_PREFIX}{name} is no setting, so nobody reads it", advice)


def _halves(settings: Settings) -> Iterator[Finding]:
    if settings.sign_up == "domain" and not settings.sign_up_domains:
        yield warn("settings", f"{_PREFIX}SIGN_UP is domain, and no domain is named", f"Set {_PREFIX}SIGN_UP_DOMAINS.")
    for one, other in _PAIRS:
        if bool(getattr(settings, one)) != bool(getattr(settings, other)):
            given, missing = (one, other) if getattr(settings, one) else (other, one)
            yield warn(
                "settings",
                f"{_PREFIX}{given.upper()} is set without {_PREFIX}{missing.upper()}",
                "Nobody can sign in there before both are set.",
            )
