"""Providers: speak to model APIs and translate their streams into `domain.step` deltas.

May import: `domain`, `errors`, `config`. Start at `base.py` (the contract), then `http_provider.py` (what
all vendors share) and `openai_compatible.py` (one dialect). `registry.py` knows which are connected.
To add a vendor that speaks OpenAI's dialect: one row in `presets.py`. Another dialect: one adapter
(`dialect.py` says what it owes), its line in `registry.py` and its row in the contract suite `tests/contract/`.
"""
