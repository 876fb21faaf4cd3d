"""The log: append to and follow one append-only log of events per turn.

`sql.py` is the default backend: a `writer` thread that keeps the `ledger` in an SQLite file of its own (`sql_file`;
`sql_format` says what stands in it, `ticks` what moves), and the newest entries in memory (`tail`). `shared.py` is for
several processes: `additions` go to a `backend` (Redis, PostgreSQL) together, and the `watch` brings what others
append. `bell.py` wakes other processes. `open.py` chooses.

May import: `domain`, `errors`, `config`, `postgres_url`. Start at `base.py` (six verbs), then `follow.py`, the only
reader. To add a backend: the six verbs, or what `backend.py` asks for, and its row in
`tests/contract/log_stores.py`.
"""
