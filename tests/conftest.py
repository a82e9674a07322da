"""What every test runs under."""

from __future__ import annotations

import os

from hypothesis import settings

# In CI the same examples each time: a property that a new example breaks is found at a desk. No
# deadline for an example: a busy machine is no fault of the code.
settings.register_profile("ci", derandomize=True, deadline=None)
if os.environ.get("CI"):
    settings.load_profile("ci")


def pytest_runtest_setup() -> None:
    """Undo what a command that ran in this process did to the umask: other users' tools read on."""
    os.umask(0o022)
