"""The commands. `main.py` is their table; a file for each group of them.

A command reads its settings (`options.py`), calls one function of the rooms below, prints what it says.
What only one command needs and takes long to load comes through `importlib`: every command pays for imports.
May import: everything below.
"""
