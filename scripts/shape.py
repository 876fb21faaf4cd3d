"""Prints the tail of the code's shape, longest first: what to look at next, not what to fail on.

10 rows of each list unless told otherwise: `python scripts/shape.py 30`
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("src", "web-ui/src", "tests", "bench", "scripts")
Function = (ast.FunctionDef, ast.AsyncFunctionDef)
Row = tuple[int, str]
NESTING = (*Function, ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.Match)


def source_files(*suffixes: str) -> Iterator[Path]:
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in suffixes and not {"node_modules", "page"} & set(path.parts):
                yield path


def file_lengths() -> Iterator[Row]:
    for path in source_files(".py", ".ts", ".tsx"):
        yield len(path.read_text(encoding="utf-8").splitlines()), str(path.relative_to(ROOT))


def functions() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for path in source_files(".py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, Function):
                yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", node


def function_lengths() -> Iterator[Row]:
    for place, node in functions():
        yield (node.end_lineno or node.lineno) - node.lineno + 1, place


def parameter_counts() -> Iterator[Row]:
    for place, node in functions():
        yield len(node.args.posonlyargs) + len(node.args.args) + len(node.args.kwonlyargs), place


def nesting_depths() -> Iterator[Row]:
    for place, node in functions():
        yield _depth(node) - 1, place


def _depth(node: ast.AST, is_elif: bool = False) -> int:
    inside = [_depth(child, _is_elif(node, child)) for child in ast.iter_child_nodes(node)]
    return int(isinstance(node, NESTING) and not is_elif) + max(inside, default=0)


def _is_elif(node: ast.AST, child: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]


def hidden_imports() -> Iterator[Row]:
    for place, node in functions():
        if place.startswith("src/"):
            count = sum(isinstance(inner, ast.Import | ast.ImportFrom) for inner in ast.walk(node))
            if count:
                yield count, place


LISTS: tuple[tuple[str, Callable[[], Iterator[Row]]], ...] = (
    ("Lines of a file", file_lengths),
    ("Lines of a function", function_lengths),
    ("Parameters", parameter_counts),
    ("Depth of nesting", nesting_depths),
    ("Imports hidden in functions of src/", hidden_imports),
)


def main(arguments: list[str]) -> None:
    rows = int(arguments[0]) if arguments else 10
    for title, measure in LISTS:
        found = sorted(measure(), key=lambda row: (-row[0], row[1]))
        print(f"\n{title}")
        print("\n".join(f"{number:>6}  {place}" for number, place in found[:rows]) or "  none")


if __name__ == "__main__":
    main(sys.argv[1:])
