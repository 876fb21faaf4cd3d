"""The TypeScript package as somebody else has it: packed, unpacked elsewhere, type-checked and run against a server."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from tests.fakes.script import Script, words
from tests.harness.chaos_proxy import ChaosProxy
from tests.harness.openid_provider import find_node
from tests.harness.server import Server
from tests.harness.upstream import Upstream

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "packages" / "client-ts"
PAGE_PACKAGES = ROOT / "web-ui" / "node_modules"  # TypeScript, as the page has it
SNIPPET = re.findall(
    r"^```ts\n(.*?)^```", (PACKAGE / "README.md").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
)

_WRONG = """\
import { Quarterdeck } from "quarterdeck-client";
const quarterdeck = new Quarterdeck({ url: "http://127.0.0.1:8000", key: "" });
// @ts-expect-error: there is no such route
void quarterdeck.call("GET /api/nothing");
// @ts-expect-error: the conversation is missing
void quarterdeck.call("GET /api/conversations/{conversation}");
// @ts-expect-error: a title is a text
void quarterdeck.call("PATCH /api/conversations/{conversation}", { path: { conversation: "c" }, body: { title: 7 } });
const page = await quarterdeck.call("GET /api/conversations");
// @ts-expect-error: a page has items and no rows
void page.rows;
void page.items[0]?.title.toUpperCase();
"""
_READS = """\
import { Quarterdeck, QuarterdeckError } from "quarterdeck-client";
const [url = "", key = "", model = ""] = process.argv.slice(2);
const direct = new Quarterdeck({ url: process.env["DIRECT"] ?? url, key });
const { turn } = await direct.say({ id: "k1", conversation: "by-package", text: "Hello", model });
let text = "";
for await (const piece of new Quarterdeck({ url, key }).read(turn)) text += piece;
const seqs: number[] = [];
for await (const { seq } of new Quarterdeck({ url, key }).follow(turn)) seqs.push(seq);
const failed = await direct.call("GET /api/messages/{message}", { path: { message: "none" } }).catch((error) => error);
const code = failed instanceof QuarterdeckError ? failed.code : "";
console.log(JSON.stringify({ text, seqs, code }));
"""


def run(*command: str, folder: Path, **environment: str) -> str:
    done = subprocess.run(
        [str(find_node()), *command],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def compile_in(folder: Path) -> None:
    run(str(PAGE_PACKAGES / "typescript" / "bin" / "tsc"), "-p", ".", folder=folder)


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of somebody else's, with the package installed as npm would."""
    sources = tmp_path_factory.mktemp("package") / "client-ts"
    shutil.copytree(PACKAGE, sources, ignore=shutil.ignore_patterns("node_modules", "dist"))
    compile_in(sources)
    npm = find_node().parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    packed = run(str(npm), "pack", "--ignore-scripts", "--silent", folder=sources).strip().splitlines()[-1]
    folder = tmp_path_factory.mktemp("elsewhere")
    with tarfile.open(sources / packed) as archive:
        archive.extractall(folder / "node_modules", filter="data")
    (folder / "node_modules" / "package").rename(folder / "node_modules" / "quarterdeck-client")
    options = {
        "strict": True, "module": "nodenext", "target": "es2022", "outDir": "out", "types": ["node"],
        "typeRoots": [str(PAGE_PACKAGES / "@types")],
    }  # fmt: skip
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": options, "include": ["*.ts"]}))
    (folder / "package.json").write_text('{"type": "module"}')
    for name, text in (("wrong.ts", _WRONG), ("reads.ts", _READS), ("readme.ts", SNIPPET[0])):
        (folder / name).write_text(text, encoding="utf-8")
    compile_in(folder)
    return folder


def test_the_package_holds_its_types_and_nothing_of_ours(elsewhere: Path) -> None:
    installed = elsewhere / "node_modules" / "quarterdeck-client"
    files = {str(path.relative_to(installed)) for path in installed.rglob("*") if path.is_file()}
    assert {"package.json", "README.md", "dist/index.js", "dist/index.d.ts", "dist/api.d.ts"} <= files
    assert not [file for file in files if file.startswith("src")]
    assert "dependencies" not in json.loads((installed / "package.json").read_text())


def test_the_readmes_example_runs(elsewhere: Path, server: Server, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=["Whiskers, ", "of course."]))
    with server.http() as http:
        http.patch("/api/settings", json={"default_model": model})
        example = (elsewhere / "out" / "readme.js").read_text(encoding="utf-8")
        (elsewhere / "out" / "here.js").write_text(example.replace("http://127.0.0.1:8000", server.url))
        told = run("out/here.js", folder=elsewhere, QUARTERDECK_KEY=server.key)
        http.patch("/api/settings", json={"default_model": ""})
    assert told.startswith("Whiskers, of course.")


async def test_it_reads_an_answer_exactly_over_a_bad_network(
    elsewhere: Path, server: Server, upstream: Upstream
) -> None:
    model = upstream.model(Script(pieces=words(150), delay_s=0.004))
    async with ChaosProxy(server.port, seed=5, cut_after=(150, 4_000)) as proxy:
        command = ["out/reads.js", f"http://127.0.0.1:{proxy.port}", server.key, model]
        told = json.loads(await asyncio.to_thread(run, *command, folder=elsewhere, DIRECT=server.url))
        assert proxy.cuts >= 2
    assert told["text"] == "".join(words(150))
    assert told["seqs"] == list(range(1, len(told["seqs"]) + 1))
    assert told["code"] == "not_found"
