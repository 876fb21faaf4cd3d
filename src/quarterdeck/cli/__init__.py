"""The commands. `main.py` is their table; a file for each group of them, loaded only when it is asked for.

A command reads its settings (`options.py`), calls one function of the rooms below, prints what it says.
What only one command needs and takes long to load comes through `importlib`: a file's commands pay for its imports.
May import: everything below.
"""
