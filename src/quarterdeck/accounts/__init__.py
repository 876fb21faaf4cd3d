"""Accounts: who is asking (one `authenticate`), what they may reach (`access_…`), and the server's secrets.

May import: `store`, `domain`, `errors`, `config`. Start at `authenticate.py`. To add a way to sign in:
a file that ends by opening a session (`sessions.py`); no transport checks anybody by itself.
"""
