"""What encoders of other front ends' streams keep of the parts they have begun: which are open, and what they say."""

from __future__ import annotations

from msgspec import Struct, field

from quarterdeck.domain.events import PartKind, PartStarted


class OpenPart(Struct):
    """`texts` only of kinds that are told in one piece."""

    number: int
    kind: PartKind
    call: str = ""
    name: str = ""
    texts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.texts)


class OpenParts:
    def __init__(self) -> None:
        self._open: dict[int, OpenPart] = {}

    def begin(self, event: PartStarted) -> OpenPart:
        part = OpenPart(event.part, event.kind, event.call, event.name)
        self._open[event.part] = part
        return part

    def find(self, number: int) -> OpenPart | None:
        return self._open.get(number)

    def end(self, number: int) -> OpenPart | None:
        return self._open.pop(number, None)

    def numbers(self) -> list[int]:
        """Of those that are open, in order."""
        return list(self._open)
