"""A CTranslate2 file is read by its counts alone; the encoder's tensors fill transformers' own encoder."""

from __future__ import annotations

import struct

import numpy as np
import pytest
import torch

pytest.importorskip("transformers")
import transformers
from tests.models.speech import shaken

from auricle.errors import BundleError
from auricle.models._ctranslate2 import tensors
from auricle.models.whisper import Whisper, convert

SMALL = {"d_model": 16, "encoder_layers": 2, "encoder_attention_heads": 2, "encoder_ffn_dim": 24, "max_source_positions": 10}


def word(text: str) -> bytes:
    return struct.pack("<H", len(text) + 1) + text.encode() + b"\0"


def written(variables: dict[str, np.ndarray], version: int = 6) -> bytes:
    kinds = {"float32": 0, "int8": 1, "float16": 4}
    body = struct.pack("<I", version) + word("WhisperSpec") + struct.pack("<II", 3, len(variables))
    for name, value in variables.items():
        body += word(name) + struct.pack("<B", value.ndim) + struct.pack(f"<{value.ndim}I", *value.shape)
        body += struct.pack("<BI", kinds[value.dtype.name], value.nbytes) + value.tobytes()
    return body + struct.pack("<I", 0)


def encoder():
    config = transformers.WhisperConfig(**SMALL, decoder_layers=1)
    return shaken(transformers.models.whisper.modeling_whisper.WhisperEncoder(config))


def theirs(network) -> dict[str, np.ndarray]:
    """The encoder's weights as CTranslate2 has them: queries, keys and values in one, keys without a bias as zeros."""
    own = {k: v.detach().numpy() for k, v in network.state_dict().items()}
    found = {f"encoder/{conv}/{part}": own[f"{conv}.{part}"] for conv in ("conv1", "conv2") for part in ("weight", "bias")}
    found["encoder/position_encodings/encodings"] = own["embed_positions.weight"]
    names = {"weight": "gamma", "bias": "beta"}
    found |= {f"encoder/layer_norm/{new}": own[f"layer_norm.{old}"] for old, new in names.items()}
    for i in range(SMALL["encoder_layers"]):
        ours, layer = f"layers.{i}.", f"encoder/layer_{i}/"
        for old, new in names.items():
            found[f"{layer}self_attention/layer_norm/{new}"] = own[f"{ours}self_attn_layer_norm.{old}"]
            found[f"{layer}ffn/layer_norm/{new}"] = own[f"{ours}final_layer_norm.{old}"]
        heads = [own[f"{ours}self_attn.{part}_proj.weight"] for part in "qkv"]
        found[f"{layer}self_attention/linear_0/weight"] = np.concatenate(heads)
        bias = own[f"{ours}self_attn.q_proj.bias"]
        found[f"{layer}self_attention/linear_0/bias"] = np.concatenate([bias, 0 * bias, own[f"{ours}self_attn.v_proj.bias"]])
        for part in ("weight", "bias"):
            found[f"{layer}self_attention/linear_1/{part}"] = own[f"{ours}self_attn.out_proj.{part}"]
            found[f"{layer}ffn/linear_0/{part}"] = own[f"{ours}fc1.{part}"]
            found[f"{layer}ffn/linear_1/{part}"] = own[f"{ours}fc2.{part}"]
    return found


def test_the_encoder_comes_out_whole(tmp_path):
    network = encoder()
    variables = theirs(network)
    variables["decoder/something"] = np.ones((2, 3), np.float16)
    variables["encoder/num_heads"] = np.array(2, np.int8)
    (tmp_path / "model.bin").write_bytes(written(variables))
    state = convert({k: torch.from_numpy(v) for k, v in tensors(tmp_path / "model.bin").items()})
    ours = Whisper(80, config={"model_type": "whisper", **SMALL}, frames=20).eval()
    ours.load_state_dict({k.removeprefix("model."): v for k, v in state.items()})
    feature = torch.randn(1, 80, 20).clamp(-1)
    with torch.no_grad():
        hidden, _ = ours(feature, torch.tensor([20]))
        torch.testing.assert_close(hidden, network(feature).last_hidden_state.transpose(1, 2), atol=1e-5, rtol=1e-5)


def test_half_precision_is_widened(tmp_path):
    values = np.linspace(-2, 2, 12, dtype=np.float16).reshape(3, 4)
    (tmp_path / "model.bin").write_bytes(written({"a": values}))
    found = tensors(tmp_path / "model.bin")["a"]
    assert found.dtype == np.float32
    assert np.array_equal(found, values.astype(np.float32))


def test_damaged_and_strange_files_are_refused(tmp_path):
    path = tmp_path / "model.bin"
    body = written({"a": np.ones((3, 4), np.float32)})
    for count in range(0, len(body) - 4, 7):
        path.write_bytes(body[:count])
        with pytest.raises(BundleError, match="is cut short"):
            tensors(path)
    path.write_bytes(written({}, version=99))
    with pytest.raises(BundleError, match="is of version 99; wanted CTranslate2's 4 to 6"):
        tensors(path)
    path.write_bytes(body.replace(struct.pack("<II", 3, 4), struct.pack("<II", 3, 5)))
    with pytest.raises(BundleError, match=r"a of shape \[3, 5\] has 48 bytes"):
        tensors(path)
    with pytest.raises(BundleError, match="has no encoder/conv1/weight"):
        convert({})
