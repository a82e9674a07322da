"""The shipped drill of SQLite: what its checks notice, by day, without a machine of the lab."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.integration.hosts.machines import propagation

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a /var/lib of its own takes root")
SCRIPT = Path(__file__).with_name("sqlite_faults.py")


def test_each_fault_that_fits_is_noticed_and_the_undamaged_copy_is_green() -> None:
    """Restored into a folder that was not there; each damage is done to a copy of its own."""
    words = ["unshare", "--mount", *propagation(), "sh", "-ec"]
    words += ['mount -t tmpfs -o mode=755 none /var/lib; exec "$@"', "sh"]
    words += [sys.executable, str(SCRIPT)]
    outcome = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert outcome.returncode == 0, outcome.stderr
    answers = json.loads(outcome.stdout)
    assert answers.pop("") == []
    assert len(answers) >= 17
    assert [fault for fault, checks in answers.items() if not checks] == []
    assert answers["sqlite-trigger-missing"] == ["test_the_tables_are_as_at_the_backup columns"]
    assert answers["sqlite-user-version-lost"] == ["test_the_tables_are_as_at_the_backup columns"]
    assert answers["sqlite-byte-rotten"] == ["test_the_tables_are_as_at_the_backup values"]
    assert answers["sqlite-folder-closed"] == ["test_the_service_may_write"]
