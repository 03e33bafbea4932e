"""One foreign file format a file: written from a bundle, opened without torch.

An entry is a class with `suffix`, `tolerance` (largest difference from the pipe), `write(bundle, path)` and `open(path) -> Runner`.
"""
