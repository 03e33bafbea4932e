"""SpeechBrain: a `Brain` over a `DynamicItemDataset`, features on the fly, as its classification tutorial has it."""

from __future__ import annotations

import torch
from _wanted import Clock, wanted, without_cuda

_library = without_cuda()

import speechbrain as sb  # noqa: E402
from network import BINS, Network  # noqa: E402
from speechbrain.lobes.features import Fbank  # noqa: E402
from speechbrain.processing.features import InputNormalization  # noqa: E402


class Classification(sb.Brain):
    def compute_forward(self, batch, stage):
        batch = batch.to(self.device)
        waves, lengths = batch.signal
        features = self.modules.normalise(self.modules.features(waves), lengths)
        return self.modules.network(features.transpose(1, 2))

    def compute_objectives(self, predictions, batch, stage):
        return torch.nn.functional.cross_entropy(predictions, batch.label_index)

    def on_stage_start(self, stage, epoch=None):
        self.clock.begin()

    def on_stage_end(self, stage, stage_loss, epoch=None):
        self.clock.end()
        self.last = stage_loss


def clips(asked):
    index = {label: i for i, label in enumerate(asked.labels)}

    @sb.utils.data_pipeline.takes("path")
    @sb.utils.data_pipeline.provides("signal")
    def signal(path):
        return sb.dataio.dataio.read_audio(path)

    @sb.utils.data_pipeline.takes("label")
    @sb.utils.data_pipeline.provides("label_index")
    def label_index(label):
        return index[label]

    data = {str(i): {"path": path, "label": label} for i, (path, label) in enumerate(asked.clips)}
    return sb.dataio.dataset.DynamicItemDataset(data, [signal, label_index], ["id", "signal", "label_index"])


if __name__ == "__main__":
    asked = wanted()
    brain = Classification(
        modules={"features": Fbank(n_mels=BINS), "normalise": InputNormalization(), "network": Network(len(asked.labels))},
        opt_class=lambda parameters: torch.optim.AdamW(parameters, lr=asked.lr),
        run_opts={"device": "cpu", "noprogressbar": True, "precision": "bf16" if asked.precision == "bf16-mixed" else "fp32"},
    )
    brain.clock = Clock()
    loader = {"batch_size": asked.batch, "num_workers": asked.workers, "shuffle": True, "drop_last": True}
    brain.fit(range(asked.epochs), clips(asked), train_loader_kwargs=loader | ({"persistent_workers": True} if asked.workers else {}))
    brain.clock.tell(float(brain.last))
