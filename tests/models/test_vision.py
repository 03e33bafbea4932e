"""Vision networks: the answers of another library's, pictures of every kind, weights from files and hubs, no torchvision needed."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import soundfile
import torch
from torch import Tensor

from auricle import recipe as recipes
from auricle.bundle import build
from auricle.contracts.models import models
from auricle.errors import BundleError, RequestError, ShapeError
from auricle.models import _timm
from auricle.models.vision import Vision
from auricle.types import Task


def picture(rows: int = 2, size: int = 64) -> tuple[Tensor, Tensor]:
    return torch.randn(rows, 3, size, size, generator=torch.Generator().manual_seed(rows)), torch.full((rows,), size)


@torch.no_grad()
def settle(network: torch.nn.Module) -> torch.nn.Module:
    """Weights and statistics of which none is neutral, so that each must stand in its place."""
    chance = torch.Generator().manual_seed(0)
    for name, value in network.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        noise = torch.randn(value.shape, generator=chance)
        value.copy_(noise * (2 / value[0].numel()) ** 0.5 if value.ndim > 1 else (0.3 * noise).exp() if value.min() >= 0 else 0.1 * noise)
    return network.eval()


RENAMED = {
    "resnet18": (
        ("embedder.embedder.convolution", "conv1"),
        ("embedder.embedder.normalization", "bn1"),
        ("encoder.stages.0.layers.", "layer1."),
        ("encoder.stages.1.layers.", "layer2."),
        ("encoder.stages.2.layers.", "layer3."),
        ("encoder.stages.3.layers.", "layer4."),
        ("shortcut.convolution", "downsample.0"),
        ("shortcut.normalization", "downsample.1"),
        ("layer.0.convolution", "conv1"),
        ("layer.0.normalization", "bn1"),
        ("layer.1.convolution", "conv2"),
        ("layer.1.normalization", "bn2"),
    ),
    "convnext_tiny": (
        ("embeddings.patch_embeddings", "stem.0"),
        ("embeddings.layernorm", "stem.1"),
        ("encoder.", ""),
        ("downsampling_layer", "downsample"),
        ("layers.", "blocks."),
        ("layer_scale_parameter", "gamma"),
        ("dwconv", "conv_dw"),
        ("pwconv1", "mlp.fc1"),
        ("pwconv2", "mlp.fc2"),
        ("layernorm", "norm"),
    ),
}


@pytest.mark.parametrize("backbone", list(RENAMED))
@torch.no_grad()
def test_answers_are_those_of_another_library(backbone, tmp_path):
    """Transformers has both architectures written anew; its weights come in by their names here, out of a file."""
    from safetensors.torch import save_file
    from transformers import ConvNextConfig, ConvNextModel, ResNetConfig, ResNetModel

    if backbone == "resnet18":
        sizes = ResNetConfig(layer_type="basic", depths=[2, 2, 2, 2], hidden_sizes=[64, 128, 256, 512], embedding_size=64)
        other = settle(ResNetModel(sizes))
    else:
        other = settle(ConvNextModel(ConvNextConfig()))
    state = {}
    for name, value in other.state_dict().items():
        new = name
        for old, here in RENAMED[backbone]:
            new = new.replace(old, here)
        state["head." + new if new.startswith("norm.") else new] = value
    save_file(state, tmp_path / "weights.safetensors")
    model = Vision(64, backbone=backbone, pretrained=str(tmp_path / "weights.safetensors")).eval()
    model.begin(None)
    x, length = picture()
    wanted = other(x).pooler_output.flatten(1)
    found, steps = model(x, length)
    assert steps.tolist() == [1, 1]
    assert float((found.squeeze(-1) - wanted).abs().max()) <= 1e-5 * float(wanted.abs().max())
    assert float(wanted.std()) > 0.01


@pytest.mark.parametrize("settings", [{"pool": "time", "channels": 1}], ids=str)
def test_the_other_form_keeps_every_promise(settings):
    failed = [f"{v.name}: {v.sentence}" for v in models(partial(Vision, **settings)) if not v.passed]
    assert not failed, "\n".join(failed)


@torch.no_grad()
def test_one_channel_is_three_equal_ones(tmp_path):
    three = Vision(64, backbone="test_efficientnet").eval()
    settle(three.backbone)
    torch.save(three.backbone.state_dict(), tmp_path / "three.pth")
    one = Vision(64, backbone="test_efficientnet", channels=1, pretrained=str(tmp_path / "three.pth")).eval()
    one.begin(None)
    x, length = picture()
    grey = x[:, :1]
    wanted = three(grey.expand(-1, 3, -1, -1), length)[0]
    assert torch.allclose(one(grey, length)[0], wanted, atol=1e-5)
    assert torch.allclose(three(grey, length)[0], wanted, atol=1e-6)  # one channel is repeated for three
    assert sum(p.numel() for p in one.parameters()) < sum(p.numel() for p in three.parameters())
    with pytest.raises(ShapeError, match=r"the picture has 3 channels; model.channels is 1"):
        one(x, length)


@torch.no_grad()
def test_frames_become_a_picture_of_their_own_clip():
    model = Vision(64, backbone="test_efficientnet", width=64).eval()
    x, _ = picture(1)
    same, steps = model(x[:, 0], torch.tensor([64]))
    assert torch.allclose(same, model(x[:, :1], torch.tensor([64]))[0], atol=1e-5)  # as many columns as frames: nothing is resized
    assert steps.tolist() == [1]
    twice = x[:, 0].repeat_interleave(4, dim=-1)
    longer = model(torch.nn.functional.pad(twice, (0, 50), value=9.0), torch.tensor([256]))[0]
    smooth = torch.nn.functional.interpolate(twice[:, None], (64, 64), mode="bilinear", antialias=True)
    assert torch.allclose(longer, model(smooth, torch.tensor([64]))[0], atol=1e-4)


@torch.no_grad()
def test_the_mean_over_time_is_the_global_answer():
    whole, track = Vision(64, backbone="resnet18").eval(), Vision(64, backbone="resnet18", pool="time").eval()
    track.load_state_dict(settle(whole).state_dict())
    x = torch.randn(2, 3, 64, 160)
    length = torch.tensor([160, 160])
    hidden, steps = track(x, length)
    assert hidden.shape == (2, 512, 5)
    assert steps.tolist() == [5, 5]
    assert torch.allclose(hidden.mean(-1), whole(x, length)[0].squeeze(-1), atol=1e-4)


def test_weights_of_a_file_come_by_name_or_in_order(tmp_path):
    model = Vision(64, backbone="test_efficientnet")
    state = settle(Vision(64, backbone="test_efficientnet").backbone).state_dict()
    named = {**state, "classifier.weight": torch.zeros(3, 256), "classifier.bias": torch.zeros(3)}
    ordered = {f"block{i}.thing": v for i, v in enumerate(v for k, v in named.items() if "num_batches" not in k)}
    for given in (named, ordered, {"state_dict": named}):
        settle(model.backbone)
        torch.save(given, tmp_path / "given.pth")
        model.pretrained = str(tmp_path / "given.pth")
        for value in model.backbone.parameters():
            value.data.zero_()
        model.begin(None)
        assert all(torch.equal(v, state[k]) for k, v in model.backbone.state_dict().items() if "num_batches" not in k)


def test_weights_that_are_not_this_networks_are_refused(tmp_path):
    path = tmp_path / "weights.pth"
    model = Vision(64, backbone="test_efficientnet", pretrained=str(path))
    with pytest.raises(RequestError, match=r"model.pretrained is .*weights.pth, which is not a file"):
        model.begin(None)
    torch.save(Vision(64, backbone="test_convnext").backbone.state_dict(), path)
    with pytest.raises(BundleError, match=r"weights.pth holds \d+ tensors, which is not a network of \d+ and a classifier"):
        model.begin(None)
    state = list(model.backbone.state_dict().values())
    torch.save({str(i): v for i, v in enumerate([v for v in state if v.ndim][::-1])}, path)
    with pytest.raises(BundleError, match=r"weights.pth holds conv_stem.weight as \[256\]; the network has it as \[\d+, 3, 3, 3\]"):
        model.begin(None)
    for harmful in ({"a": print}, [1, 2], {"a": 1}):
        torch.save(harmful, path)
        with pytest.raises(BundleError, match=r"weights.pth (is not a weights file that can be read safely|holds something else)"):
            model.begin(None)


def test_the_hubs_weights_are_fetched_once_training_begins(monkeypatch, tmp_path):
    import huggingface_hub
    from safetensors.torch import save_file

    state = settle(Vision(64).backbone).state_dict()
    save_file(state, tmp_path / "model.safetensors")
    asked = []
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", lambda *given: asked.append(given) or str(tmp_path / "model.safetensors"))
    model = Vision(64, pretrained=True)
    assert not asked
    model.begin(None)
    assert asked == [("timm/resnet18.a1_in1k", "model.safetensors")]
    assert all(torch.equal(v, state[k]) for k, v in model.backbone.state_dict().items() if "num_batches" not in k)
    with pytest.raises(RequestError, match="the library names no ImageNet weights for test_vit4"):
        _timm.published(SimpleNamespace(pretrained_cfg={"architecture": "test_vit4"}))


def test_offline_it_says_so_in_one_sentence(monkeypatch, tmp_path):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(RequestError, match=r"the ImageNet weights of test_efficientnet.r160_in1k are not in the cache, and the hub"):
        Vision(64, backbone="test_efficientnet", pretrained=True).begin(None)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"backbone": "resnet19"}, r"model.backbone is 'resnet19', which timm .* doesn't have; did you mean resnet18\?"),
        (
            {"backbone": "test_vit", "pool": "time"},
            "test_vit can't take a picture of 160 × 160 with pool = 'time': its maps have no axis of time",
        ),
        ({"backbone": "test_convnext", "height": 3}, "test_convnext can't take a picture of 3 × 160"),
        ({"backbone": "vgg11", "drop_path": 0.1}, "can't make vgg11 of 3 channels, drop_path 0.1"),
        ({"width": 0}, "model.height is 0 and model.width 0"),
    ],
)
def test_what_cannot_be_made_is_refused(settings, said):
    with pytest.raises(RequestError, match=said):
        Vision(160, **{"width": 160, **settings})


def test_a_picture_goes_to_models_that_want_one():
    tree = {"frontend": {"name": "picture", "height": 32, "width": 32}}
    task = Task(("a", "b"))
    with pytest.raises(
        RequestError, match="the front end picture gives pictures of 3 channels; the model cnn takes frames without channels"
    ):
        build(recipes.parse(tree), task)
    with pytest.raises(RequestError, match="takes frames without channels or pictures of 1 channel"):
        build(recipes.parse({**tree, "model": {"name": "vision", "backbone": "test_efficientnet", "channels": 1}}), task)


def test_one_file_answers_as_torch(exported):
    front = {"name": "picture", "height": 48, "width": 64}
    parity = exported({"name": "vision", "backbone": "test_efficientnet", "pool": "time"}, frontend=front)
    assert parity.clips < 1e-5
    assert parity.streams == 0


@pytest.mark.slow
@pytest.mark.parametrize("model", ["vision", "two_stream"])
def test_learns_real_clips_by_heart(shared, model):
    """Four recordings of each of eight everyday sounds, their first two seconds."""
    folders = sorted((shared / "data" / "esc10").glob("0*"))[:8]
    waves = [torch.from_numpy(soundfile.read(path, dtype="float32")[0][::4][:22050]) for f in folders for path in sorted(f.glob("*"))[:4]]
    wave = torch.nn.utils.rnn.pad_sequence([w if w.ndim == 1 else w.mean(1) for w in waves], batch_first=True)
    length, label = torch.tensor([len(w) for w in waves]), torch.arange(8).repeat_interleave(4)
    picture = {"name": "picture", "height": 96, "width": 96}
    front = {"picture": picture} if model == "two_stream" else picture
    tree = {"sample_rate": 11025, "frontend": front, "model": {"name": model, "backbone": "resnet18", "dropout": 0.0}}
    torch.manual_seed(0)
    pipe = build(recipes.parse(tree), Task(tuple(map(str, range(8)))))
    if model == "two_stream":
        pipe.frontend.fit([(wave, length)])
    optimizer = torch.optim.AdamW(pipe.parameters(), lr=1e-3, weight_decay=0.0)
    right = 0.0
    for _ in range(60):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(pipe.train()(wave, length), label).backward()
        optimizer.step()
        with torch.no_grad():
            right = float((pipe.eval()(wave, length).argmax(1) == label).float().mean())
        if right == 1:
            break
    assert right == 1


def test_it_says_what_it_begins_with(tmp_path):
    assert Vision(64, backbone="test_efficientnet").origin() == {}
    hub = Vision(64, backbone="resnet18", pretrained=True).origin()
    assert (hub["weights"], hub["license"]) == ("timm/resnet18.a1_in1k", "apache-2.0")
    assert "weights_may_ship" not in hub
    assert not Vision(64, backbone="convnextv2_atto", pretrained=True).origin()["weights_may_ship"]
    (tmp_path / "own.pth").write_bytes(b"abc")
    assert Vision(64, backbone="test_efficientnet", pretrained=str(tmp_path / "own.pth")).origin() == {
        "weights": "own.pth",
        "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    }


BROKEN = "raise RuntimeError('operator torchvision::nms does not exist')"
SCRIPT = """
import sys
sys.path.insert(0, sys.argv[1])
from auricle.models.vision import Vision
assert Vision(64, backbone="test_efficientnet").dim == 256
assert not [name for name in sys.modules if name.startswith("torchvision")]
"""


def test_a_broken_torchvision_does_not_matter(tmp_path):
    """Where torchvision was compiled for another build of torch, importing it raises; here timm alone is installed, the other case."""
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text(BROKEN, encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(tmp_path)], capture_output=True, text=True, check=False, cwd=Path.cwd())
    assert done.returncode == 0, done.stderr
