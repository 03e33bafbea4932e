"""One training objective a file: `logits [B, K], target -> loss []`.

An entry is a `torch.nn.Module` whose `forward(logits, target)` takes [B] class indices or [B, K] rows and returns a scalar. One that
needs more than that names it in the class attribute `needs` and takes it by these names:

* `teacher` [B, K]: what the teachers say of each row, as the entry's own `soften(logits)` makes it of their logits;
* `embedding` [B, D]: the mean of each row's hidden sequence;
* `domain` [B]: whether the row is an unlabelled one of the target domain, whose target means nothing;
* `progress`: share of the training that is done, in [0, 1].

One that weighs classes has `fit(counts [K])`, called once with the number of training clips of each class. One with weights of its own
that depend on the embedding has `build(dim)`, called once before training.

One of waves has `kinds = ("wave",)` and is `forward(wave [B, T], target [B, T], length [B])`; a row whose target is silent doesn't count.
"""
