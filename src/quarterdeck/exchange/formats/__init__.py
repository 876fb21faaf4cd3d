"""One module for each vendor's export: does an element look like it, and what conversation is it.

`fits(value)` says whether a decoded element is one of its conversations; `read(value)` makes a draft of it and notes
what of it is not taken over. Neither raises: whatever is missing or of another kind is left out.
"""
