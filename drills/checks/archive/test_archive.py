"""The smallest checks: the first line of each docstring is what the report says was proved."""

from __future__ import annotations

FOLDER = "/srv/files"


def test_the_folder_holds_files(host):
    """The restored folder holds at least one file, and none is empty."""
    sizes = host.check_output(f"find {FOLDER} -type f -printf '%s\\n'").split()
    assert sizes, "no file came back"
    assert "0" not in sizes, "an empty file came back"
