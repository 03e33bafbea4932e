"""Published weights by name: the table, the exact layouts, a server on this machine, hostile files. Nothing is fetched from elsewhere."""

from __future__ import annotations

import functools
import hashlib
import json
import pickle
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch

from auricle import bundle as bundles
from auricle import catalog, pretrained
from auricle import recipe as recipes
from auricle.errors import BundleError, DataError, RequestError
from auricle.types import Task

LAYOUTS = {
    name: json.loads((Path(__file__).parent / "reference" / f"{name}.json").read_text(encoding="utf-8"))
    for name in ("panns", "conv_next", "efficient_at", "efficient_at_dynamic")
}
FROZEN = {"spectrogram_extractor.stft.conv_real.weight": [513, 1, 1024], "logmel_extractor.melW": [513, 64]}


def layout(name: str) -> dict[str, list[int]]:
    """Names and shapes of the tensors of a published file."""
    if name == "mobile_net.mn04":
        found = LAYOUTS["efficient_at"]["layouts"]["mn04"]
    elif name.startswith("dynamic_mobile_net."):
        found = LAYOUTS["efficient_at_dynamic"]["layouts"][name.partition(".")[2]]
    elif name == "conv_next.audioset_471":
        found = LAYOUTS["conv_next"]["layout"]
    else:
        found = LAYOUTS["panns"]["layouts"][name.partition(".")[0]] | FROZEN
    return dict(found)


def published(name: str) -> dict[str, torch.Tensor]:
    """Random tensors with these names and shapes."""
    chance = torch.Generator().manual_seed(0)
    return {
        key: torch.tensor(0) if key.endswith("num_batches_tracked") else 0.05 + 0.02 * torch.rand(shape, generator=chance)
        for key, shape in layout(name).items()
    }


