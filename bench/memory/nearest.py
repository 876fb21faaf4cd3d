"""`python bench/memory/nearest.py`: of more vectors than are compared one by one, how many of the nearest are found.

The vectors are around centres, as those of sentences are; the fewer centres, the more there is in each to tell apart.
What is found is held against the comparison of all of them. CPU time is of one question.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from bench.memory.filling import DIMENSIONS, clustered, packed  # noqa: E402
from bench.tables import median, table  # noqa: E402
from quarterdeck.memory import meaning  # noqa: E402
from quarterdeck.memory.meaning import Vectors  # noqa: E402
from quarterdeck.store.vectors import VectorRow  # noqa: E402

_SOME = 10_000
_LISTS = (10, 150)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vectors", type=int, default=150_000)
    parser.add_argument("--centres", type=int, nargs="+", default=[12, 40, 1_000])
    parser.add_argument("--questions", type=int, default=20)
    options = parser.parse_args()
    rows = [_row(centres, options.vectors, options.questions) for centres in options.centres]
    head = ["centres", *(f"found of {most}" for most in _LISTS), "CPU ms", "exactly, CPU ms", "MB in memory"]
    print(table(head, rows))


def _row(count: int, vectors: int, questions: int) -> list[str]:
    random = np.random.default_rng(count)
    shared = random.standard_normal((1, DIMENSIONS), dtype=np.float32)
    centres = shared + random.standard_normal((count, DIMENSIONS), dtype=np.float32)
    kept = Vectors()
    for start in range(0, vectors, _SOME):
        some = packed(clustered(_SOME, centres))
        kept.add(VectorRow(f"{start + n:026}", vector.tobytes()) for n, vector in enumerate(some))
    shares: dict[int, list[float]] = {most: [] for most in _LISTS}
    taken: dict[int, list[float]] = {meaning._EXACT: [], vectors: []}
    kept.find(clustered(1, centres)[0].tolist(), 1)  # makes the signs
    for wanted in clustered(questions, centres).tolist():
        found = {}
        for exact in taken:
            meaning._EXACT = exact
            begun = time.process_time()
            found[exact] = list(kept.find(wanted, max(_LISTS)))
            taken[exact].append((time.process_time() - begun) * 1000)
        first, second = found.values()
        meaning._EXACT = next(iter(taken))
        for most in _LISTS:
            shares[most].append(len(set(first[:most]) & set(second[:most])) / most)
    rough, exactly = (f"{median(times):.1f}" for times in taken.values())
    means = [f"{sum(shares[most]) / questions:.3f}" for most in _LISTS]
    return [f"{count:,}", *means, rough, exactly, f"{kept.size / 1e6:.0f}"]


if __name__ == "__main__":
    main()
