"""One architecture a file: `feature [B, F, N], length [B] -> hidden [B, D, M], length [B]`.

An entry is a `torch.nn.Module` made with `bins` first, with the attributes `dim` (D), `stride` (frames a step), `lookahead` (frames; -1
where the whole clip is needed) and `streamable`. There are M = N // stride steps, unless it has `steps(frames [B]) -> [B]`, which then
says how many, and `min_frames` where the first needs more than `stride`; `max_frames` where it refuses more: longer clips are then heard
in passages. A streamable one has `start(rows) -> State` and
`step(feature, state) -> (hidden, state)`, exact for every chunking in multiples of `stride` frames; one that is not says why in its
docstring. A big one may have the class attribute `small`, settings that make a small network of the same form: the battery runs on that.
One that asks where its bins lie has `place(bins_hz)`: when the pipe is built it is told their frequencies in Hz, () if they have none.

One that takes pictures [B, C, F, N] has `channels`, all the numbers of them it takes, 0 for features without. One that needs several front
ends side by side names them in the class attribute `needs`: `bins`, `feature`, `length` and `channels` are then dicts by these names.
`begin(frontend)` is called once before training, and may fetch published weights, or refuse a front end that they were not taught with;
making one never does; `origin() -> {"weights", "license", "source", …}` says on the model's card what these are. Where the architecture
lies with the weights, a static `described(settings) -> settings` writes it out, so that a bundle is built without them. A student with
`learn(teacher, frontend, features)` is shown, unless weights were transferred, the pipe of the weights that its attribute `source` names
and pairs of [B, F, N] frames of training clips and [B] valid frames. `frozen = True` says that no gradient passes through it.
"""
