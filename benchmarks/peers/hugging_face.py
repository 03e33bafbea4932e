"""A plain Hugging Face script: `Trainer` over a dataset that extracts features clip by clip, as its audio classification example does."""

from __future__ import annotations

import soundfile
import torch
from _wanted import Clock, wanted, without_cuda

_library = without_cuda()

from network import BINS, Network  # noqa: E402
from transformers import ASTFeatureExtractor, Trainer, TrainerCallback, TrainingArguments  # noqa: E402


class Clips(torch.utils.data.Dataset):
    def __init__(self, clips, labels):
        self.clips = clips
        self.index = {label: i for i, label in enumerate(labels)}
        seconds = soundfile.info(clips[0][0]).duration
        self.extract = ASTFeatureExtractor(num_mel_bins=BINS, max_length=round(seconds * 100) - 2)

    def __len__(self):
        return len(self.clips)

    def __getitem__(self, i):
        path, label = self.clips[i]
        wave, rate = soundfile.read(path, dtype="float32")
        feature = self.extract(wave, sampling_rate=rate, return_tensors="pt")["input_values"][0]
        return {"input_values": feature, "labels": self.index[label]}


class Classifier(torch.nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.network = Network(classes)

    def forward(self, input_values, labels):
        logits = self.network(input_values.transpose(1, 2))
        return {"loss": torch.nn.functional.cross_entropy(logits, labels), "logits": logits}


class Timed(TrainerCallback):
    def __init__(self, clock):
        self.clock = clock

    def on_epoch_begin(self, args, state, control, **kwargs):
        self.clock.begin()

    def on_epoch_end(self, args, state, control, **kwargs):
        self.clock.end()


if __name__ == "__main__":
    asked, clock = wanted(), Clock()
    settings = TrainingArguments(
        output_dir=str(asked.folder / "hugging_face"),
        per_device_train_batch_size=asked.batch,
        num_train_epochs=asked.epochs,
        learning_rate=asked.lr,
        dataloader_num_workers=asked.workers,
        dataloader_drop_last=True,
        dataloader_persistent_workers=asked.workers > 0,
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        use_cpu=True,
        bf16=asked.precision == "bf16-mixed",
    )
    trainer = Trainer(Classifier(len(asked.labels)), settings, train_dataset=Clips(asked.clips, asked.labels), callbacks=[Timed(clock)])
    clock.tell(trainer.train().training_loss)
