"""pgvector: where PostgreSQL has it, an owner's vectors are compared there, and no process reads them all into memory.

The column `point` of `vectors` is made beside the tables of the record, where the extension is there or may be made: a
`halfvec` of the same numbers, which holds signed bytes exactly. The database fills it as rows come in, so who writes,
copies or deletes vectors need not know of it. Up to 50,000 of an owner are compared one by one; of more an HNSW index
gives the nearest, with the owner as a filter.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import BindParameter, Connection, Integer, bindparam, select, text
from sqlalchemy.exc import DBAPIError

from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.tables import vectors
from quarterdeck.store.vectors import VectorRow

MOST_EXACT = 50_000  # of an owner and model
_NO_RIGHT = "42501"
_OLDEST = (0, 8)  # iterative scans, without which a filtered search finds too few
_MOST_DIMENSIONS = 4_000  # that an HNSW index of `halfvec` takes
_LOOKED_AT = 400  # at least so many does the index give, best first: fewer, and it misses some of the nearest
_REMEMBERED_S = 300.0
_MOST_REMEMBERED = 10_000

_AVAILABLE = text("SELECT default_version FROM pg_available_extensions WHERE name = 'vector'")
_VERSION = text("SELECT extversion FROM pg_extension WHERE extname = 'vector'")
_COLUMN = text(
    "SELECT EXISTS (SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass('vectors') AND attname = 'point' "
    "AND NOT attisdropped)"
)
_IS_INDEXED = text("SELECT count(*) FROM pg_index WHERE indexrelid = to_regclass(:name) AND indisvalid")
_WITHOUT = "point IS NULL AND length(vector) > 0"
_MAKE = (
    "CREATE EXTENSION IF NOT EXISTS vector",
    "ALTER TABLE vectors ADD COLUMN IF NOT EXISTS point halfvec",
    "CREATE OR REPLACE FUNCTION vectors_point(given bytea) RETURNS halfvec LANGUAGE sql IMMUTABLE STRICT "
    "PARALLEL SAFE AS $$ SELECT array_agg(((get_byte(given, at) + 128) % 256 - 128)::real ORDER BY at)::halfvec "
    "FROM generate_series(0, length(given) - 1) AS at $$",
    "CREATE OR REPLACE FUNCTION vectors_fill_point() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "IF length(NEW.vector) > 0 THEN NEW.point := vectors_point(NEW.vector); END IF; RETURN NEW; END $$",
    "CREATE OR REPLACE TRIGGER vectors_point BEFORE INSERT OR UPDATE OF vector ON vectors "
    "FOR EACH ROW EXECUTE FUNCTION vectors_fill_point()",
)
_NO_POINT = "ix_vectors_no_point"
_IS_WHOLE = text(f"SELECT NOT EXISTS (SELECT 1 FROM vectors WHERE {_WITHOUT})")  # nosec B608  # noqa: S608
_FILL = text(
    "UPDATE vectors SET point = vectors_point(vector) WHERE (key_id, model) IN "  # nosec B608  # noqa: S608
    f"(SELECT key_id, model FROM vectors WHERE {_WITHOUT} LIMIT :most)"
)
_COUNT = text(
    "SELECT count(*) FROM (SELECT 1 FROM vectors WHERE owner_id = :owner AND model = :model LIMIT :most) AS counted"
)
_LARGE = text("SELECT model FROM vectors GROUP BY owner_id, model HAVING count(*) > :most")
_DIMENSIONS = text("SELECT length(vector) FROM vectors WHERE model = :model AND length(vector) > 0 LIMIT 1")
# What has no direction has a distance of NaN, and vectors of another length cannot be compared at all.
_EXACTLY = text(
    "WITH own AS MATERIALIZED (SELECT key_id, vector, CASE WHEN vector_dims(point) = :size THEN "
    "point <=> CAST(CAST(:wanted AS text) AS halfvec) END AS distance "
    "FROM vectors WHERE owner_id = :owner AND model = :model) "
    "SELECT key_id, vector FROM own WHERE distance IS NOT NULL ORDER BY distance LIMIT :most"
)
# The planner takes the index only if the query has the very expressions of it, and sorting all looks cheap to it.
_NEARLY = (
    "SELECT key_id, vector FROM vectors WHERE owner_id = :owner AND model = :model AND vector_dims(point) = {size} "
    "ORDER BY point::halfvec({size}) <=> CAST(CAST(:wanted AS text) AS halfvec({size})) LIMIT :most"
)
_FOR_INDEX = text(
    "SELECT set_config('hnsw.iterative_scan', 'strict_order', true), set_config('hnsw.ef_search', :looked_at, true), "
    "set_config('hnsw.max_scan_tuples', '200000', true), set_config('enable_sort', 'off', true)"
)
_AS_BEFORE = text("SELECT set_config('enable_sort', 'on', true)")
_KEYS: BindParameter[Sequence[str]] = bindparam("keys", expanding=True)
_SOME = select(vectors.c.key_id, vectors.c.vector).where(
    vectors.c.key_id.in_(_KEYS), vectors.c.owner_id == bindparam("owner"), vectors.c.model == bindparam("model")
)
_FIRST = (
    select(vectors.c.key_id, vectors.c.vector)
    .where(vectors.c.owner_id == bindparam("owner"), vectors.c.model == bindparam("model"))
    .order_by(vectors.c.made_at, vectors.c.key_id)
    .limit(bindparam("most", type_=Integer))
)

_counts: dict[tuple[str, str, str], tuple[int, float]] = {}  # of database, owner, model: how many, when


class PgvectorStatus(Struct, frozen=True):
    """`version`: of the extension, empty where it is not; `available`: of what the server could load."""

    version: str
    available: str
    is_used: bool
    indexes: int


def read_status(connection: AnyConnection) -> PgvectorStatus | None:
    """None on SQLite."""
    if connection.dialect.name != "postgresql":
        return None
    made = connection.execute(
        text("SELECT count(*) FROM pg_index WHERE indisvalid AND indexrelid::regclass::text LIKE 'ix_vectors_point_%'")
    ).scalar_one()
    return PgvectorStatus(
        version=str(connection.execute(_VERSION).scalar() or ""),
        available=str(connection.execute(_AVAILABLE).scalar() or ""),
        is_used=is_ready(connection),
        indexes=int(made),
    )


def is_ready(connection: AnyConnection) -> bool:
    """Whether every vector can be compared by the database."""
    if connection.dialect.name != "postgresql" or not _is_valid(connection, _NO_POINT):
        return False
    return bool(connection.execute(_IS_WHOLE).scalar())


def make_column(connection: WriteConnection) -> bool:
    """False where the extension is not there, is too old, or may not be made by this user. It may be there already."""
    if connection.execute(_COLUMN).scalar():
        return True
    version = connection.execute(_VERSION).scalar() or connection.execute(_AVAILABLE).scalar()
    if not version or _parse(str(version)) < _OLDEST:
        return False
    try:
        with connection.begin_nested():
            for statement in _MAKE:
                connection.exec_driver_sql(statement)
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", "") == _NO_RIGHT:
            return False
        raise
    return True


def fill_some(connection: WriteConnection, most: int = 500) -> int:
    """Of vectors that were there before the column; how many were done."""
    return connection.execute(_FILL, {"most": most}).rowcount


def mark_statements(connection: AnyConnection) -> list[str]:
    """What makes the index of vectors without a point, if it is not there: as `index_statements`."""
    if _is_valid(connection, _NO_POINT):
        return []
    return [
        f"DROP INDEX CONCURRENTLY IF EXISTS {_NO_POINT}",
        f"CREATE INDEX CONCURRENTLY {_NO_POINT} ON vectors (key_id) WHERE {_WITHOUT}",
    ]


def list_missing_indexes(connection: AnyConnection) -> list[int]:
    """For vectors of which dimensions an index is wanted that is not there."""
    models = connection.execute(_LARGE, {"most": MOST_EXACT}).scalars()
    sizes = {int(connection.execute(_DIMENSIONS, {"model": model}).scalar() or 0) for model in set(models)}
    return sorted(size for size in sizes if 0 < size <= _MOST_DIMENSIONS and not _has_index(connection, size))


def index_statements(dimensions: int) -> list[str]:
    """To be run each by itself outside of a transaction: one that was broken off has left half an index."""
    size = int(dimensions)
    return [
        f"DROP INDEX CONCURRENTLY IF EXISTS {_index_of(size)}",
        f"CREATE INDEX CONCURRENTLY {_index_of(size)} ON vectors USING hnsw "
        f"((point::halfvec({size})) halfvec_cosine_ops) WHERE vector_dims(point) = {size}",
    ]


def find_near(connection: AnyConnection, owner: str, model: str, wanted: Sequence[float], most: int) -> list[VectorRow]:
    """An owner's nearest, best first: exactly, or of very many nearly all of them."""
    size = len(wanted)
    given = {"owner": owner, "model": model, "most": most, "wanted": f"[{','.join(map(repr, map(float, wanted)))}]"}
    if _count(connection, owner, model) <= MOST_EXACT or not _has_index(connection, size):
        return _rows(connection.execute(_EXACTLY, {**given, "size": size}))
    connection.execute(_FOR_INDEX, {"looked_at": str(min(1_000, max(_LOOKED_AT, 2 * most)))})
    found = _rows(connection.execute(text(_NEARLY.format(size=size)), given))
    connection.execute(_AS_BEFORE)
    return found


