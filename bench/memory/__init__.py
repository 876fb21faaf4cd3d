"""How well and how fast recall finds: `python bench/memory/run.py --help`, `python bench/memory/scale.py --help`."""
