"""`quarterdeck chat`: the terminal. `command.py` is the command, `place.py` finds the server, `screen.py` shows.

All of it goes through `quarterdeck.client`. To add a command of a conversation (`/…`): `session.py`.
"""
