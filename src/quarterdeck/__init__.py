"""Quarterdeck: a self-hosted AI chat server that keeps the log."""

__version__ = "0.1.0"
