"""Whether people can sign in here at all: before that, nobody else should be able to reach the server."""

from __future__ import annotations

from quarterdeck.accounts.identities.providers import providers_of_environment
from quarterdeck.config import Settings
from quarterdeck.store.database import AnyConnection
from quarterdeck.store.identity_providers import list_identity_providers
from quarterdeck.store.people import owner_has_way_in


def has_way_in(connection: AnyConnection, settings: Settings) -> bool:
    """The owner has a password or an identity elsewhere, or an identity provider is set up."""
    is_set_up = settings.cloudflare_team or settings.ldap_url or providers_of_environment(settings)
    return bool(is_set_up) or owner_has_way_in(connection) or bool(list_identity_providers(connection))
