"""Edit and send: a question is changed, in place or as another branch, and answered anew, all in one transaction."""

from __future__ import annotations

from msgspec import Struct

from quarterdeck.accounts.access import access_message
from quarterdeck.conversations.editing import edit_as_branch, edit_message
from quarterdeck.errors import InputError
from quarterdeck.store.database import WriteConnection
from quarterdeck.store.locks import lock_send
from quarterdeck.turns.claim import Lease
from quarterdeck.turns.record import Accepted, Admit, Retry, check_retry, digest_of, find_known, record_retry


class EditedSend(Struct, frozen=True, kw_only=True):
    """`key`: the client's idempotency key. `version`: in place, of the one that was edited; None: as a branch."""

    key: str
    message: str
    text: str
    version: int | None = None
    model: str | None = None
    temperature: float | None = None

    def retry_of(self, message: str) -> Retry:
        return Retry(key=self.key, message=message, model=self.model, temperature=self.temperature)


def check_edited(edited: EditedSend) -> None:
    """Raises: `InputError`."""
    check_retry(edited.retry_of(edited.message))


def record_edited(
    connection: WriteConnection, owner: str, edited: EditedSend, default_model: str, lease: Lease | None, admit: Admit
) -> Accepted:
    """Idempotent by its key: sent again, it neither edits nor asks a second time.

    Raises: `NotFoundError`, `InputError`, `StaleVersionError`, `StillRunningError`, `ConflictError`; what `admit`
    raises for its model. Then nothing is changed.
    """
    digest = digest_of(edited)
    lock_send(connection, owner, edited.key)
    if (known := find_known(connection, owner, edited.key, digest)) is not None:
        return known
    if access_message(connection, owner, edited.message).role == "assistant":
        raise InputError("An answer cannot be sent. Edit it, or edit the question before it and send that.")
    if edited.version is None:
        row = edit_as_branch(connection, owner, edited.message, text=edited.text)
    else:
        row = edit_message(connection, owner, edited.message, version=edited.version, text=edited.text)
    return record_retry(connection, owner, edited.retry_of(row.id), default_model, lease, admit, digest=digest)
