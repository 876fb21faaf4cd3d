"""Context: what the model sees in one step, within a token budget, and the manifest of it.

May import: `accounts`, `providers`, `store`, `domain`. Start at `build.py`, which says in which order things are sent;
`path.py` reads, `kept.py` knows what was read and written the last time, `rendering.py` and `times.py` say how things
are written, `texts.py` rebuilds what was sent from the manifest, `summarise.py` makes summaries in the background. To
add a kind of content: gather it in a file of its own, place it in `build.py`, give it a kind in `manifest.py` and its
text in `texts.py`.
"""
