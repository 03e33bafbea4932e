"""The sections of a recipe that are no component's: feed, split, transfer and train."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from msgspec import Meta

from auricle.types import Seconds

Amount = Annotated[float, Meta(ge=0)]
Positive = Annotated[float, Meta(gt=0)]
Share = Annotated[float, Meta(ge=0, le=1)]
Part = Annotated[float, Meta(ge=0, lt=1)]
Count = Annotated[int, Meta(ge=1)]
Whole = Annotated[int, Meta(ge=0)]
_WORDS = {"ge": "at least {:g}", "gt": "more than {:g}", "le": "at most {:g}", "lt": "less than {:g}"}


def bounds(hint: Any) -> str:
    """What a setting's type asks of its value beside being a number, in words.

    >>> bounds(Share), bounds(Count), bounds(float)
    ('at least 0 and at most 1', 'at least 1', '')
    """
    metas = [each for each in get_args(hint)[1:] if isinstance(each, Meta)]
    return " and ".join(words.format(limit) for meta in metas for key, words in _WORDS.items() if (limit := getattr(meta, key)) is not None)


@dataclass(frozen=True, slots=True)
class Feed:
    """How clips of any length become rows of one length.

    Args:
        seconds: length of a training crop, and of a window when a longer clip is scored.
        short: what is done to a clip shorter than `seconds` when training; "pad" adds silence, "tile" repeats it.
        min_seconds: clips shorter than this are padded with silence before they are scored.
        channels: how channels become one; "mean", "first" or "loudest".
        cache_gb: memory for decoded clips; beyond it files are read again each epoch.
    """

    seconds: Annotated[Seconds, Meta(ge=0)] = 5.0
    short: Literal["pad", "tile"] = "pad"
    min_seconds: Annotated[Seconds, Meta(ge=0)] = 0.25
    channels: Literal["mean", "first", "loudest"] = "mean"
    cache_gb: Amount = 2.0


@dataclass(frozen=True, slots=True)
class Split:
    """Which clips train, which choose, which judge.

    Args:
        rule: "official" (the corpus's own train/test), "fold" (one official fold is the test), "group" (one group is the test, the
            others train), "random" (stratified, groups never straddle), or "auto": the first of official, fold, random that the
            corpus allows.
        test: the fold or group that judges, for "fold" and "group"; "" takes the last.
        test_fraction: share of groups that judge, for "random".
        dev_fraction: share of the training groups that stop early and calibrate; 0 trains to the last epoch, uncalibrated.
        also: folders, tables or corpora with more clips of the same labels, which train and never choose or judge; those whose file or
            group is held out are left out.
    """

    rule: Literal["auto", "official", "fold", "group", "random"] = "auto"
    test: str = ""
    test_fraction: Annotated[float, Meta(gt=0, lt=1)] = 0.2
    dev_fraction: Part = 0.15
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Transfer:
    """What the network knew before.

    Args:
        weights: "" begins from scratch, or from what the model's own settings name (`model.pretrained`, `model.source`); else a name
            (`auricle show weights`), or the folder of a bundle or a run. The front end and the model must be theirs; of the head, the layer
            of the classes is made anew where the classes are others.
        freeze: share of the layers that know something, from the input on, that don't learn; their norms keep the
            statistics they came with.
        learn: beginnings of names of the only parts that learn, such as ["head"] or ["head", "model.attention"]; without any, `freeze`
            decides.
        passes: how often a network that is solved from its teacher (`model.source`) then goes through the training clips, at other speeds
            each time and without labels, its parts together following the gradient of what they miss of the teacher's states.
        lr_scale: learning rate of what was learnt before, in units of `train.lr`.
        groups: into how many groups of equally many consecutive layers `unfreeze_epochs` and `lr_decay` divide what was learnt before.
        unfreeze_epochs: epochs after which the next frozen group from the top begins to learn; 0 keeps them frozen.
        lr_decay: learning rate of a group in units of that of the group above it (Howard and Ruder 2018 take 1/2.6).
        teachers: models whose answers a student learns from beside the labels, each a bundle's or run's folder, a name, an .onnx file, or a
            folder of transformers; the loss is then one that distils. In the name of a folder, `{fold}` stands for the fold's where
            `auricle evaluate --folds` trains, so that no student learns from a teacher that has heard who judges it.
        teaching: "online", the teachers hear the same augmented row; "cached", each clip once, as it was read, and what they said of clips
            that are mixed is mixed alike.
        target_domain: a folder of clips without labels from where the model will be used; the loss is then one between two domains.
            "{test}" are the clips that judge, heard without their labels: another protocol, which the model's card tells.
        probe: "" trains the network; else it stays as it is, its embeddings are computed once a clip and cached, and only a classifier
            is fitted, by itself, to them: "linear" (the head's last layer), "mlp" (with a hidden layer) or "knn" (nearest neighbours).
            Front end, model and sample rate are then those of `weights`, and nothing is augmented.
        probe_above: share of few training clips, left out by whole groups, that a linear probe must name right for the network to stay as
            it is with that probe; where it names fewer the network is trained. 0 asks no probe.
        denoiser: folder of a bundle or run that trained a denoiser, to stand frozen in front of the front end; "" hears the wave as it is.
        oversample: how a probe gets as many embeddings of each class as of the most frequent, within each training fold; "" leaves them.
    """

    weights: str = ""
    freeze: Share = 0.0
    learn: tuple[str, ...] = ()
    passes: Whole = 0
    lr_scale: Amount = 1.0
    groups: Count = 4
    unfreeze_epochs: Amount = 0.0
    lr_decay: Positive = 1.0
    teachers: tuple[str, ...] = ()
    teaching: Literal["online", "cached"] = "online"
    target_domain: str = ""
    probe: Literal["", "linear", "mlp", "knn"] = ""
    probe_above: Share = 0.0
    denoiser: str = ""
    oversample: Literal["", "random", "smote", "borderline_smote", "adasyn"] = ""


@dataclass(frozen=True, slots=True)
class Train:
    """The training loop's settings.

    Args:
        epochs: passes over the training clips.
        batch: rows of a step, over all devices together; fewer where an epoch would have less than eight steps.
        lr: peak learning rate.
        warmup: epochs of linear warm-up; one_cycle has its own.
        schedule: what the rate does then: "cosine" to zero, "one_cycle", "step" and "plateau" of the development loss, both by `decay`,
            "constant".
        decay: factor of step and plateau.
        decay_epochs: epochs of a step, or without improvement until the plateau's.
        optimizer: "adamw"; "adam", whose weight decay is added to the gradient; "sgd", with Nesterov's momentum.
        momentum: of sgd.
        weight_decay: on matrices and kernels only.
        sam_rho: radius of sharpness-aware minimisation, which takes two passes a step; 0 is without.
        clip_norm: largest norm of the gradient; 0 does not clip.
        ema: decay of the averaged weights that are evaluated and kept; 0 keeps the last weights.
        swa: share of the training after which, in place of that, the weights at the end of each epoch are averaged evenly; 0 never.
        patience: epochs without improvement of the development loss before stopping; 0 never stops early, and keeps the last epoch.
        sampler: which clips an epoch visits; "shuffle" each once, "balanced" classes equally often, "square_root" by the root of their
            clips, "round_robin" one clip of each class in turn.
        precision: "32-true"; "bf16-mixed", products in bfloat16 and everything else in single precision; "auto" takes that where the
            device multiplies bfloat16 by itself, and trains up to twice as fast.
        device: "auto", "cpu", "cuda" or "mps".
        devices: how many of them, each a process; the batch is shared out.
        time: budget such as "10m"; the schedule is fitted into it; "" has none.
        workers: threads that read files ahead.
        checkpoint_minutes: time between checkpoints, within an epoch too.
        progress: whether a bar is drawn.
    """

    epochs: Count = 60
    batch: Count = 32
    lr: Positive = 3e-3
    warmup: Amount = 3.0
    schedule: Literal["cosine", "one_cycle", "step", "plateau", "constant"] = "cosine"
    decay: Positive = 0.1
    decay_epochs: Count = 20
    optimizer: Literal["adamw", "adam", "sgd"] = "adamw"
    momentum: Part = 0.9
    weight_decay: Amount = 0.05
    sam_rho: Amount = 0.0
    clip_norm: Amount = 5.0
    ema: Part = 0.995
    swa: Share = 0.0
    patience: Whole = 0
    sampler: Literal["shuffle", "balanced", "square_root", "round_robin"] = "shuffle"
    precision: Literal["auto", "32-true", "bf16-mixed"] = "auto"
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    devices: Count = 1
    time: str = ""
    workers: Whole = 2
    checkpoint_minutes: Amount = 2.0
    progress: bool = True
