"""Small networks of the transformers library with random weights, as folders."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import transformers

KEYS = {
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "conv_dim": (24, 24, 24),
    "conv_stride": (5, 4, 2),
    "conv_kernel": (10, 8, 2),
    "num_feat_extract_layers": 3,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}
BASE = {**KEYS, "feat_extract_norm": "group", "do_stable_layer_norm": False, "conv_bias": False}
LARGE = {**KEYS, "feat_extract_norm": "layer", "do_stable_layer_norm": True, "conv_bias": True}


def shaken(network: torch.nn.Module) -> torch.nn.Module:
    """The network in evaluation mode with weights large enough that every part of it counts."""
    torch.manual_seed(7)
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(torch.randn_like(weight) * (0.1 if weight.ndim > 1 else 0.05))
    return network.eval()


def wave_network(kind: str, size: dict[str, object]) -> torch.nn.Module:
    """wav2vec 2.0, HuBERT or WavLM."""
    config, model = {
        "wav2vec2": (transformers.Wav2Vec2Config, transformers.Wav2Vec2Model),
        "hubert": (transformers.HubertConfig, transformers.HubertModel),
        "wavlm": (transformers.WavLMConfig, transformers.WavLMModel),
    }[kind]
    return shaken(model(config(**size)))


def saved(network: torch.nn.Module, folder: Path, extractor: object = None) -> str:
    """The folder that `save_pretrained` wrote."""
    network.save_pretrained(folder)
    if extractor is not None:
        extractor.save_pretrained(folder)
    return str(folder)


def voices(count: int = 3, rate: int = 16_000) -> list[np.ndarray]:
    """Waves of different lengths with tones and noise."""
    rng = np.random.default_rng(3)
    made = []
    for i in range(count):
        t = np.arange(int(rate * (0.41 + 0.27 * i)) + 13 * i) / rate
        made.append((0.2 * np.sin(2 * np.pi * (220 + 130 * i) * t) + 0.05 * rng.standard_normal(len(t)) + 0.02).astype(np.float32))
    return made


def rows(waves: list[np.ndarray]) -> tuple[torch.Tensor, torch.Tensor]:
    """One batch, padded with silence."""
    longest = max(map(len, waves))
    return torch.tensor(np.stack([np.pad(w, (0, longest - len(w))) for w in waves])), torch.tensor([len(w) for w in waves])
