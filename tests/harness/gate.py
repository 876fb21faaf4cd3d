"""`python gate.py serve …`: the `quarterdeck` command with other limits for who is admitted.

The product knows nothing of it, and has no such setting.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from tests.harness.server import Server

from quarterdeck.__main__ import main
from quarterdeck.turns import admission

VARIABLE = "TEST_GATE"
OPEN = {"MAX_RECORDING": 1_000_000, "MAX_WAIT_S": 1e9, "MOST": 1e6, "LEAST": 1e6, "LEAST_OF_ALL": 1e6}
CLOSED = {"MAX_RECORDING": 0, "MAX_WAIT_S": 0.0}


def with_gate(server: Server, **limits: float) -> Server:
    """The server, not started yet, with these in the place of the constants of `turns/admission.py`."""
    server.command = [sys.executable, __file__]
    server.environment["PYTHONPATH"] = str(Path(__file__).parents[2])
    server.environment[VARIABLE] = json.dumps(limits)
    return server


if __name__ == "__main__":
    vars(admission).update(json.loads(os.environ[VARIABLE]))
    main()
