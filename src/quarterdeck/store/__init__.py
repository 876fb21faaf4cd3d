"""The store: tables, repositories and migrations. SQL is the record.

May import: `domain`, `errors`, `config`. Start at `tables.py`; then `database.py` says how a function
of a connection is run. Each noun has a file of functions `fn(connection, …)`: they are synchronous
SQLAlchemy Core, so that one writer thread (SQLite) and a pool (PostgreSQL) can run the same code.
To add a table: `tables.py`, a migration under `migrations/versions/`, a file for its noun.
"""
