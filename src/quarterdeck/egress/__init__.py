"""Egress: the one HTTP client for addresses that a user or a model can influence.

It asks the name service itself, judges what came back, connects to exactly that, and looks again at whom it is
connected to. Not for what an admin enters (providers, identity issuers): those may be on this very machine.

May import: `domain`, `errors`, `config`, `diagnostics`. Start at `client.py`; `connecting.py`
connects to what was judged, `addresses.py` says which addresses are the public internet. To allow more, write it into
`QUARTERDECK_EGRESS_ALLOW`: there is no other way around.
"""
