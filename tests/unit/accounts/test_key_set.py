"""Published keys: kept for an hour, asked for at most once a minute, and the last ones count while none can be had."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.fakes.signing import SigningKey

from quarterdeck.accounts.identities.key_set import KEEP_S, PATIENCE_S, KeySet
from quarterdeck.accounts.identities.person import SignInRefusedError

OLD, NEW, NEWER = SigningKey("old"), SigningKey("new"), SigningKey("newer")


class Publisher:
    """What the issuer shows, and a clock."""

    def __init__(self, *keys: SigningKey) -> None:
        self.keys = list(keys)
        self.is_down = False
        self.fetches = 0
        self.now_s = 1_000.0
        self.set = KeySet(self.fetch, lambda: self.now_s)

    async def fetch(self) -> dict[str, Any]:
        self.fetches += 1
        await asyncio.sleep(0)
        if self.is_down:
            raise SignInRefusedError("down", "provider_down")
        return {"keys": [key.public for key in self.keys]}

    async def has(self, key: SigningKey) -> bool:
        return await self.set.find(key.kid, "RS256") is not None


async def test_known_keys_are_asked_for_once_an_hour() -> None:
    publisher = Publisher(OLD)
    for minute in range(60):
        publisher.now_s = 1_000.0 + minute * 60
        assert await publisher.has(OLD)
    assert publisher.fetches == 1
    publisher.now_s = 1_000.0 + KEEP_S
    assert await publisher.has(OLD)
    assert publisher.fetches == 2


async def test_a_new_key_is_found_a_minute_after_the_last_request_at_the_latest() -> None:
    publisher = Publisher(OLD)
    assert await publisher.has(OLD)
    publisher.keys.append(NEW)
    assert not await publisher.has(NEW), "within the minute nothing is asked"
    publisher.now_s += PATIENCE_S
    assert await publisher.has(NEW)
    assert await publisher.has(OLD), "while it is published, the old one counts"
    assert publisher.fetches == 2


async def test_a_key_that_is_published_no_longer_is_refused_after_the_next_request() -> None:
    publisher = Publisher(OLD)
    assert await publisher.has(OLD)
    publisher.keys = [NEW]
    publisher.now_s += PATIENCE_S
    assert await publisher.has(NEW)
    assert not await publisher.has(OLD)
    publisher.now_s += KEEP_S
    publisher.keys = [NEWER]
    assert not await publisher.has(NEW)


async def test_of_unknown_keys_a_thousand_at_once_one_request_is_made_a_minute() -> None:
    publisher = Publisher(OLD)
    for _ in range(5):
        found = await asyncio.gather(*(publisher.set.find(f"kid-{n}", "RS256") for n in range(1_000)))
        assert not any(found)
        publisher.now_s += PATIENCE_S
    assert publisher.fetches == 5


async def test_all_who_ask_while_the_keys_are_on_their_way_get_them() -> None:
    publisher = Publisher(OLD)
    assert all(await asyncio.gather(*(publisher.has(OLD) for _ in range(20))))
    assert publisher.fetches == 1


async def test_while_the_key_server_is_down_the_last_keys_count_and_it_is_asked_once_a_minute() -> None:
    publisher = Publisher(OLD)
    assert await publisher.has(OLD)
    publisher.is_down = True
    publisher.now_s += KEEP_S * 3
    for _ in range(100):
        assert await publisher.has(OLD)
    assert publisher.fetches == 2
    publisher.now_s += PATIENCE_S
    publisher.is_down = False
    assert await publisher.has(OLD)
    assert publisher.fetches == 3


async def test_keys_of_the_wrong_kind_are_not_used() -> None:
    publisher = Publisher(SigningKey("short", 1024), OLD)
    assert await publisher.set.find("short", "RS256") is None
    for algorithm in ("PS256", "ES256", "EdDSA", "HS256", "none", ""):
        assert await publisher.set.find("old", algorithm) is None
    assert await publisher.set.find("", "RS256") is not None, "the only one need not be named"
    publisher.keys.append(NEW)
    publisher.now_s += KEEP_S
    assert await publisher.set.find("", "RS256") is None


async def test_what_is_no_key_is_left_out() -> None:
    async def fetch() -> dict[str, Any]:
        private = OLD.public | {"kid": "private", "d": OLD.public["n"]}
        secret = {"kty": "oct", "kid": "secret", "k": "c2VjcmV0"}
        encryption = OLD.public | {"kid": "encryption", "use": "enc"}
        broken = {"kty": "RSA", "kid": "broken", "n": "!", "e": "AQAB"}
        return {"keys": [private, secret, encryption, broken, 1, None, [], {}, OLD.public | {"kid": "good"}]}

    keys = KeySet(fetch)
    for kid in ("private", "secret", "encryption", "broken"):
        assert await keys.find(kid, "RS256") is None, kid
    assert await keys.find("good", "RS256") is not None
