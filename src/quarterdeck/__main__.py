"""The `quarterdeck` command, and `python -m quarterdeck`.

Loading the house makes a hundred thousand objects that all stay; a collector that looks through them
again and again on the way costs a tenth of the start. The server turns it on again when it is ready, other
commands when they begin.
"""

from __future__ import annotations

import gc
import importlib


def main() -> None:
    gc.disable()
    importlib.import_module("quarterdeck.cli.main").main()


if __name__ == "__main__":
    main()
