"""The log's tables and the function that appends, in the same PostgreSQL database as everything else.

The log makes them itself when it opens: they hold the moment and may be dropped, and Alembic's migrations keep the
record. A change of the function gets a new name, so that two versions of Quarterdeck can run side by side.
"""

from __future__ import annotations

SCHEMA_LOCK = 7_302_114_668

IS_MADE = "SELECT to_regprocedure('log_expire_1(int)') IS NOT NULL"  # the last one that is made

SCHEMA = """
CREATE OR REPLACE FUNCTION log_now_ms() RETURNS bigint LANGUAGE sql AS
    'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint';
CREATE TABLE IF NOT EXISTS log_heads (
    name text COLLATE "C" PRIMARY KEY,
    first bigint NOT NULL,
    last bigint NOT NULL,
    finished boolean NOT NULL DEFAULT false,
    drop_at bigint NOT NULL  -- milliseconds since 1970
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);
CREATE INDEX IF NOT EXISTS log_heads_drop_at ON log_heads (drop_at);
CREATE TABLE IF NOT EXISTS log_entries (
    name text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (name, seq)
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.5,
        autovacuum_vacuum_cost_delay = 0);

-- Appends of many logs, each whole or not at all. One letter for each: w written, s stale, l lost.
-- seqs, counts and begun are of the logs in names; owners says whose each body is, by its place there, from 1.
CREATE OR REPLACE FUNCTION log_append_1(
    names text[], seqs bigint[], counts int[], begun bool[], owners int[], bodies bytea[], feeds text[], rings text[]
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    verdicts text;
    left_over bigint := log_now_ms() + 2592000000;  -- 30 days: `LEFT_OVER_S`
BEGIN
    PERFORM 1 FROM log_heads h WHERE h.name = ANY (names) ORDER BY h.name FOR UPDATE;  -- in order: no deadlock
    WITH wanted AS (
        SELECT * FROM unnest(names, seqs, counts, begun) WITH ORDINALITY AS w (name, seq, count, begins, no)
    ), made AS (
        INSERT INTO log_heads (name, first, last, drop_at)
        SELECT w.name, w.seq, w.seq + w.count - 1, left_over FROM wanted w
        WHERE (w.begins OR w.seq = 1) AND NOT EXISTS (SELECT 1 FROM log_heads h WHERE h.name = w.name)
        ORDER BY w.name ON CONFLICT (name) DO NOTHING RETURNING name
    ), moved AS (
        UPDATE log_heads h SET last = w.seq + w.count - 1
        FROM wanted w WHERE h.name = w.name AND h.last = w.seq - 1 AND NOT h.finished AND NOT w.begins
        RETURNING h.name
    ), written AS (
        SELECT w.* FROM wanted w WHERE w.name IN (SELECT name FROM made UNION ALL SELECT name FROM moved)
    ), inserted AS (
        INSERT INTO log_entries (name, seq, body)
        SELECT w.name, w.seq + row_number() OVER (PARTITION BY b.owner ORDER BY b.at) - 1, b.body
        FROM unnest(owners, bodies) WITH ORDINALITY AS b (owner, body, at) JOIN written w ON w.no = b.owner
    )
    SELECT string_agg(
        CASE WHEN EXISTS (SELECT 1 FROM written v WHERE v.no = w.no) THEN 'w'
             WHEN w.seq = 1 OR w.begins OR EXISTS (SELECT 1 FROM log_heads h WHERE h.name = w.name) THEN 's'
             ELSE 'l' END, '' ORDER BY w.no)
    INTO verdicts FROM wanted w;
    IF cardinality(feeds) > 0 THEN
        UPDATE log_heads h SET drop_at = left_over WHERE h.name = ANY (feeds) AND h.drop_at < left_over - 86400000;
        WITH long AS (
            UPDATE log_heads h SET first = h.last - 999  -- `FEED_KEEP`, and some slack
            WHERE h.name = ANY (feeds) AND h.last - h.first >= 1250 RETURNING h.name, h.first
        )
        DELETE FROM log_entries e USING long WHERE e.name = long.name AND e.seq < long.first;
    END IF;
    IF position('w' IN verdicts) > 0 THEN
        PERFORM pg_notify('quarterdeck_log', ring) FROM unnest(rings) AS ring;
    END IF;
    RETURN verdicts;
END $$;

CREATE OR REPLACE FUNCTION log_drop_1(names text[]) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM log_heads h WHERE h.name = ANY (names) ORDER BY h.name FOR UPDATE;  -- appends come before or after
    DELETE FROM log_entries e WHERE e.name = ANY (names);
    DELETE FROM log_heads h WHERE h.name = ANY (names);
    RETURN cardinality(names);
END $$;

CREATE OR REPLACE FUNCTION log_expire_1(at_most int) RETURNS int LANGUAGE sql AS $$
    SELECT log_drop_1(ARRAY(
        SELECT name FROM log_heads WHERE drop_at <= log_now_ms() ORDER BY name LIMIT at_most FOR UPDATE SKIP LOCKED))
$$;
"""

APPEND = "SELECT log_append_1($1, $2, $3, $4, $5, $6, $7, $8)"

LOOK = """
SELECT w.no, h.first, h.last, h.finished, e.seq, e.body
FROM unnest($1::text[], $2::bigint[], $3::int[]) WITH ORDINALITY AS w (name, after, count, no)
JOIN log_heads h ON h.name = w.name
LEFT JOIN LATERAL (
    SELECT seq, body, sum(octet_length(body)) OVER (ORDER BY seq) - octet_length(body) AS before
    FROM (SELECT seq, body FROM log_entries WHERE name = w.name AND seq > w.after ORDER BY seq LIMIT w.count) AS next
) AS e ON e.before < $4
ORDER BY w.no, e.seq
"""
"""$1 to $3: names, after, at most; $4: bytes of each. A row for each entry, at least one for each log that is there."""

FINISH = """
WITH done AS (
    UPDATE log_heads SET finished = true, drop_at = log_now_ms() + $2 WHERE name = $1 RETURNING name
)
SELECT pg_notify('quarterdeck_log', $3) FROM done
"""

DROP = "SELECT log_drop_1(ARRAY[$1]), pg_notify('quarterdeck_log', $2)"
EXPIRE = "SELECT log_expire_1($1)"
SIZE = "SELECT pg_total_relation_size('log_heads') + pg_total_relation_size('log_entries')"

CHANNEL = "quarterdeck_log"
