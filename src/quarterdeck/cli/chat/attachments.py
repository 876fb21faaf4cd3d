"""`@path` in a message: the text of a file, quoted below what is said."""

from __future__ import annotations

import re
from pathlib import Path

from quarterdeck.errors import SetupError

MAX_BYTES = 400_000
_MENTION = re.compile(r'(?<!\S)@(?:"([^"\n]+)"|(\S+))')
_FENCE = re.compile(r"`{3,}")


def add_files(message: str) -> tuple[str, list[Path]]:
    """The message with the files that it names, and which they are. A name that is no file stays as it is.

    Raises: `SetupError` for a file that cannot be sent.
    """
    found: dict[Path, None] = {}
    for mention in _MENTION.finditer(message):
        path = _file_of(mention[1] or mention[2])
        if path is not None:
            found[path] = None
    quoted = [quote_text(_read(path), str(path)) for path in found]
    return "\n\n".join([message, *quoted]), list(found)


def quote_text(text: str, name: str = "") -> str:
    """As a block of code, with a fence that the text does not contain."""
    longest = max((len(fence) for fence in _FENCE.findall(text)), default=2)
    fence = "`" * (longest + 1)
    head = f"{name}:\n\n" if name else ""
    return f"{head}{fence}\n{text.rstrip()}\n{fence}"


def _file_of(name: str) -> Path | None:
    """Also with a full stop or a comma of the sentence after it."""
    for candidate in (name, name.rstrip(".,;:!?)")):
        try:
            path = Path(candidate).expanduser()
            if candidate and path.is_file():
                return path
        except (OSError, RuntimeError, ValueError):
            continue
    return None


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise SetupError(f"{path} is larger than {MAX_BYTES // 1000} kB, the most that is attached.")
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise SetupError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError:
        raise SetupError(f"{path} is not a text file in UTF-8: only text is attached.") from None
    if "\0" in text:
        raise SetupError(f"{path} is not a text file in UTF-8: only text is attached.")
    return text
