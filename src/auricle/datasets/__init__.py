"""One corpus a file: where its sounds are, what they are labelled, how they are officially split, under which licence.

An entry is a class with the class attributes `title`, `license`, `source`, `citation`, `labels` (or `()` where the data tells), `kind`
(a `Task` kind), `example` (a few real relative paths), `weights_may_ship`, and the methods `items(root) -> Iterator[Item]` and, where the
corpus can be fetched, `download(root)`. It may also have `found(root) -> bool` (the folder is this corpus, told by its own files),
`skipped(root) -> Iterator[Skipped]` (what `items` left out, and why) and `folders` (other names its folder commonly has). No torch.
"""
