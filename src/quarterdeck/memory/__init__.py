"""Memory: what is known about somebody across conversations, with where it came from and an undo.

May import: `accounts`, `providers`, `store`, `domain`. Start at `changing.py` (what a person does with a memory), then
`extraction.py` (how messages become memories, in the background), which goes through these:

    wording.py     how statements are compared
    own_words.py   what of a message is the writer's own
    deriving.py    what a cheap model is asked, and what its answer must look like
    statements.py  the gates that each statement passes or is rejected by
    merging.py     a statement that passed becomes a memory, joins one, or closes one

`staleness.py` follows changes of messages, `notes.py` is the page of it all, `portable.py` its export and import.
To add a gate: a function in `statements.GATES`, its cases in `tests/unit/memory/test_statements.py`.

Recall is `recall.py`: what was said, or is remembered, that a query is about.

    query.py                          what is asked, and what of its text leads anywhere
    finding.py                        one query: candidates are gathered, scored by each signal, put in order
    terms.py, dates.py, speakers.py   what is looked for, when it was, and whom a query means
    candidates.py, remembered.py      the messages that may be meant, in their talks, and what is known of them
    sections.py                       what the summaries of sections say of where it is
    lexical.py, ranking.py            how well words fit; the signals become one order
    embedding.py, indexing.py         what makes vectors, and when
    makers.py, spaces.py, prefixes.py   with which model, in which version of it, with what before the texts
    meaning.py, signs.py, local_model.py   numpy, loaded only where something makes vectors
    local_places.py, local_texts.py   where local models are and of which kind; what they have in common
    onnx_model.py, gguf_model.py      the other kinds of them
"""
