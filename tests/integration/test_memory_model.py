"""An admin chooses the model that finds by meaning: tried first, then everything gets its vectors anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.conftest import MakeFleet, MakeServer
from tests.fakes.script import Script
from tests.harness.full_client import new_name
from tests.harness.server import Server
from tests.harness.upstream import Upstream
from tests.harness.waiting import wait_until
from tests.unit.memory.sentence_models import write_bert_folder

PATH = "/api/admin/memory"


@pytest.fixture
def own(make_server: MakeServer) -> Server:
    """No model is chosen, and nothing is learned or named by one."""
    return make_server(QUARTERDECK_LEARN_AFTER_S="0", QUARTERDECK_TITLES="0").start()


@pytest.fixture
def http(own: Server) -> Iterator[httpx2.Client]:
    with own.http() as client:
        yield client


def say(http: httpx2.Client, *texts: str) -> None:
    for text in texts:
        told = {"message": text, "chatId": new_name("chat"), "model": "builtin/log-reader"}
        assert http.post("/chat_batch", json=told).status_code == 200


def choose(http: httpx2.Client, model: str | None) -> dict[str, Any]:
    answer = http.put(PATH, json={"model": model})
    assert answer.status_code == 200, answer.text
    chosen: dict[str, Any] = answer.json()
    return chosen


def until_ready(http: httpx2.Client, model: str) -> dict[str, Any]:
    def find() -> dict[str, Any] | None:
        told: dict[str, Any] = http.get(PATH).json()
        counts = {one["model"]: one["count"] for one in told["vectors"]}
        is_done = (
            told["model"] == model and told["state"] == "ready" and {name.split("#")[0] for name in counts} == {model}
        )
        return told if is_done and list(counts.values()) == [told["total"]] else None

    return wait_until(find, f"vectors of {model} alone", 20)


def test_a_chosen_model_makes_all_vectors_and_another_one_makes_them_anew(
    http: httpx2.Client, upstream: Upstream
) -> None:
    told = http.get(PATH).json()
    assert (told["model"], told["origin"], told["state"], told["vectors"]) == ("", "environment", "off", [])
    say(http, "My mother lives in Lisbon.", "I like soup.")
    one, other = upstream.model(Script()), upstream.model(Script())
    assert choose(http, one)["origin"] == "settings"
    first = until_ready(http, one)
    assert first["done"] == first["total"] > 0
    choose(http, other)
    assert until_ready(http, other)["total"] == first["total"]
    say(http, "I also like rain.")
    wait_until(lambda: http.get(PATH).json()["done"] > first["total"], "a vector of what was said since", 10)
    changes = [entry for entry in http.get("/api/admin/audit").json()["items"] if entry["target"] == "embedding_model"]
    assert [entry["detail"] for entry in changes] == [{"from": one, "to": other}, {"from": "", "to": one}]

    assert choose(http, "")["state"] == "off"
    assert http.get("/api/memories/settings").json()["embedding"]["state"] == "off"
    assert choose(http, None)["origin"] == "environment"


def test_while_another_model_makes_its_vectors_the_old_ones_serve_and_its_fault_is_told(
    http: httpx2.Client, upstream: Upstream
) -> None:
    say(http, "My mother lives in Lisbon.")
    one, other = upstream.model(Script()), upstream.model(Script())
    choose(http, one)
    done = until_ready(http, one)["total"]
    choose(http, other)
    until_ready(http, other)
    choose(http, one)
    until_ready(http, one)
    upstream.change(other, Script(status=503))
    refused = http.put(PATH, json={"model": other})
    assert refused.status_code == 422
    assert refused.json()["detail"].endswith("Nothing was changed.")
    still = http.get(PATH).json()
    assert (still["model"], still["state"], still["done"]) == (one, "ready", done)

    upstream.change(one, Script(status=503))
    say(http, "I like soup.")
    failing = wait_until(lambda: _when(http.get(PATH).json(), "failing"), "the fault", 20)
    assert failing["error"]
    assert failing["done"] == done
    assert http.get("/api/memories/search", params={"q": "mother"}).json()
    upstream.change(one, Script())
    assert until_ready(http, one)["error"] == ""


def _when(told: dict[str, Any], state: str) -> dict[str, Any] | None:
    return told if told["state"] == state else None


@pytest.mark.parametrize(
    ("model", "says"),
    [
        ("text-embedding-3-small", "provider/model"),
        ("nobody/embed", "No provider named “nobody” is connected"),
        ("local/nothing-of-that-name", "is not here: put a folder"),
        ("local//etc", "A path is set by QUARTERDECK_EMBEDDING_MODEL alone"),
        ("local/..", "is not here: put a folder"),
        ("builtin/log-reader", ""),
    ],
)
def test_a_model_that_makes_no_vectors_is_refused_with_one_sentence_and_changes_nothing(
    http: httpx2.Client, model: str, says: str
) -> None:
    answer = http.put(PATH, json={"model": model})
    assert answer.status_code == 422, answer.text
    assert says in answer.json()["detail"]
    assert answer.json()["detail"].endswith("Nothing was changed.")
    assert http.get(PATH).json()["origin"] == "environment"


def test_a_local_model_of_the_models_folder_is_found_and_chosen_and_a_broken_one_refused(
    own: Server, http: httpx2.Client
) -> None:
    pytest.importorskip("tokenizers")
    models = Path(http.get(PATH).json()["models_dir"])
    assert models == own.data_dir / "models"
    write_bert_folder(models / "small one")
    write_bert_folder(models / "broken")
    (models / "broken" / "model.safetensors").write_bytes(b"nothing")
    listed = http.get(PATH).json()["choices"]
    assert {"id": "local/small one", "kind": "bert"} in listed
    assert {"id": "openai/text-embedding-3-small", "kind": "provider"} in listed
    say(http, "My mother lives in Lisbon.")
    choose(http, "local/small one")
    assert until_ready(http, "local/small one")["total"] > 0
    refused = http.put(PATH, json={"model": "local/broken"})
    assert refused.status_code == 422
    assert "it is no sentence model that is computed here. Nothing was changed." in refused.json()["detail"]
    assert http.get(PATH).json()["model"] == "local/small one"


def test_a_local_model_that_is_replaced_on_the_disk_is_noticed_and_everything_gets_its_vector_anew(
    http: httpx2.Client,
) -> None:
    pytest.importorskip("tokenizers")
    models = Path(http.get(PATH).json()["models_dir"])
    write_bert_folder(models / "small")
    say(http, "My mother lives in Lisbon.")
    choose(http, "local/small")
    first = until_ready(http, "local/small")["vectors"]
    write_bert_folder(models / "small", seed=2)
    told = wait_until(lambda: _unless(until_ready(http, "local/small"), first), "other vectors", 40)
    assert told["vectors"][0]["count"] == first[0]["count"]
    assert http.get("/api/memories/settings").json()["embedding"]["done"] == first[0]["count"]


def _unless(told: dict[str, Any], vectors: list[Any]) -> dict[str, Any] | None:
    return None if told["vectors"] == vectors else told


def test_the_choice_outlasts_a_restart_and_wins_over_the_environment(
    make_server: MakeServer, upstream: Upstream
) -> None:
    usual, chosen = upstream.model(Script()), upstream.model(Script())
    server = make_server(QUARTERDECK_EMBEDDING_MODEL=usual).start()
    with server.http() as http:
        assert (http.get(PATH).json()["model"], http.get(PATH).json()["origin"]) == (usual, "environment")
        choose(http, chosen)
    server.terminate()
    server.restart()
    with server.http() as http:
        told = http.get(PATH).json()
        assert (told["model"], told["origin"], told["default"]) == (chosen, "settings", usual)
        assert choose(http, None)["model"] == usual


def test_in_a_fleet_the_others_take_a_new_model_up_within_seconds(make_fleet: MakeFleet, upstream: Upstream) -> None:
    fleet = make_fleet(QUARTERDECK_LEARN_AFTER_S="0", QUARTERDECK_TITLES="0")
    here = fleet.serve("--workers", "0")
    there = fleet.serve("--workers", "0")
    fleet.worker()
    model = upstream.model(Script())
    with here.http() as one, there.http() as other:
        one.headers["authorization"] = other.headers["authorization"] = f"Bearer {fleet.key}"
        assert other.get("/api/memories/settings").json()["embedding"]["state"] == "off"
        choose(one, model)
        wait_until(lambda: other.get("/api/memories/settings").json()["embedding"]["model"] == model, "the model", 5)
        say(other, "My mother lives in Lisbon.")
        until_ready(one, model)
        assert upstream.requests(model)
        if fleet.ask("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'"):  # a server that was given may not
            wait_until(lambda: "Compared by: pgvector" in here.run("memory", "status").stdout, "pgvector", 20)
        found = other.get("/api/memories/search", params={"q": "My mother lives in Lisbon."}).json()["hits"]
        assert found[0]["signals"]["meaning"] > 0
