"""One check of a corpus a file: broken files, duplicates, leaks between splits. No torch.

An entry is a function `name(items, ...) -> list[Finding]`.
"""