def read_some(connection: AnyConnection, owner: str, model: str, keys: Sequence[str]) -> list[VectorRow]:
    return _rows(connection.execute(_SOME, {"keys": list(keys), "owner": owner, "model": model})) if keys else []


def read_first(connection: AnyConnection, owner: str, model: str, most: int) -> list[VectorRow]:
    """Those that were made first."""
    return _rows(connection.execute(_FIRST, {"owner": owner, "model": model, "most": most}))


def _count(connection: AnyConnection, owner: str, model: str) -> int:
    """Up to a bound; of many, as it was a few minutes ago at most."""
    place = str(connection.engine.url), owner, model
    counted, at = _counts.get(place, (0, 0.0))
    if counted > MOST_EXACT and time.monotonic() - at < _REMEMBERED_S:
        return counted
    counted = int(connection.execute(_COUNT, {"owner": owner, "model": model, "most": MOST_EXACT + 1}).scalar_one())
    if len(_counts) >= _MOST_REMEMBERED:
        _counts.clear()
    _counts[place] = counted, time.monotonic()
    return counted


def _has_index(connection: Connection, dimensions: int) -> bool:
    return _is_valid(connection, _index_of(dimensions))


def _is_valid(connection: Connection, index: str) -> bool:
    return bool(connection.execute(_IS_INDEXED, {"name": index}).scalar())


def _index_of(dimensions: int) -> str:
    return f"ix_vectors_point_{dimensions}"


def _rows(found: object) -> list[VectorRow]:
    return [VectorRow(row.key_id, row.vector) for row in found]  # type: ignore[attr-defined]


def _parse(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
