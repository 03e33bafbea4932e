"""The report's plots as SVG text: sharp at any size, coloured by the page's own style, readable without a script."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

_WIDTH, _HEIGHT = 460, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 14, 14, 34


def curves(lines: Mapping[str, Sequence[float]], *, epochs: Sequence[float], unit: str, label: str) -> str:
    """Lines over epochs.

    Args:
        lines: values by the line's name, NaN where there is none; the name is also its CSS class.
        epochs: of each value.
        unit: "" or "%", after the numbers of the vertical axis.
        label: what the picture shows, for who cannot see it.

    Returns:
        SVG; empty where there is nothing to draw.
    """
    values = [v for line in lines.values() for v in line if math.isfinite(v)]
    if not values:
        return ""
    ticks = _ticks(min(values), max(values))
    low, high = ticks[0], ticks[-1]
    first, last = epochs[0], max(epochs[-1], epochs[0] + 1)

    def place(epoch: float, value: float) -> tuple[float, float]:
        return _x((epoch - first) / (last - first)), _y((value - low) / (high - low))

    parts = [_frame([(_y((t - low) / (high - low)), f"{t:g}{unit}") for t in ticks])]
    steps = sorted({round(t) for t in _ticks(first, last) if first <= t <= last})
    parts += [
        f'<text x="{_x((t - first) / (last - first)):.1f}" y="{_HEIGHT - 14}" class="tick" text-anchor="middle">{t}</text>' for t in steps
    ]
    for name, line in lines.items():
        points = [place(e, v) for e, v in zip(epochs, line, strict=True) if math.isfinite(v)]
        if len(points) == 1:
            parts.append(f'<circle class="dot {name}" cx="{points[0][0]:.1f}" cy="{points[0][1]:.1f}" r="3"/>')
        elif points:
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            parts.append(f'<polyline class="line {name}" points="{path}"/>')
    return _svg(parts, label)


def reliability(bins: Sequence[dict[str, Any]], *, label: str) -> str:
    """How often answers were right, against how sure they were, with the number of answers below.

    Args:
        bins: of metrics.json: low, high, count, confidence, accuracy.
        label: what the picture shows, for who cannot see it.

    Returns:
        SVG; empty where no bin holds an answer.
    """
    most = max((b["count"] for b in bins), default=0)
    if not most:
        return ""
    parts = [_frame([(_y(t / 4), f"{t * 25}%") for t in range(5)])]
    parts += [f'<text x="{_x(t / 4):.1f}" y="{_HEIGHT - 14}" class="tick" text-anchor="middle">{t * 25}%</text>' for t in range(5)]
    for each in bins:
        if not each["count"]:
            continue
        left, right, top = _x(each["low"]) + 1, _x(each["high"]) - 1, _y(each["accuracy"])
        height = 22 * each["count"] / most
        title = f"sure {each['confidence']:.0%}, right {each['accuracy']:.0%} of {each['count']}"
        parts.append(
            f"<g><title>{title}</title>"
            f'<rect class="bar" x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" height="{_y(0) - top:.1f}"/>'
            f'<rect class="count" x="{left:.1f}" y="{_y(0) - height:.1f}" width="{right - left:.1f}" height="{height:.1f}"/>'
            f'<line class="level" x1="{left:.1f}" x2="{right:.1f}" y1="{top:.1f}" y2="{top:.1f}"/></g>'
        )
    parts.append(f'<line class="ideal" x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}"/>')
    return _svg(parts, label)


def _svg(parts: list[str], label: str) -> str:
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def _frame(ticks: list[tuple[float, str]]) -> str:
    rows = "".join(
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class="tick" x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{text}</text>'
        for y, text in ticks
    )
    return f"<g>{rows}</g>"


def _x(share: float) -> float:
    return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)


def _y(share: float) -> float:
    return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers around a range, about five, of few digits: a range narrower than a twentieth of its height is drawn as flat."""
    span = max(high - low, abs(high) * 0.05, 1e-9)
    step: float = 10 ** math.floor(math.log10(span / 4))
    step *= next(m for m in (1, 2, 5, 10) if span / (step * m) <= 5)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(n * step, 12) for n in range(first, max(last, first + 1) + 1)]
