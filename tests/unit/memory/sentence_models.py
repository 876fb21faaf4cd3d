"""Sentence models as small as they can be, made for a test: random weights, a vocabulary of some words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

WORDS = ["the", "cat", "sat", "on", "mat", "lisbon", "my", "mother", "likes", "soup", "is", "a", "carpenter", "by"]
TEXTS = [
    "The cat sat on the mat",
    "soup",
    "My mother is a carpenter by trade and likes soup in Lisbon",
    "cat cat cat cat cat cat cat cat cat cat cat cat cat cat cat cat cat cat cat cat cat mat",
    "something else",
]
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS]
WIDTH, INNER, LAYERS, HEADS, PLACES = 32, 64, 2, 4, 64


def make_weights(seed: int = 1) -> dict[str, Any]:
    """By the names that such models have: arrays of float32, a linear layer's as (out, in)."""
    dice = np.random.default_rng(seed)

    def some(*shape: int) -> Any:
        return dice.normal(0, 0.3, shape).astype(np.float32)

    weights = {
        "embeddings.word_embeddings.weight": some(len(VOCABULARY), WIDTH),
        "embeddings.position_embeddings.weight": some(PLACES, WIDTH),
        "embeddings.token_type_embeddings.weight": some(2, WIDTH),
        **_norm(some, "embeddings.LayerNorm"),
    }
    for layer in range(LAYERS):
        name = f"encoder.layer.{layer}."
        for part in ("query", "key", "value"):
            weights |= _linear(some, f"{name}attention.self.{part}", WIDTH, WIDTH)
        weights |= _linear(some, f"{name}attention.output.dense", WIDTH, WIDTH)
        weights |= _norm(some, f"{name}attention.output.LayerNorm")
        weights |= _linear(some, f"{name}intermediate.dense", INNER, WIDTH)
        weights |= _linear(some, f"{name}output.dense", WIDTH, INNER)
        weights |= _norm(some, f"{name}output.LayerNorm")
    return weights


def _linear(some: Any, name: str, out: int, into: int) -> dict[str, Any]:
    return {f"{name}.weight": some(out, into), f"{name}.bias": some(out)}


def _norm(some: Any, name: str) -> dict[str, Any]:
    return {f"{name}.weight": 1 + some(WIDTH), f"{name}.bias": some(WIDTH)}


def write_tokenizer(folder: Path) -> None:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    places = {word: at for at, word in enumerate(VOCABULARY)}
    tokenizer = Tokenizer(models.WordLevel(places, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", places["[CLS]"]), ("[SEP]", places["[SEP]"])]
    )
    tokenizer.save(str(folder / "tokenizer.json"))


def write_config(folder: Path, **changes: Any) -> None:
    config = {
        "model_type": "bert",
        "num_attention_heads": HEADS,
        "num_hidden_layers": LAYERS,
        "hidden_size": WIDTH,
        "max_position_embeddings": PLACES,
        "layer_norm_eps": 1e-12,
    }
    (folder / "config.json").write_text(json.dumps(config | changes))


def write_bert_folder(folder: Path, pooling: str = "mean", *, seed: int = 1) -> Path:
    """As sentence-transformers lays them out."""
    folder.mkdir(parents=True, exist_ok=True)
    write_tokenizer(folder)
    write_config(folder)
    header: dict[str, Any] = {}
    numbers = b""
    for name, array in make_weights(seed).items():
        raw = array.tobytes()
        place = [len(numbers), len(numbers) + len(raw)]
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": place}
        numbers += raw
    head = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(len(head).to_bytes(8, "little") + head + numbers)
    (folder / "1_Pooling").mkdir(exist_ok=True)
    told = {"pooling_mode_cls_token": pooling == "cls", "pooling_mode_mean_tokens": pooling == "mean"}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(told))
    return folder


def write_onnx_folder(folder: Path, *, pools: bool = False, name: str = "model.onnx") -> Path:
    """A model that looks words up: the vectors of its tokens are those of the vocabulary, doubled where they count.

    `pools`: it gives `sentence_embedding`, the sum of them.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    folder.mkdir(parents=True, exist_ok=True)
    write_tokenizer(folder)
    write_config(folder, model_type="mpnet")
    words = make_weights()["embeddings.word_embeddings.weight"]
    nodes = [
        helper.make_node("Gather", ["words", "input_ids"], ["looked_up"]),
        helper.make_node("Cast", ["attention_mask"], ["counts"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["counts", "last"], ["counting"]),
        helper.make_node("Mul", ["looked_up", "counting"], ["last_hidden_state"]),
    ]
    shape: list[str | int] = ["batch", "tokens", WIDTH]
    outputs = [helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, shape)]
    if pools:
        nodes.append(helper.make_node("ReduceSum", ["last_hidden_state", "middle"], ["sentence_embedding"], keepdims=0))
        outputs.append(helper.make_tensor_value_info("sentence_embedding", TensorProto.FLOAT, ["batch", WIDTH]))
    inputs = [
        helper.make_tensor_value_info(given, TensorProto.INT64, ["batch", "tokens"])
        for given in ("input_ids", "attention_mask")
    ]
    kept = {"words": words, "last": np.array([2]), "middle": np.array([1])}
    weights = [numpy_helper.from_array(array, named) for named, array in kept.items()]
    graph = helper.make_graph(nodes, "sentences", inputs, outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, folder / name)
    return folder


def write_gguf(file: Path) -> Path:
    """The same weights as `write_bert_folder` has, as llama.cpp reads them."""
    import gguf

    file.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(file, "bert")
    writer.add_context_length(PLACES)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(INNER)
    writer.add_block_count(LAYERS)
    writer.add_head_count(HEADS)
    writer.add_layer_norm_eps(1e-12)
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([word if word.startswith("[") else f"\u2581{word}" for word in VOCABULARY])
    writer.add_token_scores([0.0] * len(VOCABULARY))
    writer.add_token_types([3 if word.startswith("[") else 1 for word in VOCABULARY])
    writer.add_token_type_count(2)
    writer.add_pad_token_id(0)
    writer.add_unk_token_id(1)
    writer.add_bos_token_id(2)
    writer.add_eos_token_id(3)
    writer.add_sep_token_id(3)
    for name, array in make_weights().items():
        writer.add_tensor(_gguf_name(name), array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


_GGUF_NAMES = {
    "embeddings.word_embeddings": "token_embd",
    "embeddings.position_embeddings": "position_embd",
    "embeddings.token_type_embeddings": "token_types",
    "embeddings.LayerNorm": "token_embd_norm",
    "attention.self.query": "attn_q",
    "attention.self.key": "attn_k",
    "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output",
    "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up",
    "output.dense": "ffn_down",
    "output.LayerNorm": "layer_output_norm",
}


def _gguf_name(name: str) -> str:
    place, _, part = name.rpartition(".")
    if not place.startswith("encoder.layer."):
        return f"{_GGUF_NAMES[place]}.{part}"
    _, _, layer, inner = place.split(".", 3)
    return f"blk.{layer}.{_GGUF_NAMES[inner]}.{part}"
