"""Rows of two domains in one batch: the labelled source and the unlabelled target."""

from __future__ import annotations

from torch import Tensor, nn


def labelled_cross_entropy(logits: Tensor, target: Tensor, domain: Tensor, *, label_smoothing: float) -> Tensor:
    """Cross entropy of the source rows alone.

    Args:
        logits: [B, K].
        target: [B] class indices, or [B, K] rows that sum to 1.
        domain: [B] true for rows of the target domain.
        label_smoothing: share of each target spread evenly over all classes.

    Returns:
        [] mean over source rows; 0 where there are none.
    """
    source = ~domain.bool()
    each = nn.functional.cross_entropy(logits, target, label_smoothing=label_smoothing, reduction="none")
    return (each * source).sum() / source.sum().clamp(min=1)


def apart(embedding: Tensor, domain: Tensor) -> tuple[Tensor, Tensor]:
    """Embeddings by domain.

    Args:
        embedding: [B, D].
        domain: [B] true for rows of the target domain.

    Returns:
        [S, D] of the source and [B - S, D] of the target.
    """
    target = domain.bool()
    return embedding[~target], embedding[target]
