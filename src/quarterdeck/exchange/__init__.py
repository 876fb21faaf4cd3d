"""What people bring along from elsewhere, and what they take away: import and export.

May import accounts, store, domain. Start reading with `importing.py` (one file, from its first byte to the report)
and `lines.py` (what an export is). An import goes through these, in this order:

    opened.py      the file: plain or a zip, its members as streams, bounded
    recognising.py whose export it is, by what is in it
    pieces.py      a stream of JSON cut into its elements, so that no file is ever held as a whole
    formats/       one element to a `DraftConversation` (draft.py), one module for each vendor
    arranging.py   the messages of a draft as a tree that holds together, parents first
    writing.py     a draft into the database, some messages at a time

To add a vendor: a module in `formats/` that knows its elements and reads them, and its line in `recognising.FORMATS`.
"""
