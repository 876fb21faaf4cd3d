"""The log: append to and follow one append-only log of events per turn.

`sql.py` is the default backend: a `writer` thread that keeps the `ledger` in an SQLite file of its own
(`sql_file`), and the newest entries in memory (`tail`).

May import: `domain`, `errors`, `config`. Start at `base.py` (six verbs), then `follow.py`, the only
reader. To add a backend: the six verbs, and its row in `tests/contract/test_log_contract.py`.
"""
