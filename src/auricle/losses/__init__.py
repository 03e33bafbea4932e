"""One training objective a file: `logits [B, K], target -> loss []`.

An entry is a `torch.nn.Module` whose `forward(logits, target)` takes [B] class indices or [B, K] rows and returns a scalar.
"""
