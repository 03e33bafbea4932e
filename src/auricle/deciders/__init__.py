"""One rule a file that turns probabilities into decisions. numpy only, never torch.

An entry is a class with `start(labels) -> state` and `step(probabilities [K], start, stop, state) -> (list[Decision], state)` for what
comes over time, `running(state) -> list[Decision]` (begun and not ended), and `finish(state) -> list[Decision]`.
"""
