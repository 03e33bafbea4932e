"""What training begins with where nobody said: weights that were taught on other sound, where they can be had, else chance."""

from __future__ import annotations

from auricle import pretrained
from auricle.errors import AuricleError
from auricle.types import Seconds

_WEIGHTS = "mobile_net.mn04"  # 4 MB, MIT
_PATIENCE: Seconds = 3.0  # nobody asked for a download: who is not there at once is not waited for
_OWN = ("frontend", "head", "model", "sample_rate", "transfer.weights")  # what the weights fit as it is, or not at all

_TRAINING = ("augment", "denoiser", "head", "loss", "train", "transfer")  # what a fitted classifier takes no notice of
_AROUND = tuple(f"train.{key}" for key in ("checkpoint_minutes", "device", "progress", "workers"))


def best_start(overrides: tuple[str, ...]) -> tuple[str, str]:
    """The recipe to take, and why.

    Args:
        overrides: settings that were asked for; the weights don't fit another network or front end.

    Returns:
        "transfer" or "default", and a clause that says the reason and how to have it otherwise.
    """
    keys = [setting.partition("=")[0].strip() for setting in overrides]
    other = sorted({own for own in _OWN for key in keys if key == own or key.startswith(f"{own}.")})
    if other:
        begun = "from the weights that were named" if "transfer.weights" in other else f"from scratch, since {' and '.join(other)} was set"
        return "default", f"{begun}; --recipe transfer tunes {_WEIGHTS}"
    weights = pretrained.about(_WEIGHTS)
    came = "is in the cache"
    if not weights.here:
        try:
            pretrained.bring(weights, attempts=1, patience=_PATIENCE)
        except (AuricleError, OSError) as wrong:
            return "default", f"from scratch, since {str(wrong)[:1].lower()}{str(wrong)[1:]}; auricle download {_WEIGHTS} brings them"
        came = f"was fetched ({weights.megabytes:g} MB, {weights.license})"
    return "transfer", f"begins with {_WEIGHTS}, taught on AudioSet, which {came}; --recipe default begins from scratch"


def trained(overrides: tuple[str, ...]) -> tuple[str, ...]:
    """Settings of training mean that there is training: the network is then not tried as it is.

    Args:
        overrides: settings that were asked for.

    Returns:
        Settings to stand before them; none where they say nothing of training.
    """
    keys = [setting.partition("=")[0].strip() for setting in overrides]
    trains = [key for key in keys if key.partition(".")[0].partition("[")[0] in _TRAINING and key not in _AROUND]
    return ("transfer.probe_above=0",) if trains else ()
