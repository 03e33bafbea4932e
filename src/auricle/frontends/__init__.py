"""One representation a file: `wave [B, T], length [B] -> feature [B, F, N], length [B]`, inside the exported graph.

An entry is a `torch.nn.Module` made with `sample_rate` first, with the attributes `bins`, `win`, `hop` (samples) and `streamable`. Frame n
covers samples [n*hop, n*hop + win) unless the front end is centred, which does not stream. `frames(length)` says how many frames
so many samples make; `bins_hz`, where it has one, which frequency in Hz each bin stands for. A front end that learns statistics has
`fit(waves)`. One that carries state between frames has `start(rows)` and `step(wave, state)`. One that gives a picture [B, C, F, N] says
how many `channels` it has.
"""
