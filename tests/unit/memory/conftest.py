"""A database of the test's own, on each kind."""

from tests.unit.store.conftest import database, place

__all__ = ["database", "place"]
