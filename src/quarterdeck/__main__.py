"""The `quarterdeck` command, and `python -m quarterdeck`.

Loading the house makes a hundred thousand objects that all stay; a collector that looks through them
again and again on the way costs a tenth of the start. The server turns it on again when it is ready, other
commands when they begin.

FastAPI asks of every type whether it is of Pydantic's first version, and loads that to find out. Here none is, so
there is no such module.
"""

from __future__ import annotations

import gc
import importlib
import sys


def prepare() -> None:
    gc.disable()
    sys.modules.setdefault("pydantic.v1", None)  # type: ignore[arg-type]  # how Python is told so


def main() -> None:
    prepare()
    importlib.import_module("quarterdeck.cli.main").main()


if __name__ == "__main__":
    main()
