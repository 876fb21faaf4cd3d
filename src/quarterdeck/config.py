"""Settings, read once from the environment and `.env`.

The names are promised in the README. Providers' keys are read here too (`secrets()`), so that no other
room looks at the environment.
"""

from __future__ import annotations

import os
import warnings
from functools import cached_property
from io import StringIO
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import platformdirs
from dotenv import dotenv_values
from dotenv.parser import parse_stream
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic.warnings import UnsupportedFieldAttributeWarning
from pydantic_core import ErrorDetails

from quarterdeck.errors import SetupError

# Who first validates with a model has its validator built. All of them, FastAPI's own too, take a tenth of the start.
# FastAPI is loaded after this, since nothing starts without settings.
BaseModel.model_config["defer_build"] = True
# FastAPI silences this where it makes a validator, and those are built later.
warnings.filterwarnings("ignore", category=UnsupportedFieldAttributeWarning)

LogLevel = Literal["debug", "info", "warning", "error"]


def _check_networks(text: str) -> str:
    """Raises: `ValueError`; what is no network would quietly be taken for a proxy that never comes."""
    for word in text.replace(",", " ").split():
        if word != "*":
            ip_network(word)
    return text


def _as_origin(url: str) -> str:
    """As browsers say it, so that it can be compared: small letters, no usual port, no slash at its end."""
    parts = urlsplit(url.lower())
    if not parts.netloc:
        return ""
    usual = ":443" if parts.scheme == "https" else ":80"
    return f"{parts.scheme}://{parts.netloc.removesuffix(usual)}"


Origin = Annotated[str, StringConstraints(pattern=r"^((?i:https?)://[^/\s]+)?/?$"), AfterValidator(_as_origin)]
Networks = Annotated[str, AfterValidator(_check_networks)]
ModelId = Annotated[str, StringConstraints(pattern=r"^([^/\s]+/.+)?$")]


class Settings(BaseModel):
    """All of `QUARTERDECK_…`. Times in seconds, sizes in bytes unless the name says otherwise."""

    model_config = ConfigDict(protected_namespaces=())

    data_dir: Path = Field(default_factory=lambda: Path(platformdirs.user_data_dir("quarterdeck", appauthor=False)))
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    public_url: Origin = ""
    database_url: Annotated[str, StringConstraints(pattern=r"^(postgres(ql)?://\S+)?$")] = ""
    database_pool: Annotated[int, Field(ge=2, le=500)] = 10  # connections of one process
    redis_url: Annotated[str, StringConstraints(pattern=r"^(rediss?://\S+)?$")] = ""
    secret_key: str = ""  # base64 of 32 bytes, several with commas: the first one seals; empty: the file secret.key
    sign_up: Literal["nobody", "invitation", "domain", "anybody"] = "invitation"  # through identity providers
    sign_up_domains: str = ""
    google_client_id: str = ""
    google_client_secret: str = ""
    microsoft_client_id: str = ""
    microsoft_client_secret: str = ""
    microsoft_tenant: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.-]+$")] = "common"
    github_client_id: str = ""
    github_client_secret: str = ""
    github_url: Annotated[str, StringConstraints(pattern=r"^https?://[^/\s]+/?$")] = "https://github.com"
    oidc_issuer: Annotated[str, StringConstraints(pattern=r"^(https?://\S+)?$")] = ""
    oidc_client_id: str = ""
    oidc_client_secret: str = ""
    oidc_label: Annotated[str, Field(max_length=80)] = ""
    ldap_url: Annotated[str, StringConstraints(pattern=r"^(ldaps?://[^/\s]+/?)?$")] = ""
    ldap_bind_dn: str = ""  # with {name} the person's own; without, of a service that searches
    ldap_bind_password: str = ""
    ldap_search_base: str = ""
    ldap_search_filter: str = ""
    ldap_starttls: bool = False
    scim_token: Annotated[str, StringConstraints(pattern=r"^(\S{16,})?$")] = (
        ""  # empty: SCIM takes API keys with the scope `scim` only
    )
    scim_provider: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]*$")] = ""  # whose subjects its ids are
    cloudflare_team: str = ""  # its name or its address
    cloudflare_audience: str = ""
    cloudflare_allowed: str = ""  # addresses, @domains, or *
    egress_allow: str = ""  # networks and hosts that are not public and may be fetched from all the same
    trusted_proxies: Networks = ""  # addresses and networks whose X-Forwarded-For and -Proto count
    allowed_origins: Annotated[
        str, StringConstraints(pattern=r"^(https?://[a-z0-9.:\[\]-]+(\s*,\s*https?://[a-z0-9.:\[\]-]+)*)?$")
    ] = ""  # whose pages may call the APIs of other front ends, with a key
    smtp_url: str = ""  # smtp://user:password@host:587
    mail_from: str = ""
    metrics_token: str = ""  # empty: /metrics answers this very machine only
    max_import_mb: Annotated[int, Field(ge=1, le=1_000_000)] = 4096  # of one uploaded file
    guests: bool = False  # whether `POST /token` gives a guest an hour
    model: ModelId = ""
    background_model: ModelId = ""  # asked for titles and summaries; empty: the conversation's own
    embedding_model: ModelId = ""  # provider/model or local/NAME, until an admin chooses: finds by meaning
    titles: bool = True  # whether a model names conversations after their first answer
    recall: bool = True  # whether what was said elsewhere is recalled into answers, and models may look it up
    learn_after_s: Annotated[float, Field(ge=0, le=86_400)] = 30.0  # of quiet; 0: nothing is learned from messages
    summarise_after: Annotated[int, Field(ge=1_000, le=1_000_000)] = 48_000  # tokens that are sent as they are
    min_chunk_chars: Annotated[int, Field(ge=1, le=100_000)] = 20
    log_level: LogLevel = "info"
    log_format: Literal["auto", "text", "json"] = "auto"
    discover: bool = True  # look for local model servers
    first_token_timeout_s: Annotated[float, Field(gt=0)] = 120.0
    idle_timeout_s: Annotated[float, Field(gt=0)] = 60.0
    connect_timeout_s: Annotated[float, Field(gt=0)] = 10.0

    @property
    def models_dir(self) -> Path:
        """Where sentence models of this machine may lie."""
        return self.data_dir / "models"

    @cached_property
    def environment(self) -> dict[str, str]:
        """The process's variables over those of `.env`; the providers' room looks up its keys here."""
        return _environment()


