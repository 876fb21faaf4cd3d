"""What Quarterdeck is compared with: the plain relay, and other people's programs, each in an environment of its own.

One more is a file with a `Peer`, and its line in `measure.PEERS`.
"""
