"""One way to pool and classify a file: `hidden [B, D, M], length [B] -> logits [B, K]`, always logits, padding never counts.

An entry is a `torch.nn.Module` made with `dim, classes` first, with the attributes `dim` and `streamable`. A streamable one has
`start(rows, window) -> State` and `step(hidden, state) -> (logits [B, K, M], state)`: the pooled logits after each step, over all steps
so far (`window` 0) or the last `window`. `embedding(hidden, length) -> [B, E]`, where it has one, is what its last layer classifies;
`frames(hidden, length) -> [B, K, M]`, where it has one, are the logits of each step, behind a row's end of no meaning.
"""
