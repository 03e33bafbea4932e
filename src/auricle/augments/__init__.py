"""One effect a file, drawn as a value and applied without chance, on training rows only.

An entry is a class made with `sample_rate` first, with `domain` ("wave": [B, T], "feature": [B, F, N], or "batch": waves, lengths and
targets together), `draw(rng, shape) -> values` with an explicit `torch.Generator`, values being a dict of tensors, and
`apply(tensor, values) -> tensor` of the same shape that leaves its input untouched. Each row is drawn for itself and is changed with
probability `p`. A "batch" effect's `apply(batch, values)` takes and returns a `Batch` whose targets are [B, K] rows. An effect that
makes sound longer or shorter has `stretched(length, values) -> length` too. `p = 0` changes nothing.
"""
