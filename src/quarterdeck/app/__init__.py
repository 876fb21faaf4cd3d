"""Puts the house together: the only place that knows all rooms.

May import: everything below. Start at `opening.py`: the rooms from the ground up, and closed from the top down.
`data.py` opens the data folder and the database, for commands that need no more; `serving.py` makes the application.
"""
