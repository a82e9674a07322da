"""One lab for every end-to-end test: building it is the slow part; and each one's own drills.

PRADRILL_TEST_STATE names a folder to keep it in between two sessions.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.scenes.place import REPOSITORY, PlaceOfLoss, own_copy
from tests.e2e.scenes.scene import Scene, say
from tests.integration.conftest import hosts as hosts  # noqa: PLC0414 fixtures of these tests too
from tests.integration.conftest import made_hosts as made_hosts  # noqa: PLC0414

from pradrill.adapters.clock import SteadyClock
from pradrill.adapters.standbys.lab import Lab


@pytest.fixture(scope="session")
def state() -> Iterator[Path]:
    """Return the state folder of the session; not /tmp, which may be memory."""
    test_state = os.environ.get("PRADRILL_TEST_STATE")
    if test_state:
        yield Path(test_state)
        return
    folder = Path(tempfile.mkdtemp(prefix="pradrill-e2e-", dir="/var/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def lab(state: Path) -> Iterator[Lab]:
    """Return a lab whose image is built."""
    lab = Lab(state / "lab", SteadyClock())
    if not lab.built:
        lab.build(say)
    yield lab
    lab.down()


@pytest.fixture(scope="session")
def dist() -> Path:
    """Return the folder of packages, built from what stands here."""
    build = ["bash", str(REPOSITORY / "src/packaging/build")]
    result = subprocess.run(build, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    return REPOSITORY / "dist"


@pytest.fixture
def place(
    scene: Scene, state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[PlaceOfLoss]:
    """Return a copy of the drills for one test, for the loss in its file's scene."""
    with own_copy(tmp_path, scene.lab, scene.secrets, monkeypatch):
        yield PlaceOfLoss(scene.lab, state, tmp_path, scene)
