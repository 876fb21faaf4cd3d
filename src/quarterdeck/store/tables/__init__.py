"""All tables. Ids are text (`domain.ids`), times are milliseconds since 1970, JSON is text.

Partial indexes name SQLite's condition only: naming PostgreSQL's here would load its dialect at every
start. Its own are in the migrations, which are what makes the tables there.
"""

from __future__ import annotations

from quarterdeck.store.tables.assistants import (
    assistants,
    snippets,
)
from quarterdeck.store.tables.base import (
    Identifier,
    metadata,
)
from quarterdeck.store.tables.conversations import (
    changed_messages,
    conversations,
    deletions,
    folders,
    ideas,
    message_versions,
    messages,
    request_keys,
    search_entries,
    summaries,
    summary_sources,
)
from quarterdeck.store.tables.exchange import (
    forgotten_sources,
    import_notes,
    imports,
    share_messages,
    shares,
)
from quarterdeck.store.tables.memory import (
    memories,
    memory_sources,
    memory_uses,
    memory_versions,
    standing_notes,
    vectors,
    vectors_due,
)
from quarterdeck.store.tables.people import (
    api_keys,
    identities,
    invitations,
    oauth_states,
    open_links,
    sessions,
    sign_in_attempts,
    users,
)
from quarterdeck.store.tables.server import (
    audit_entries,
    endpoints,
    identity_providers,
    leases,
    server_settings,
)
from quarterdeck.store.tables.turns import (
    context_texts,
    token_ratios,
    turn_steps,
    turns,
)
from quarterdeck.store.tables.usage import (
    access_rules,
    budgets,
    prices,
    usage_entries,
    usage_totals,
)

__all__ = [
    "Identifier",
    "access_rules",
    "api_keys",
    "assistants",
    "audit_entries",
    "budgets",
    "changed_messages",
    "context_texts",
    "conversations",
    "deletions",
    "endpoints",
    "folders",
    "forgotten_sources",
    "ideas",
    "identities",
    "identity_providers",
    "import_notes",
    "imports",
    "invitations",
    "leases",
    "memories",
    "memory_sources",
    "memory_uses",
    "memory_versions",
    "message_versions",
    "messages",
    "metadata",
    "oauth_states",
    "open_links",
    "prices",
    "request_keys",
    "search_entries",
    "server_settings",
    "sessions",
    "share_messages",
    "shares",
    "sign_in_attempts",
    "snippets",
    "standing_notes",
    "summaries",
    "summary_sources",
    "token_ratios",
    "turn_steps",
    "turns",
    "usage_entries",
    "usage_totals",
    "users",
    "vectors",
    "vectors_due",
]
