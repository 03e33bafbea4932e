"""One effect a file, drawn as a value and applied without chance, on training rows only.

An entry is a class made with `sample_rate` first, with a `domain`, `draw(rng, shape) -> values` with an explicit `torch.Generator`, values
being a dict of tensors whose first axis is rows, and `apply(tensor, values) -> tensor` of the same shape that leaves its input untouched.
Domains: "wave" ([B, T]), "feature" ([B, F, N], or a picture [B, C, H, W]), "picture" ([B, 3, H, W] alone), and "batch" (waves, lengths
and targets together). Each row is drawn for itself and is changed with probability `p`, which moves evenly to `p_end` over training where
that is set. `p = 0` changes nothing.

On waves the caller adds `length` [B], each row's valid samples, to the values, and silences what lies behind them afterwards: an effect
never has to mind padding, only to measure without it. An effect that makes sound longer or shorter has `stretched(length, values) ->
length` too. One that works on the processor, outside of torch, says `host = True`: the feed's threads apply it, and the effects on waves
before it, to each clip as it is read.

A "batch" effect's `apply(batch, values)` takes and returns a `Batch` whose targets are [B, K] rows; with an attribute `on` of "feature",
its `wave` is the feature and its `length` counts frames.
"""
