"""Compressed bodies give what was packed, and never more than was agreed."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quarterdeck.egress.inflate import Inflate
from quarterdeck.errors import FetchError


def raw(content: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(content) + packer.flush()


PACK: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "identity": bytes,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "DEFLATE": raw,
}


@pytest.mark.parametrize("encoding", PACK)
@given(content=st.binary(min_size=1, max_size=2_000), cut=st.integers(0, 100))
def test_any_body_in_any_two_pieces_comes_out_whole(encoding: str, content: bytes, cut: int) -> None:
    packed = PACK[encoding](content)
    inflate = Inflate(encoding, 2_000)
    cut = max(cut, 2)  # a head of two bytes is what tells the two kinds of deflate apart
    assert inflate.add(packed[:cut]) + inflate.add(packed[cut:]) == content
    inflate.end()


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_bomb_is_not_unpacked(encoding: str) -> None:
    bomb = PACK[encoding](b"\0" * 50_000_000)
    inflate = Inflate(encoding, 100_000)
    with pytest.raises(FetchError, match="more than is taken"):
        inflate.add(bomb)


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "compress", "x"])
def test_an_encoding_that_was_not_asked_for_is_refused(encoding: str) -> None:
    with pytest.raises(FetchError):
        Inflate(encoding, 100)


def test_a_body_that_is_damaged_or_cut_is_no_body() -> None:
    with pytest.raises(FetchError):
        Inflate("gzip", 100).add(b"no gzip at all")
    cut = Inflate("gzip", 100)
    cut.add(gzip.compress(b"x" * 50)[:20])
    with pytest.raises(FetchError):
        cut.end()
