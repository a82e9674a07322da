"""A run that is watched is one of ours."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from pradrill.app.status.watched import _living

BEGIN = datetime(2026, 3, 10, 2, tzinfo=UTC)


@pytest.mark.parametrize("began", ["20261399T020000", "20260310T250000", "00000101T000000"])
def test_a_folder_of_a_name_that_no_run_has_ends_no_status(began: str, tmp_path: Path) -> None:
    """One with a month that is none, whose file somebody holds, is passed over."""
    assert [*_living(tmp_path, f"{began}Z-moodle-abcdef", BEGIN)] == []
    assert next(_living(tmp_path, "20260310T020000Z-moodle-abcdef", BEGIN)).drill == "moodle"
