"""Operations: what an administrator does to an installation: back up, restore, move, migrate, examine.

May import: `accounts`, `providers`, `store`, `log` and what is below. Start at `archive.py` (the file that a
backup is), then `backup.py` and `restore.py`. Each command has a file here with one function that does it; `cli/`
tells about it. A check of `doctor` is a function in one of the `checks_…` files, called in `doctor.py`.
"""
