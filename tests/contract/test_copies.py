"""Copies of a saved standby: the fake's promises; tests/e2e holds the lab to the same, at night."""

from __future__ import annotations

from pathlib import Path

from tests.support.copies import keep_copies_apart

from pradrill.testing import FakeCopiedStandby


def test_each_copy_begins_with_what_was_saved(tmp_path: Path) -> None:
    """What is done to one copy is on no other, and a stop of the standby drops what was saved."""
    standby = FakeCopiedStandby(places=2)
    keep_copies_apart(
        standby,
        tmp_path,
        lambda site, text: standby.damage(site).append(text),
        standby.damage,
    )
