"""Tools: what a model may call in a turn. Describe, validate, approve, run.

May import: `memory`, `accounts`, `providers`, `store`, `domain`. Start at `base.py` (what a tool is), then `toolbox.py`
(which ones a turn is offered) and `calling.py` (a call from the model's words to a result). To add a tool: a class with
a name, a description for the model, a JSON Schema and `run`, put into the toolbox where the house is put together. What
it returns of other people's text it marks with a taint; what it changes outside makes it a side effect, which a
tainted turn may only have with the user's approval.
"""
