"""The fault matrix: each cell a run on a real SSH host, struck in one phase."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.faults import BY_DAY, DEFECTS, FAULTS
from tests.e2e.scenes.faulted_run import faulted_run
from tests.integration.hosts.two_hosts import TwoHosts

CELLS = [(name, phase) for name, fault in FAULTS.items() for phase in fault.endings]
TESTS = Path(__file__).parents[1]

Matrix = dict[tuple[str, str], str]


@pytest.fixture(scope="module")
def matrix(request: pytest.FixtureRequest) -> Iterator[Matrix]:
    """Return where each cell writes how it ended; at the end a person sees all of them."""
    cells: Matrix = {}
    yield cells
    terminal = request.config.pluginmanager.getplugin("terminalreporter")
    capture = request.config.pluginmanager.getplugin("capturemanager")
    if terminal is None or capture is None or not cells:
        return
    phases = list(dict.fromkeys(phase for _, phase in CELLS))
    with capture.global_and_fixture_disabled():
        terminal.write_line("")
        for name in ("", *FAULTS):
            row = phases if not name else [cells.get((name, phase), "") for phase in phases]
            terminal.write_line(f"{name:18}" + "".join(f"{each:>12}" for each in row))


def marks(cell: tuple[str, str]) -> Iterator[pytest.MarkDecorator]:
    """Return what is known of a cell: that it does not hold, or that it is for the night."""
    if cell in DEFECTS:
        yield pytest.mark.xfail(strict=True, reason=DEFECTS[cell])
    if cell not in BY_DAY:
        yield pytest.mark.nightly


@pytest.mark.parametrize(
    ("name", "phase"),
    [
        pytest.param(*cell, id="-".join(cell).replace(" ", "_"), marks=tuple(marks(cell)))
        for cell in CELLS
    ],
)
def test_a_struck_run_ends_as_it_must(
    hosts: TwoHosts, tmp_path: Path, matrix: Matrix, name: str, phase: str
) -> None:
    """It ends, no better than its evidence; it loses no fact, and leaves nothing without a word.

    The next run of its drill passes.
    """
    fault = FAULTS[name]
    matrix[name, phase] = "broken"
    with faulted_run(hosts, tmp_path, phase, fault.hold) as run:
        run.reach()
        with fault.strike(run):
            run.end()
        aftermath = run.aftermath()

    assert aftermath.wrong == (), aftermath
    assert aftermath.ending in fault.endings[phase], aftermath.output
    matrix[name, phase] = f"{aftermath.code} {aftermath.ending[2][:6].lower()}"


@pytest.mark.parametrize("fault", FAULTS)
def test_what_holds_a_fault_by_day_is_there(fault: str) -> None:
    """The default test that the table names for each kind of fault exists."""
    path, _, name = FAULTS[fault].by_day.partition("::")
    module = ast.parse((TESTS / path).read_text(encoding="utf-8"))
    assert any(isinstance(each, ast.FunctionDef) and each.name == name for each in module.body)
