"""Every entry of every catalogue passes its kind's public battery."""

from __future__ import annotations

import pytest

from auricle import catalog

ENTRIES = [(kind, name) for kind in catalog.names("contracts") for name in catalog.names(kind)]


@pytest.mark.parametrize(("kind", "name"), ENTRIES, ids=lambda each: each)
def test_battery(kind, name):
    failed = [f"{v.name}: {v.sentence}" for v in catalog.load("contracts", kind)(catalog.load(kind, name)) if not v.passed]
    assert not failed, "\n".join(failed)
