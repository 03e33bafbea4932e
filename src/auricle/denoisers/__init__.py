"""One network a file that gives a wave back with less noise: `wave [B, T], length [B] -> wave [B, T]`.

An entry is a `torch.nn.Module` made with `sample_rate` first, with the attributes `hop` (samples a step) and `delay` (samples by which a
stream's answer comes later). `forward(wave, length)` answers without the delay, zeros behind a row's length, which never counts.
`start(rows) -> State` and `step(wave [B, M·hop], state) -> (wave [B, M·hop], state)` are the stream, exact for every chunking in multiples
of `hop`: what it gives is `forward`'s answer, `delay` samples later.
"""
