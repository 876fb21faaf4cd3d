"""Web: HTTP and WebSocket routes. Each authenticates, calls one function of a lower room, encodes.

May import: everything below. Start at `application.py` (the table of routes), then `house.py` (what a
route can reach). To add a route: a function in the file of its noun; nothing is decided here that the
terminal or a worker would need too.
"""
