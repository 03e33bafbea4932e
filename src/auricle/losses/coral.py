"""CORAL: source and target embeddings brought to one covariance (Sun and Saenko 2016, equations 1 to 3)."""

from __future__ import annotations

from torch import Tensor, nn

from auricle.losses._domains import apart, labelled_cross_entropy


class Coral(nn.Module):
    """Cross entropy of the labelled rows + weight · ‖Cs - Ct‖² / (4 D²).

    Args:
        weight: of the covariances' distance.
        label_smoothing: of the labels' part.
    """

    needs = ("embedding", "domain")

    def __init__(self, *, weight: float = 1.0, label_smoothing: float = 0.0) -> None:
        super().__init__()
        self.weight, self.label_smoothing = weight, label_smoothing

    def forward(self, logits: Tensor, target: Tensor, *, embedding: Tensor, domain: Tensor) -> Tensor:
        """The loss.

        Args:
            logits: [B, K].
            target: [B] class indices, or [B, K] rows that sum to 1.
            embedding: [B, D].
            domain: [B] true for rows of the target domain.

        Returns:
            [].
        """
        labels = labelled_cross_entropy(logits, target, domain, label_smoothing=self.label_smoothing)
        return labels + self.weight * self.distance(*apart(embedding, domain))

    def distance(self, source: Tensor, target: Tensor) -> Tensor:
        """Squared Frobenius distance of two samples' covariances over 4 D².

        Args:
            source: [S, D].
            target: [R, D].

        Returns:
            []; 0 where either has fewer than two rows.
        """
        if min(len(source), len(target)) < 2:
            return source.sum() * 0 + target.sum() * 0
        return (_covariance(source) - _covariance(target)).square().sum() / (4 * source.shape[1] ** 2)


def _covariance(rows: Tensor) -> Tensor:
    centred = rows - rows.mean(0)
    return centred.T @ centred / (len(rows) - 1)
