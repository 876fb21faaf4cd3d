"""Turns: one request and everything done to answer it, surviving the process that does it.

May import: `context`, `accounts`, `providers`, `store`, `log`, `domain`. Start at `start.py`
(a request becomes a turn), `runner.py` (pumps the engine's events into the log, saves the answer),
`engine.py` (the loop, knows no log), `reaper.py` (takes over what a dead process left).
"""
