"""`key …`: API keys for scripts and other clients."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

import typer

from quarterdeck.accounts.authenticate import KEY_SCOPES
from quarterdeck.accounts.keys import create_api_key, revoke_any_key
from quarterdeck.accounts.rotation import rotate_keys
from quarterdeck.cli.options import DataDir, read_settings, run_on_database, write_once
from quarterdeck.domain.ids import now_ms
from quarterdeck.errors import InputError
from quarterdeck.store.database import AnyConnection
from quarterdeck.store.keys import KeyRow, list_api_keys
from quarterdeck.store.users import find_user_by_name, list_users

_UNITS_MS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000, "y": 365 * 86_400_000}
_LIFETIME = re.compile(r"([1-9]\d{0,4})([mhdy])")


def create_key(
    user: Annotated[str, typer.Option(help="Whose key it is. Default: the owner.")] = "",
    name: Annotated[str, typer.Option(help="A label, to know it again.")] = "command line",
    scope: Annotated[
        list[str] | None,
        typer.Option(help="What it is for: chat, read, admin, scim; again for more. Default: what its user may."),
    ] = None,
    expires: Annotated[str, typer.Option(help="For how long: 12h, 90d, 1y. Default: until it is revoked.")] = "",
    data_dir: DataDir = None,
) -> None:
    """Print a new API key. It is shown this once; the server may be running.

    Example: curl -H "Authorization: Bearer $(quarterdeck key create)" http://127.0.0.1:8000/api/me
    """
    scopes = _scopes(scope or [])
    expires_at = now_ms() + _lifetime_ms(expires) if expires else None
    settings = read_settings(data_dir=data_dir)
    token = write_once(
        settings,
        lambda connection: create_api_key(connection, user_name=user, label=name, scopes=scopes, expires_at=expires_at),
    )
    typer.echo(str(token))


def list_keys(
    user: Annotated[str, typer.Option(help="Whose keys. Default: everybody's.")] = "", data_dir: DataDir = None
) -> None:
    """List the API keys there are: id, user, scopes, last use, end, label.

    Example: quarterdeck key list --user ann
    """
    for name, key in write_once(read_settings(data_dir=data_dir), lambda connection: _keys_of(connection, user)):
        used, until = _day(key.used_at, "never used"), _day(key.expires_at, "no end")
        typer.echo("\t".join((key.id, name, ",".join(key.scopes), used, until, key.name)))


def revoke_key(
    key: Annotated[str, typer.Argument(help="Its id, as `key list` shows it.")], data_dir: DataDir = None
) -> None:
    """Revoke an API key: it opens nothing any more, and what it has open ends within seconds.

    Example: quarterdeck key revoke 01jd0000000000000000000000
    """
    row = write_once(read_settings(data_dir=data_dir), lambda connection: revoke_any_key(connection, key))
    typer.echo(f"Revoked {row.id} ({row.name}).")


def rotate_key(data_dir: DataDir = None) -> None:
    """Change the key that seals stored secrets, and seal all of them anew. The server may be running.

    Killed in between it loses nothing: run it again. Example: quarterdeck key rotate
    """
    settings = read_settings(data_dir=data_dir)
    rotation = run_on_database(
        settings, lambda database: rotate_keys(database, settings.data_dir / "secret.key", settings.secret_key)
    )
    typer.echo(f"Sealed anew: {rotation.renewed}.")
    for purpose in rotation.locked:
        typer.echo(f"No key opens what is stored for {purpose}: enter it again in Settings.", err=True)
    if settings.secret_key:
        typer.echo("Now take the old key out of QUARTERDECK_SECRET_KEY, and restart all processes.")


def _keys_of(connection: AnyConnection, user: str) -> list[tuple[str, KeyRow]]:
    if not user:
        return [(row.name, key) for row in list_users(connection) for key in list_api_keys(connection, row.id)]
    found = find_user_by_name(connection, user)
    if found is None:
        raise InputError(f"There is no user named {user!r}.")
    return [(found.name, key) for key in list_api_keys(connection, found.id)]


def _scopes(given: list[str]) -> list[str]:
    """Of `chat read`, `chat,read` and repeated options alike."""
    found = [word for words in given for word in re.split(r"[,\s]+", words) if word]
    if unknown := set(found) - KEY_SCOPES:
        raise typer.BadParameter(f"{min(unknown)!r} is no scope; there are {', '.join(sorted(KEY_SCOPES))}")
    return found


def _lifetime_ms(text: str) -> int:
    found = _LIFETIME.fullmatch(text.strip().lower())
    if found is None:
        raise typer.BadParameter("how long a key lives is a number with m, h, d or y: 90d")
    return int(found[1]) * _UNITS_MS[found[2]]


def _day(at_ms: int | None, otherwise: str) -> str:
    return otherwise if at_ms is None else datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
