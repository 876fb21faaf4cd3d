"""`python dying_command.py N backup …`: the `quarterdeck` command, killed before its Nth word to a database.

A word is a statement or the end of a transaction. With N = 0 it lives, and says how many words it had. Protections
are switched off as in `weakened.py`.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from sqlalchemy import Engine, event
from tests.harness.weakened import weaken

from quarterdeck.__main__ import main

_at = int(sys.argv.pop(1))
_seen = 0


def _count(*_: Any) -> None:
    global _seen
    _seen += 1
    if _seen == _at:
        os.kill(os.getpid(), signal.SIGKILL)


weaken()
event.listen(Engine, "before_cursor_execute", _count)
event.listen(Engine, "commit", _count)
try:
    main()
finally:
    if not _at:
        sys.stderr.write(f"words: {_seen}\n")
