"""The clients that several files of this folder drive."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.harness.front_ends import FrontEnds, open_front_ends


@pytest.fixture(scope="package")
def front_ends() -> Iterator[FrontEnds]:
    with open_front_ends() as opened:
        yield opened
