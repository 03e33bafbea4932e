"""What can go wrong, in one sentence each: the thing, what was found, what was wanted; then perhaps a hint.

The command exits with `exit_code`: 1 the work failed, 2 the request was wrong.
"""


class AuricleError(Exception):
    """A failure that a person can act on.

    Args:
        message: one sentence naming the thing, what was found and what was wanted.
        hint: what to do about it, or "".
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class RequestError(AuricleError):
    """The request itself is wrong: an unknown name, an impossible setting, a path that is not there."""

    exit_code = 2


class AudioError(AuricleError):
    """A sound file could not be read, or holds nothing that can be used."""


class DataError(AuricleError):
    """A corpus, table or label file is not what it claims to be."""


class ShapeError(AuricleError):
    """A tensor has the wrong shape or length."""


class BundleError(AuricleError):
    """A trained model on disk is damaged, or was made for something else."""


class MissingExtraError(AuricleError):
    """An optional dependency is needed and not installed.

    Args:
        what: what was asked for, as the beginning of a sentence.
        extra: the extra of the package that brings it.
    """

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs an optional part of auricle", hint=f'pip install "auricle[{extra}]"')
