"""Context: what the model sees in one step, within a token budget, and the manifest of it.

May import: `accounts`, `providers`, `store`, `domain`. Start at `build.py`. Order of what is sent:
stable prefix first (instructions), then the messages; what changes comes last. To add a kind of
content: gather it in a file of its own, place it in `build.py`, list it in the manifest.
"""
