"""What compressors begin with: a copy of a bundle's pipe with its model in the form for inference alone."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from auricle.errors import RequestError

if TYPE_CHECKING:
    from auricle.bundle import Bundle
    from auricle.pipe import Pipe


def lean(bundle: Bundle) -> Pipe:
    """A copy of the pipe, its model replaced by what the model's `lean` gives.

    Args:
        bundle: what is copied.

    Returns:
        The copy, in evaluation mode, on the CPU.

    Raises:
        RequestError: the model has no such form.
    """
    twin = copy.deepcopy(bundle.pipe).cpu().eval()
    if not hasattr(twin.model, "lean"):
        raise RequestError(f"the model {bundle.recipe.model.name} has no lean form", hint="conv_next has one")
    twin.model = twin.model.lean().eval()
    for parameter in twin.parameters():
        parameter.requires_grad_(False)
    return twin
