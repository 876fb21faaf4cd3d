"""`python bench/run.py [SECTION…] [--out FILE]`: figures as Markdown, from one run on this machine."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))
    runpy.run_module("bench", run_name="__main__", alter_sys=True)
