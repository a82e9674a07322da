"""What every test runs under."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest
from hypothesis import settings

# In CI the same examples each time: a property that a new example breaks is found at a desk. No
# deadline for an example: a busy machine is no fault of the code.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("desk", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "desk")

_WITH_A_CLUSTER = {
    f"tests/sources/test_{name}.py"
    for name in ("bad_restores", "contract", "postgresql_tools", "tools_in_the_field")
}
"""They share one, which takes half a minute to make."""
_FAULTS = "tests/e2e/test_faults.py"
"""On hosts in namespaces: beside the machines, which take longest of all as it is."""

# What is asserted for several files fails as plainly as what a test asserts itself.
pytest.register_assert_rewrite("tests.support", "tests.integration", "tests.e2e")


def pytest_runtest_setup() -> None:
    """Undo what a command did to this process: other users' tools read on, signals are heard."""
    os.umask(0o022)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep all that needs the lab, or a database cluster, in one process each; spread the others.

    By hand, because xdist's own groups do not work with pytest 9.2.
    """
    from xdist.scheduler import LoadScopeScheduling  # noqa: PLC0415 bare pytest works without it

    def file_or_all_machines(nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if file in _WITH_A_CLUSTER:
            return "cluster"
        on_machines = file.startswith("tests/e2e/") and file != _FAULTS
        return "e2e" if on_machines else file

    scheduler = LoadScopeScheduling(config, log)
    scheduler._split_scope = file_or_all_machines
    return scheduler
