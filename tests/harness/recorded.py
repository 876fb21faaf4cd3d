"""A conversation with a server as frames on the wire, recorded once and held again with later servers.

Placeholders (`$model`, `$key-1`, `$chat`, `$turn`, `$answer`) stand for what differs each time.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx2
from tests.harness.full_client import Frame, new_name, open_full
from tests.harness.simple_client import open_simple

Shape = dict[str, "Shape"] | list["Shape"] | str
"""Names of an object's fields with their shapes, a list with its first element's, or the name of a JSON type."""


async def speak(port: int, key: str, says: list[Frame], model: str) -> list[Frame]:
    """Say one frame after the other, each when the one before was answered to its end; all that was heard."""
    known = {"$model": model, "$key-1": new_name("key"), "$key-2": new_name("key"), "$chat": new_name("chat")}
    heard: list[Frame] = []
    async with open_full(port, key) as client:
        heard.append(client.hello)
        for said in says:
            frame = {name: known.get(str(value), value) for name, value in said.items()}
            for transcript in client.transcripts.values():
                transcript.clear()
            reply = await client.ask_as(frame)
            heard.append(reply)
            known |= {f"${name}": reply[name] for name in ("turn", "answer") if reply["type"] == "accepted"}
            if reply["type"] in ("accepted", "following") and "turn" in reply:
                heard += [
                    {"type": "event", "turn": reply["turn"], "seq": seq, "event": event}
                    for seq, event in await client.until_ended(reply["turn"], 20)
                ]
        heard += [{"type": "feed", "seq": seq, "event": event} for seq, event in client.feed]
    return heard


async def speak_simply(port: int, key: str, model: str) -> list[Frame]:
    """The four-field frames of two messages and of a mistake."""
    async with open_simple(port, key) as client:
        frames = await client.ask("Hello", "c1", model=model)
        frames += await client.ask("And again", "c1", model=model)
        await client.say({"chatId": "c1"})
        return [*frames, await client.next()]


def read_pages(http: httpx2.Client, paths: list[str]) -> dict[str, Any]:
    return {path: http.get(path).json() for path in paths}


def shape_of(value: Any) -> Shape:
    match value:
        case dict():
            return {name: shape_of(held) for name, held in value.items()}
        case list():
            return [shape_of(value[0])] if value else []
        case bool():
            return "bool"
        case int() | float():
            return "number"
        case None:
            return "null"
        case _:
            return "string"


def find_missing(recorded: Shape, now: Shape, place: str = "") -> list[str]:
    """What an old client relies on and does not find any more; more than it knows is no harm."""
    match recorded, now:
        case dict(), dict():
            wrong = []
            for name, held in recorded.items():
                if name not in now:
                    wrong.append(f"{place}.{name} is gone")
                else:
                    wrong += find_missing(held, now[name], f"{place}.{name}")
            return wrong
        case [inner, *_], [found, *_]:
            return find_missing(inner, found, f"{place}[0]")
        case [_, *_], []:
            return [f"{place} is empty"]
        case list(), list():
            return []
        case _ if recorded == now:
            return []
    return [f"{place} was {recorded} and is {now}"]


def run_of(frames: list[Frame]) -> list[str]:
    """The kinds of what came, pieces of text as one."""
    kinds = [frame["event"]["type"] if frame["type"] == "event" else frame["type"] for frame in frames]
    return [kind for number, kind in enumerate(kinds) if kind != "text.delta" or kinds[number - 1] != kind]


async def record(port: int, key: str, says: list[Frame], paths: list[str], model: str) -> str:
    """What a fixture holds: how it was made is how it is used."""
    heard = await speak(port, key, says, model)
    simple = await speak_simply(port, key, model)
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}", headers={"authorization": f"Bearer {key}"}) as http:
        pages = await asyncio.to_thread(read_pages, http, paths)
    made = {
        "says": says,
        "run": run_of([frame for frame in heard if frame["type"] != "feed"]),
        "frames": [shape_of(frame) for frame in heard],
        "kinds": [frame["event"]["type"] if "event" in frame else frame["type"] for frame in heard],
        "simple": simple,
        "pages": {path: shape_of(page) for path, page in pages.items()},
    }
    return json.dumps(made, indent=1)
