"""What people write into QUARTERDECK_DATABASE_URL, and what is said about it when it cannot be used."""

from __future__ import annotations

import pytest

from quarterdeck.errors import SetupError
from quarterdeck.postgres_url import parse_postgres_url


@pytest.mark.parametrize(
    ("url", "dsn", "place"),
    [
        ("postgres://ann@db/deck", "postgresql://ann@db/deck", "db/deck"),
        ("postgresql://ann:pw@db:6543/deck", "postgresql://ann:pw@db:6543/deck", "db:6543/deck"),
        ("postgresql://[::1]:5432/deck", "postgresql://[::1]:5432/deck", "[::1]:5432/deck"),
        ("postgresql://a:1,b:2/deck", "postgresql://a:1,b:2/deck?target_session_attrs=read-write", "a:1,b:2/deck"),
        ("postgresql:///deck?host=/run/pg", "postgresql:///deck?host=%2Frun%2Fpg", "/run/pg/deck"),
        ("postgresql://db/deck?ssl=true", "postgresql://db/deck?sslmode=require", "db/deck"),
        ("postgresql://db/deck?ssl=verify-full", "postgresql://db/deck?sslmode=verify-full", "db/deck"),
        (
            "postgresql://db/deck?sslmode=verify-ca&sslrootcert=/etc/ca.pem",
            "postgresql://db/deck?sslmode=verify-ca&sslrootcert=%2Fetc%2Fca.pem",
            "db/deck",
        ),
    ],
)
def test_the_forms_that_libpq_knows_are_understood(url: str, dsn: str, place: str) -> None:
    found = parse_postgres_url(url)
    assert (found.dsn, found.place) == (dsn, place)


@pytest.mark.parametrize(
    ("url", "password"),
    [
        ("postgresql://ann:s%40cret%23@db/deck", "s@cret#"),
        ("postgresql://ann@db/deck?password=secret", "secret"),
        ("postgresql://ann@db/deck", ""),
    ],
)
def test_the_password_is_known_so_that_it_can_be_kept_out_of_the_logs(url: str, password: str) -> None:
    found = parse_postgres_url(url)
    assert found.password == password
    assert not password or password not in found.place


@pytest.mark.parametrize(("text", "seconds"), [("", 3.0), ("?connect_timeout=7", 7.0), ("?connect_timeout=0", 3.0)])
def test_nobody_waits_for_a_connection_for_ever(text: str, seconds: float) -> None:
    found = parse_postgres_url(f"postgresql://db/deck{text}")
    assert found.connect_timeout_s == seconds
    assert "connect_timeout" not in found.dsn


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("postgresql://ann:hidden@db/deck?sslmod=require", "sslmod"),
        ("postgresql://ann:hidden@db/deck?sslmode=maybe", "maybe"),
        ("postgresql://ann:hidden@db/deck?sslmode", "name=value"),
        ("postgresql://ann:hidden@db/deck?connect_timeout=soon", "connect_timeout"),
        ("postgresql://ann:hidden@db:port/deck", "port"),
        ("postgresql://ann:hidden@db:0/deck", "port"),
        ("postgresql://ann:hid@den@db/deck", "%40"),
        ("postgresql://ann:hid#den@db/deck", "%23"),
        ("postgresql://ann:hidden@[::1/deck", "bracket"),
        ("mysql://ann:hidden@db/deck", "postgresql://"),
    ],
)
def test_what_cannot_be_used_is_named_without_the_password(url: str, named: str) -> None:
    with pytest.raises(SetupError, match=r"QUARTERDECK_DATABASE_URL") as caught:
        parse_postgres_url(url)
    assert named in caught.value.message
    assert "hid" not in caught.value.message
