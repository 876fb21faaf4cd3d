"""How much one step may send: the model's window, less what its answer needs."""

from __future__ import annotations

from msgspec import Struct

from quarterdeck.domain.usage import ModelProfile

_DEFAULT_WINDOW = 32_000  # when nobody told us: small enough for most, and said in the manifest
_MAX_WINDOW = 1_000_000
_ANSWER_SHARE = 0.25  # of the window, up to the most that is ever kept free
_MOST_FOR_ANSWER = 32_000
PINNED_SHARE = 0.2  # of the budget
SUMMARY_SHARE = 0.3
_TAIL_SHARE = 0.6  # from here on older messages are summarised


class Budget(Struct, frozen=True):
    """`tokens` are the model's; `estimated` is how many of our estimate fit in."""

    window: int
    window_is_known: bool
    tokens: int
    ratio: float

    @property
    def estimated(self) -> int:
        return int(self.tokens / self.ratio)

    def summarise_from(self, most: int) -> int:
        """How long, in estimated tokens, messages that are sent as they are may be together; `most` is the server's."""
        return int(min(self.tokens * _TAIL_SHARE, most) / self.ratio)


def budget_of(profile: ModelProfile, ratio: float = 1.0, shrink: float = 1.0) -> Budget:
    """`shrink`: of what would fit, when the provider has said that this is too long."""
    window = min(profile.context_window or _DEFAULT_WINDOW, _MAX_WINDOW)
    answer = min(int(window * _ANSWER_SHARE), _MOST_FOR_ANSWER)
    return Budget(window, profile.context_window is not None, int((window - answer) * shrink), ratio)