_FORMS = {  # of the settings that have a form of their own: what to write
    "public_url": "https://chat.example.org, without a path",
    "database_url": "postgresql://user:password@host:5432/quarterdeck",
    "redis_url": "redis://:password@host:6379/0, or rediss:// with TLS",
    "microsoft_tenant": "the id of your directory, organizations, consumers or common",
    "github_url": "https://github.example.org, without a path",
    "oidc_issuer": "the whole address, such as https://id.example.org/realms/name",
    "ldap_url": "ldaps://ldap.example.org",
    "scim_token": "at least 16 characters, without blanks",  # nosec B105 - how long it is to be
    "scim_provider": "the provider's name, such as oidc",
    "trusted_proxies": "addresses and networks, such as 127.0.0.1, 10.0.0.0/8",
    "allowed_origins": "https://front.example, http://localhost:3000, without paths and without *",
    "model": "provider/model, such as openai/gpt-5-mini",
    "background_model": "provider/model, such as openai/gpt-5-mini",
    "embedding_model": "provider/model, such as openai/text-embedding-3-small, or local/NAME",
}
_OF_FORM = {"string_pattern_mismatch", "value_error"}


def _environment() -> dict[str, str]:
    found = {key: value for key, value in dotenv_values(".env").items() if value is not None}
    return {**found, **os.environ}


def _check_dotenv(path: Path) -> None:
    """A line of `.env` that is no assignment is an error, not a warning in passing.

    Raises: `SetupError` naming the line (never its content: it may be a key).
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"The file .env cannot be read: {type(error).__name__}. Fix or remove it.") from error
    if "\x00" in text:
        raise SetupError("The file .env is not a text file. Fix or remove it.")
    for binding in parse_stream(StringIO(text)):
        if binding.error or (binding.key is not None and binding.value is None):
            written = binding.original.string
            blank_lines = written[: len(written) - len(written.lstrip())].count("\n")
            number = binding.original.line + blank_lines
            raise SetupError(f"Line {number} of .env is not of the form NAME=value. Fix or remove it.")


def load_settings(**overrides: object) -> Settings:
    """Settings from the command line (`overrides`, None means not given), the environment, `.env`, defaults.

    Raises: `SetupError` with one sentence naming the setting that is wrong.
    """
    _check_dotenv(Path(".env"))
    environment = _environment()
    given: dict[str, object] = {
        name: environment[f"QUARTERDECK_{name.upper()}"]
        for name in Settings.model_fields
        if environment.get(f"QUARTERDECK_{name.upper()}", "") != ""
    }
    given |= {name: value for name, value in overrides.items() if value is not None}
    try:
        settings = Settings.model_validate(given)
    except ValidationError as error:
        raise SetupError(_say(error.errors()[0])) from error
    settings.data_dir = settings.data_dir.expanduser().absolute()
    return settings


def _say(fault: ErrorDetails) -> str:
    """One sentence; never the value, which may be a password."""
    field = str(fault["loc"][0])
    reason = f"write {_FORMS[field]}" if fault["type"] in _OF_FORM else fault["msg"][0].lower() + fault["msg"][1:]
    return f"The setting QUARTERDECK_{field.upper()} is not usable: {reason}."
