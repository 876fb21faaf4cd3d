"""The frames of `quarterdeck.v1`: JSON text, told apart by `type`. `ref` is the client's own and comes back."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct

MAX_FRAME_BYTES = 4 * 1024 * 1024
HEARTBEAT_S = 15


class _Client(Struct, frozen=True, tag_field="type", kw_only=True):
    ref: str = ""


class SendFrame(_Client, frozen=True, tag="send", kw_only=True):
    """Say something. `id` is the idempotency key; `conversation` an existing id or a new one you make up.

    It goes below the end of the active path; with `parent` below that message, with `instead_of` beside that one, as
    another branch, which becomes the active path. `memory` (`off`, `private`) is for a conversation that it opens.
    """

    id: str
    conversation: str
    text: str
    model: str | None = None
    temperature: float | None = None
    assistant: str | None = None
    instructions: str | None = None
    parent: str | None = None
    instead_of: str | None = None
    memory: str | None = None
    follow: bool = True


class RetryFrame(_Client, frozen=True, tag="retry", kw_only=True):
    """Answer anew what the answer `message` answered (or `message` itself, a question); the new one takes its place.

    With `beside` it does not: both answers stand beside each other until one is chosen, and are written at once.
    """

    id: str
    message: str
    model: str | None = None
    temperature: float | None = None
    beside: bool = False
    follow: bool = True


class FollowFrame(_Client, frozen=True, tag="follow", kw_only=True):
    """Send me the events of `turn` with a seq above `after`, and go on."""

    turn: str
    after: int = 0


class UnfollowFrame(_Client, frozen=True, tag="unfollow", kw_only=True):
    """No more events of `turn` on this socket."""

    turn: str


class StopFrame(_Client, frozen=True, tag="stop", kw_only=True):
    """End the turn with what it has."""

    turn: str


class ApproveFrame(_Client, frozen=True, tag="approve", kw_only=True):
    """Allow the tool call `call`, or decline it. `digest` is the one of `approval.requested`: no others are meant."""

    turn: str
    call: str
    digest: str
    decision: Literal["approved", "declined"]


class FeedFrame(_Client, frozen=True, tag="feed", kw_only=True):
    """Send me the user's feed from `after` on; None means from now."""

    after: int | None = None


class PingFrame(_Client, frozen=True, tag="ping", kw_only=True):
    """Answered by a pong."""


ClientFrame = SendFrame | RetryFrame | FollowFrame | UnfollowFrame | StopFrame | ApproveFrame | FeedFrame | PingFrame


class _Server(Struct, frozen=True, tag_field="type", kw_only=True, omit_defaults=True):
    ref: str = ""


class HelloUser(Struct, frozen=True):
    id: str
    name: str


class HelloFrame(_Server, frozen=True, tag="hello", kw_only=True):
    """The first frame. Silence for twice `heartbeat_s` seconds means that the connection is dead."""

    protocol: Literal["quarterdeck.v1"]
    version: str
    user: HelloUser
    heartbeat_s: int


class AcceptedFrame(_Server, frozen=True, tag="accepted", kw_only=True):
    """The message is kept: sent after the commit. `message` is the question's id, `answer` the answer's."""

    id: str
    conversation: str
    turn: str
    message: str
    answer: str
    model: str
    at: int


class FollowingFrame(_Server, frozen=True, tag="following", kw_only=True):
    """Events with a seq above `after` come from here on; of a turn, or of the feed."""

    after: int
    turn: str = ""
    feed: bool = False


class UnfollowedFrame(_Server, frozen=True, tag="unfollowed", kw_only=True):
    turn: str


class StoppingFrame(_Server, frozen=True, tag="stopping", kw_only=True):
    """Heard; `turn.ended` follows."""

    turn: str


class SettlingFrame(_Server, frozen=True, tag="settling", kw_only=True):
    """Heard; `approval.settled` follows."""

    turn: str
    call: str


class ResyncFrame(_Server, frozen=True, tag="resync", kw_only=True):
    """This cursor cannot be served: keep what you show until you have reloaded it over HTTP."""

    reason: Literal["expired", "unknown", "ahead"]
    turn: str = ""
    feed: bool = False


class HeartbeatFrame(_Server, frozen=True, tag="heartbeat", kw_only=True):
    at: int


class PongFrame(_Server, frozen=True, tag="pong", kw_only=True):
    """The answer to a ping."""


class ReconnectFrame(_Server, frozen=True, tag="reconnect", kw_only=True):
    """The server is going down; everything goes on after you come back."""

    after_ms: int


class ErrorFrame(_Server, frozen=True, tag="error", kw_only=True):
    """One sentence for the user and a stable code; of a frame that does not fit also what was expected."""

    code: str
    message: str
    retryable: bool = False
    retry_after_s: float | None = None
    expected: str = ""
    got: str = ""


ServerFrame = (
    HelloFrame
    | AcceptedFrame
    | FollowingFrame
    | UnfollowedFrame
    | StoppingFrame
    | SettlingFrame
    | ResyncFrame
    | HeartbeatFrame
    | PongFrame
    | ReconnectFrame
    | ErrorFrame
)
"""Two more server frames are not built from structs, since they carry a log entry's bytes as they are:
`{"type":"event","turn":…,"seq":…,"event":{…}}` and `{"type":"feed","seq":…,"event":{…}}` (`views.websocket`)."""

client_decoder: msgspec.json.Decoder[ClientFrame] = msgspec.json.Decoder(ClientFrame)
_encoder = msgspec.json.Encoder()


def encode_frame(frame: ServerFrame) -> str:
    return _encoder.encode(frame).decode()
