"""One effect a file, drawn as a value and applied without chance, on training rows only.

An entry is a class with `domain` ("wave": [B, T], "feature": [B, F, N], or "batch": wave and target together), `draw(rng, shape) -> values`
with an explicit `torch.Generator`, and `apply(tensor, values) -> tensor` of the same shape that leaves its input untouched. A "batch"
effect's `apply` takes and returns `(wave, target)`, the target [B, K].
"""
