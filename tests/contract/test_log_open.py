"""Which log and bell the settings lead to."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.contract.log_stores import bodies, shared_postgres, shared_redis

from quarterdeck.config import Settings
from quarterdeck.errors import SetupError
from quarterdeck.log.open import open_log


@pytest.mark.parametrize(
    ("is_redis", "is_postgres", "kinds"),
    [
        (False, False, ("SqlLog", "LocalBell")),
        (True, False, ("SharedLog", "RedisBell")),
        (False, True, ("SharedLog", "PostgresBell")),
        (True, True, ("SharedLog", "RedisBell")),
    ],
)
async def test_the_settings_choose_the_log_and_the_bell(
    tmp_path: Path, is_redis: bool, is_postgres: bool, kinds: tuple[str, str]
) -> None:
    settings = Settings(
        data_dir=tmp_path,
        redis_url=shared_redis() if is_redis else "",
        database_url=shared_postgres() if is_postgres else "",
    )
    log, bell = await open_log(settings)
    assert (type(log).__name__, type(bell).__name__) == kinds
    await log.append("chosen", 1, bodies(1))
    assert len(await log.read("chosen", 0)) == 1
    await log.drop("chosen")
    await bell.close()
    await log.close()


@pytest.mark.parametrize("name", ["redis_url", "database_url"])
async def test_a_server_that_is_not_there_is_one_sentence_without_its_password(tmp_path: Path, name: str) -> None:
    scheme = "redis" if name == "redis_url" else "postgresql"
    with pytest.raises(SetupError) as caught:
        await open_log(Settings(data_dir=tmp_path, **{name: f"{scheme}://me:open-sesame@127.0.0.1:1/0"}))
    assert "does not answer" in caught.value.message
    assert "open-sesame" not in caught.value.message + caught.value.detail
