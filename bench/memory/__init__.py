"""How well and how fast recall finds: `run.py`, `scale.py`, `nearest.py`, `indexing.py`; each has `--help`."""
