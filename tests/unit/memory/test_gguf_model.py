"""A GGUF sentence model: the same vectors as the same weights give by numpy, and no door that is open to others."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("xllamacpp")
pytest.importorskip("gguf")
pytest.importorskip("tokenizers")
import numpy as np
from tests.harness.waiting import WAIT_S
from tests.unit.memory.sentence_models import TEXTS, write_bert_folder, write_gguf

from quarterdeck.memory.gguf_model import GgufModel
from quarterdeck.memory.local_model import LocalModel
from quarterdeck.memory.local_places import find_local

DROP = """
import sys
from quarterdeck.memory.gguf_model import GgufModel
from quarterdeck.memory.local_places import find_local
print(len([GgufModel(find_local(sys.argv[1])) and None for _ in range(20)]))
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> GgufModel:
    return GgufModel(find_local(str(write_gguf(tmp_path_factory.mktemp("gguf") / "model.gguf"))))


def test_vectors_are_those_of_the_same_weights_by_numpy(model: GgufModel, tmp_path: Path) -> None:
    other = LocalModel(find_local(str(write_bert_folder(tmp_path))))
    made, wanted = np.array(model.embed(TEXTS * 5)), np.array(other.embed(TEXTS * 5))
    assert (made * wanted).sum(axis=1).min() > 0.999
    assert model.embed([]) == []


def test_a_text_that_is_too_long_is_cut_and_those_beside_it_are_not(model: GgufModel) -> None:
    long, short = model.embed(["soup " * 5_000, "my cat"])
    assert abs(float(np.linalg.norm(long)) - 1) < 1e-4
    assert np.abs(np.array(short) - model.embed(["my cat"])[0]).max() < 1e-3


def test_it_listens_on_no_port_and_in_a_folder_that_nobody_else_may_enter(model: GgufModel) -> None:
    assert model._server.listening_address == f"unix://{model._folder.name}/socket.sock"
    assert stat.S_IMODE(os.stat(model._folder.name).st_mode) == 0o700


def test_a_model_that_is_dropped_at_once_keeps_nobody_waiting(tmp_path: Path) -> None:
    """In a process of its own: what waits there for a thread of llama.cpp waits for ever."""
    file = write_gguf(tmp_path / "model.gguf")
    told = subprocess.run([sys.executable, "-c", DROP, str(file)], timeout=WAIT_S, capture_output=True, check=True)
    assert told.stdout.split() == [b"20"]


def test_a_file_that_is_no_such_model_is_an_error_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "broken.gguf").write_bytes(b"GGUF and nothing else")
    with pytest.raises(ValueError, match=r"llama\.cpp cannot read it"):
        GgufModel(find_local(str(tmp_path / "broken.gguf")))
