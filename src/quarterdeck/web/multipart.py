"""`multipart/form-data` (RFC 7578) of a body that is read whole: its fields, and files among them."""

from __future__ import annotations

import re
import secrets

from msgspec import Struct

from quarterdeck.errors import ParameterError

_BOUNDARY = re.compile(r'boundary="?([^";,\s]{1,200})"?')
_DISPOSITION = re.compile(rb"^content-disposition:\s*form-data;(.*)$", re.I | re.M)
_NAME = re.compile(rb'\bname="([^"]*)"')
_FILE = re.compile(rb'\bfilename="([^"]*)"')
_TYPE = re.compile(rb"^content-type:\s*([\w.+/-]+)", re.I | re.M)
_MOST_FIELDS = 100


class Field(Struct, frozen=True):
    """`filename` is None for one that is no file."""

    name: str
    content: bytes
    filename: str | None = None
    media_type: str = "application/octet-stream"

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", "replace")


def read_fields(content_type: str, body: bytes) -> list[Field]:
    """Raises: `ParameterError`."""
    found = _BOUNDARY.search(content_type)
    if not content_type.startswith("multipart/form-data") or found is None:
        raise ParameterError("The body must be multipart/form-data.", "")
    pieces = (b"\r\n" + body).split(b"\r\n--" + found[1].encode())
    fields = [field for piece in pieces[1:-1] if (field := _read_field(piece)) is not None]
    if len(fields) > _MOST_FIELDS:
        raise ParameterError("The form has too many fields.", "")
    return fields


def write_fields(fields: list[Field]) -> tuple[str, bytes]:
    """The content type, and the body."""
    boundary = secrets.token_hex(16)
    out = bytearray()
    for field in fields:
        out += b'--%s\r\nContent-Disposition: form-data; name="%s"' % (boundary.encode(), _quoted(field.name))
        if field.filename is not None:
            out += b'; filename="%s"\r\nContent-Type: %s' % (_quoted(field.filename), field.media_type.encode())
        out += b"\r\n\r\n" + field.content + b"\r\n"
    return f"multipart/form-data; boundary={boundary}", bytes(out + b"--%s--\r\n" % boundary.encode())


def _read_field(piece: bytes) -> Field | None:
    head, _, content = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
    disposition = _DISPOSITION.search(head)
    name = _NAME.search(disposition[1]) if disposition else None
    if disposition is None or name is None:
        return None
    filename, media_type = _FILE.search(disposition[1]), _TYPE.search(head)
    return Field(
        name[1].decode("utf-8", "replace"),
        content,
        None if filename is None else filename[1].decode("utf-8", "replace"),
        "application/octet-stream" if media_type is None else media_type[1].decode(),
    )


def _quoted(text: str) -> bytes:
    return re.sub(r'[\r\n"]', "_", text).encode()
