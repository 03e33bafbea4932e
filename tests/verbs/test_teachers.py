"""Teachers of every kind, opened by name: a bundle and its exported file agree, a folder of transformers says what transformers says."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from auricle import bundle as bundles
from auricle import recipe as recipes
from auricle.bundle import Bundle
from auricle.errors import BundleError, RequestError
from auricle.exporters.onnx import Onnx
from auricle.settings import Transfer
from auricle.types import Task
from auricle.verbs._teachers import panel

LABELS = ("cat", "dog", "owl")
RECIPE = recipes.parse({"sample_rate": 8000, "frontend": {"name": "log_mel", "bins": 16}, "model": {"name": "cnn", "width": 4, "dim": 8}})


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("teacher")
    task = Task(LABELS)
    recipe = dataclasses.replace(RECIPE, feed=dataclasses.replace(RECIPE.feed, seconds=0.5))
    made = Bundle(bundles.build(recipe, task).eval(), recipe, task, 1.0, (), {})
    bundles.save(made, folder / "bundle")
    Onnx().write(made, folder / "model.onnx")
    return folder


def told(teacher: str, wave: torch.Tensor, length: torch.Tensor, labels: tuple[str, ...] = LABELS) -> torch.Tensor:
    found = panel(dataclasses.replace(RECIPE, transfer=Transfer(teachers=(teacher,))), Task(labels))
    assert found is not None
    return found.rows(wave, length, lambda logits: logits.softmax(-1))


def test_a_bundle_and_its_exported_file_say_the_same(saved: Path) -> None:
    wave = 0.1 * torch.randn(3, 4000, generator=torch.Generator().manual_seed(1))
    length = torch.tensor([4000, 1777, 900])
    by_bundle, by_graph = told(str(saved), wave, length), told(str(saved / "model.onnx"), wave, length)
    assert torch.allclose(by_bundle, by_graph, atol=1e-4)
    swapped = told(str(saved), wave, length, labels=("owl", "cat"))
    assert torch.allclose(swapped, by_bundle[:, [2, 0]] / by_bundle[:, [2, 0]].sum(1, keepdim=True), atol=1e-5)
    assert by_bundle.std() > 1e-4


def test_rows_too_short_for_the_teacher_are_padded(saved: Path) -> None:
    wave, length = torch.randn(2, 60), torch.tensor([60, 20])
    assert bool(told(str(saved), wave, length).isfinite().all())
    assert torch.allclose(told(str(saved), wave, length), told(str(saved / "model.onnx"), wave, length), atol=1e-4)


def test_a_folder_of_transformers(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    config = transformers.Wav2Vec2Config(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, conv_dim=(8, 8), conv_stride=(5, 4),
        conv_kernel=(10, 8), num_conv_pos_embeddings=4, num_conv_pos_embedding_groups=2, classifier_proj_size=8,
        id2label=dict(enumerate(LABELS)), label2id={label: i for i, label in enumerate(LABELS)},
    )  # fmt: skip
    network = transformers.Wav2Vec2ForSequenceClassification(config).eval()
    extractor = transformers.Wav2Vec2FeatureExtractor(sampling_rate=8000)
    network.save_pretrained(tmp_path)
    extractor.save_pretrained(tmp_path)
    wave = torch.randn(2, 3000, generator=torch.Generator().manual_seed(1))
    heard = extractor([row.numpy() for row in wave], sampling_rate=8000, return_tensors="pt")
    with torch.no_grad():
        wanted = network(**heard).logits.softmax(-1)
    assert torch.allclose(told(str(tmp_path), wave, torch.tensor([3000, 3000])), wanted, atol=1e-6)
    (tmp_path / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(BundleError, match="is not an audio classifier that transformers saved"):
        told(str(tmp_path), wave, torch.tensor([3000, 3000]))


def test_no_such_teacher(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"neither an \.onnx file, nor a run's folder"):
        told(str(tmp_path / "nobody"), torch.zeros(1, 4000), torch.tensor([4000]))


def test_without_teachers_there_is_no_panel() -> None:
    assert panel(RECIPE, Task(LABELS)) is None
