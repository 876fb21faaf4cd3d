"""Conversations: what one does with one's own that is no turn: edit, branch, delete, fork, organise, and read.

May import: `memory`, `accounts`, `providers`, `store`, `domain`. Start at `editing.py`. A function here takes a
connection and whose it is, decides, and calls the store; routes tell the feed. To add something to do with a message:
a function in the file of its subject, its route in `web/messages.py`, and `derived.follow_change` in the same
transaction if what is said changes.
"""
