"""Views: events to one wire format each. They know no socket, no log and no database.

May import: `domain`, `errors`, `store` rows. `simple.py` (the four-field frames), `websocket.py` and
`frames.py` (quarterdeck.v1), `sse.py`, `long_poll.py`, `ui_message_stream.py` (Vercel's AI SDK), `ag_ui.py`,
`documents.py` (what HTTP answers with). To add a surface: a file that turns events into its frames, and its row in
the surface matrix of `tests/conformance/`.
"""
