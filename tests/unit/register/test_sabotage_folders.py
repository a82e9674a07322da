"""What a killed sabotage leaves is found by its folder, and by nobody while its process lives."""

from __future__ import annotations

from pathlib import Path

from pradrill.register.runs.sabotage_folders import (
    has_sabotages,
    killed_sabotages,
    make_sabotage_folder,
)
from pradrill.testing import START


def test_only_a_killed_sabotage_is_found_and_by_one_alone(tmp_path: Path) -> None:
    """While its process lives nobody takes its folder; afterwards the first who looks does."""
    assert not has_sabotages(tmp_path)
    folder = make_sabotage_folder(tmp_path, "site", ["standby"], START)
    assert has_sabotages(tmp_path)
    assert killed_sabotages(tmp_path) == []
    folder._lock.close()  # as its death does
    (killed,) = killed_sabotages(tmp_path)
    assert (killed.sabotage_id, killed.machines) == (folder.sabotage_id, ("standby",))
    assert killed_sabotages(tmp_path) == []
    killed.drop()
    assert not has_sabotages(tmp_path)


def test_a_folder_that_was_cut_in_its_making_names_no_machine(tmp_path: Path) -> None:
    """What cannot be read ends nothing, and goes all the same."""
    folder = make_sabotage_folder(tmp_path, "site", ["standby"], START)
    (folder.path / "machines.json").write_text("[", encoding="utf-8")
    folder._lock.close()
    (killed,) = killed_sabotages(tmp_path)
    assert killed.machines == ()