@pytest.fixture(autouse=True)
def empty_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("AURICLE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Path]]:
    """An address, and the folder that is served there."""

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            return

    monkeypatch.delenv("AURICLE_OFFLINE")
    folder = tmp_path / "served"
    folder.mkdir()
    serving = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
    thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{serving.server_port}", folder
    serving.shutdown()
    thread.join()
    serving.server_close()


def saved(path: Path, content: object) -> tuple[str, ...]:
    """A file as torch writes it, and its checksum."""
    torch.save(content, path)
    return ("sha256:" + hashlib.sha256(path.read_bytes()).hexdigest(),)


def on_paper(weights: pretrained.Weights) -> dict[str, torch.Size]:
    """Names and shapes of the tensors of model and head that the entry's recipe makes."""
    recipe = recipes.parse(weights.recipe)
    bins = catalog.make("frontends", recipe.frontend, recipe.sample_rate).bins
    with torch.device("meta"):
        model = catalog.make("models", recipe.model, bins)
        head = catalog.make("heads", recipe.head, model.dim, len(weights.names()))
    return {k: v.shape for k, v in torch.nn.ModuleDict({"model": model, "head": head}).state_dict().items()}


@pytest.mark.parametrize("name", pretrained.names())
def test_entries_are_whole(name):
    found = pretrained.about(name)
    recipe = recipes.parse(found.recipe)
    assert name.partition(".")[0] == recipe.model.name
    assert found.address.startswith("https://")
    assert all(len(digest) == {"sha256": 64, "md5": 32}[kind] for kind, _, digest in (c.partition(":") for c in found.checksums))
    assert 0.3 < found.published["mean_average_precision"] < 0.5
    assert recipe.sample_rate == (16_000 if name.endswith("16k") else 32_000)
    labels = found.names()
    assert len(labels) == len(set(labels)) == 527
    assert (labels[0], labels[74], labels[526]) == ("Speech", "Dog", "Field recording")


@pytest.mark.parametrize("name", [n for n in pretrained.names() if n != "mobile_net.mn10"])
def test_recipes_are_networks_of_the_published_layouts(name):
    found = pretrained.about(name)
    wanted = on_paper(found)
    given = pretrained.importlib.import_module(f"auricle.models.{found.layout}").convert(
        {k: torch.empty(shape, device="meta") for k, shape in layout(name).items()}
    )
    assert {k: v.shape for k, v in given.items()} == wanted


def test_mn10_has_as_many_numbers_as_published():
    """Of its 312 tensors, statistics and counters counted in."""
    found = pretrained.about("mobile_net.mn10")
    numbers = [shape.numel() for shape in on_paper(found).values()]
    assert (len(numbers), sum(numbers)) == (312, 4_901_277)


def test_brought_once_and_ready(server, tmp_path):
    address, folder = server
    state = published("cnn6.audioset")
    sums = saved(folder / "Cnn6_mAP=0.343.pth", {"iteration": 1, "model": state})
    weights = replace(pretrained.about("cnn6.audioset"), address=f"{address}/Cnn6_mAP%3D0.343.pth", checksums=sums)
    steps = []
    place = pretrained.bring(weights, progress=lambda done, total: steps.append((done, total)))
    assert steps[-1][0] == steps[-1][1] > 4_000_000
    assert place == pretrained.locate("cnn6.audioset") == tmp_path / "cache" / "weights" / "cnn6.audioset"
    assert not place.with_name("cnn6.audioset.part").exists()
    bundle = bundles.load(place)
    assert bundle.task == Task(weights.names(), "multi")
    assert bundle.card["license"] == "CC BY 4.0"
    assert bundle.card["sha256"] == sums[0].partition(":")[2]
    assert torch.equal(bundle.pipe.head.linear.weight, state["fc_audioset.weight"])
    assert torch.equal(bundle.pipe.model.conv_block1.conv1.weight, state["conv_block1.conv1.weight"].transpose(2, 3))
    (folder / "Cnn6_mAP=0.343.pth").unlink()
    assert pretrained.bring(weights) == place


def test_what_is_not_the_published_file_is_thrown_away(server):
    address, folder = server
    saved(folder / "x.pth", published("mobile_net.mn04"))
    weights = replace(pretrained.about("mobile_net.mn04"), address=f"{address}/x.pth")
    with pytest.raises(DataError, match="arrived with the checksum sha256:") as raised:
        pretrained.bring(weights)
    assert "--from FILE" in raised.value.hint
    assert not weights.here
    with pytest.raises(DataError, match=r"is not the published mobile_net\.mn04"):
        pretrained.bring(weights, source=folder / "x.pth")
    with pytest.raises(RequestError, match=r"none\.pt is not a file"):
        pretrained.bring(weights, source=folder / "none.pt")


def test_without_a_network_one_sentence(server, monkeypatch):
    address, _ = server
    weights = pretrained.about("mobile_net.mn04")
    with pytest.raises(DataError, match=r"mobile_net\.mn04 could not be brought: .*answers 404"):
        pretrained.bring(replace(weights, address=f"{address}/none.pt"))
    with pytest.raises(DataError, match="could not be brought"):
        pretrained.bring(replace(weights, address="http://127.0.0.1:9/none.pt"), attempts=1, patience=0.5)
    monkeypatch.setenv("AURICLE_OFFLINE", "1")
    with pytest.raises(DataError, match="AURICLE_OFFLINE is set"):
        pretrained.bring(weights)


def test_names_are_looked_up(tmp_path):
    with pytest.raises(RequestError, match=r"did you mean mobile_net\.mn10"):
        pretrained.about("mobile_net.mn11")
    with pytest.raises(RequestError, match="neither the folder of a bundle nor the name"):
        pretrained.locate(str(tmp_path))
    with pytest.raises(RequestError, match="not on this machine") as raised:
        pretrained.locate("mobile_net.mn10")
    assert "19.7 MB, MIT" in raised.value.hint


class Evil:
    """What unpickling would run."""

    def __reduce__(self):
        return (Path.touch, (Path("ran"),))


def test_files_are_read_and_never_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    weights = replace(pretrained.about("mobile_net.mn04"), checksums=())
    torch.save({"model": Evil()}, "evil.pt")
    Path("bare.pt").write_bytes(pickle.dumps(Evil()))
    torch.save(published("mobile_net.mn04"), "cut.pt")
    Path("cut.pt").write_bytes(Path("cut.pt").read_bytes()[:100_000])
    Path("text.pt").write_text("<html>not found</html>")
    torch.save([1, 2], "list.pt")
    for name in ("evil.pt", "bare.pt", "cut.pt", "text.pt", "list.pt"):
        with pytest.raises(BundleError, match=name) as raised:
            pretrained.bring(weights, source=Path(name))
        assert "weights_only" not in f"{raised.value}"  # torch's advice is to read it without care
    assert not Path("ran").exists()
    assert not weights.here
    torch.save(published("cnn6.audioset"), "other.pt")
    with pytest.raises(BundleError, match=r"classifier\.5\.weight"):
        pretrained.bring(weights, source=Path("other.pt"))
    torch.save({k: v for k, v in published("mobile_net.mn04").items() if "16.1.bias" not in k}, "less.pt")
    with pytest.raises(BundleError, match=r"1 tensors .* first model\.features\.16\.1\.bias"):
        pretrained.bring(weights, source=Path("less.pt"))


def test_arrays_beside_the_weights_do_no_harm(tmp_path):
    """As PANNs' 16 kHz file has them, of a sampler."""
    state = {"a": torch.ones(2)}
    torch.save({"model": state, "sampler": {"indexes": np.arange(4), "random": np.random.default_rng(0).random(3)}}, tmp_path / "x.pth")
    assert torch.equal(pretrained.read(tmp_path / "x.pth")["a"], state["a"])


def test_a_bundle_of_an_earlier_auricle_is_renewed(tmp_path):
    torch.save(published("mobile_net.mn04"), tmp_path / "x.pt")
    place = pretrained.bring(replace(pretrained.about("mobile_net.mn04"), checksums=()), source=tmp_path / "x.pt")
    about = json.loads((place / "bundle.json").read_text())
    about["recipe"]["train"]["forgotten"] = 1
    (place / "bundle.json").write_text(json.dumps(about))
    assert bundles.load(pretrained.locate("mobile_net.mn04")).recipe.model.name == "mobile_net"
