"""What an API client asked for beside the words of a message: stored with the turn, so that any worker can run it."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from quarterdeck.domain.step import StepRequest


class ApiRequest(Struct, frozen=True, omit_defaults=True):
    """`step` has everything but the model; its messages are what was added to those of the turn `previous`, and
    `instructions` come before all of them, in this turn only.

    `is_alone`: the model is sent that and nothing else, as the client expects of a vendor's API. Otherwise it is a
    message of a conversation like any other. `items` is the input and `told` what the response repeats, both in the
    client's own shape.
    """

    step: StepRequest
    instructions: str = ""
    previous: str = ""
    is_alone: bool = True
    items: list[dict[str, Any]] = []
    told: dict[str, Any] = {}


_decoder = msgspec.json.Decoder(ApiRequest)


def encode_asked(asked: ApiRequest) -> str:
    return msgspec.json.encode(asked).decode()


def decode_asked(stored: str) -> ApiRequest:
    return _decoder.decode(stored)
