"""The words of the house: parts, events, usage, requests to a model, and `fold(events) -> message`.

May import: `errors` only, and msgspec. No I/O, no clock but in `ids`.
Start at `events.py`, then `fold.py`. To add an event: a class in `events.py`, a branch in `fold.py`
and in `web-ui/src/shared/log/fold.ts`, a fixture in `tests/fixtures/folds/`; then `scripts/generate`.
"""
