"""What the tests of a running server share: the server itself, its clients, its upstream, and the checks.

Everything here goes through the public door: the command line, HTTP and sockets. Start at `server.py`.
"""
