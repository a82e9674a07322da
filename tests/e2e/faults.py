"""The fault matrix, as data: what is done to a run, in which phase, and how the run then ends.

An ending is never better than what is known of the recovery. Where two are named, both are: which
one it is depends on the moment at which the fault comes.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.e2e.scenes.faulted_run import SEALING, FaultedRun
from tests.integration.hosts.machines import run_quietly
from tests.integration.test_full_disk import fill

from pradrill.domain.run.outcome import Phase

READINESS, PREPARE, RESTORE, VERIFY, TEARDOWN = map(str, Phase)

Ending = tuple[int, str, str]
"""Exit code; state and verdict as recorded."""

PASSED = (0, "FINISHED", "PASSED")
MISSED = (11, "FINISHED", "MISSED")
FAILED = (10, "FINISHED", "FAILED")
INCONCLUSIVE = (12, "FINISHED", "INCONCLUSIVE")
NOT_READY = (4, "FINISHED", "INCONCLUSIVE")
RESIDUE = (13, "FINISHED", "PASSED")
INTERRUPTED = (130, "INTERRUPTED", "INCONCLUSIVE")
TERMINATED = (143, "INTERRUPTED", "INCONCLUSIVE")
KILLED = (-9, "CRASHED", "INCONCLUSIVE")
KILLED_AFTER_ALL = (-9, "FINISHED", "PASSED")
NO_RECORD = (14, "CRASHED", "INCONCLUSIVE")
"""The next command has found it as a killed one."""
LATE_RECORD = (14, "FINISHED", "PASSED")
"""The next command has written what the journal tells."""
LATE_GAP = (14, "FINISHED", "INCONCLUSIVE")

Strike = Callable[[FaultedRun], AbstractContextManager[None]]
"""Does something to a run in its phase; when it is left, the run has ended and all is as before."""


class Fault(NamedTuple):
    """One kind of fault, how it ends in each phase, and which default test holds it by day."""

    strike: Strike
    endings: dict[str, tuple[Ending, ...]]
    by_day: str
    hold: int = 4
    """Seconds for which the run stays in the phase."""


def _signal(*numbers: int, times: int = 1) -> Strike:
    @contextmanager
    def strike(run: FaultedRun) -> Iterator[None]:
        for _ in range(times):
            for number in numbers:
                run.process.send_signal(number)
            time.sleep(0.01)
        yield

    return strike


@contextmanager
def _hang_up(run: FaultedRun) -> Iterator[None]:
    """Close what it writes to, then hang up."""
    assert run.process.stdout is not None
    run.process.stdout.close()
    run.process.send_signal(signal.SIGHUP)
    yield


@contextmanager
def _stopped(run: FaultedRun) -> Iterator[None]:
    """Stop it for longer than the deadline of verification."""
    os.kill(run.process.pid, signal.SIGSTOP)
    time.sleep(11)
    os.kill(run.process.pid, signal.SIGCONT)
    yield


@contextmanager
def _sshd_dies(run: FaultedRun) -> Iterator[None]:
    run.hosts.standby.server.stop()
    yield
    run.revive()


@contextmanager
def _rebooted(run: FaultedRun) -> Iterator[None]:
    """All that ran on it is gone, and it is back at once."""
    run.reboot()
    yield


@contextmanager
def _other_key(run: FaultedRun) -> Iterator[None]:
    """Let another machine answer in its place: one with another key."""
    server = run.hosts.standby.server
    key, away = server.folder / "host", server.folder / "host-of-before"
    key.rename(away)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    run.reboot()
    yield
    away.replace(key)
    run.reboot()


@contextmanager
def _cut_for_a_moment(run: FaultedRun) -> Iterator[None]:
    run.silence()
    time.sleep(3)
    run.let_speak()
    yield


@contextmanager
def _cut(run: FaultedRun) -> Iterator[None]:
    run.silence()
    yield
    run.let_speak()


def _full(disk: Callable[[FaultedRun], Path]) -> Strike:
    @contextmanager
    def strike(run: FaultedRun) -> Iterator[None]:
        fill(disk(run))
        yield
        (disk(run) / "filler").unlink()

    return strike


@contextmanager
def _read_only(run: FaultedRun) -> Iterator[None]:
    """Let nothing be made in the state directory any more; what is open stays open."""
    state = str(run.state)
    run_quietly("mount", "--bind", state, state)
    run_quietly("mount", "-o", "remount,bind,ro", state)
    yield
    run_quietly("umount", "--lazy", state)


@contextmanager
def _clock_set(run: FaultedRun) -> Iterator[None]:
    run.hours_back.touch()
    yield
    run.hours_back.unlink()


def _all(
    ending: Ending | tuple[Ending, ...], **others: Ending | tuple[Ending, ...]
) -> dict[str, tuple[Ending, ...]]:
    """Return the endings in each phase: one, but for some phases."""
    phases = (READINESS, RESTORE, VERIFY, TEARDOWN, SEALING)
    endings = {**dict.fromkeys(phases, ending), **others}
    return {
        phase: each if isinstance(each[0], tuple) else (each,) for phase, each in endings.items()
    }


_WITHOUT_STANDBY = _all(
    INCONCLUSIVE, readiness=NOT_READY, teardown=RESIDUE, sealing=PASSED, prepare=INCONCLUSIVE
)
_ENDS = "integration/test_endings.py"
_TEARDOWN_AGAIN = "integration/test_teardown_again.py"
_FULL = "integration/test_full_disk.py"

FAULTS = {
    "killed": Fault(
        _signal(signal.SIGKILL),
        _all(KILLED, prepare=KILLED, sealing=KILLED_AFTER_ALL),
        "integration/test_leases.py"
        "::test_a_killed_run_is_torn_down_by_the_next_command_which_leaves_nothing",
    ),
    "terminated": Fault(
        _signal(signal.SIGTERM),
        _all(TERMINATED, sealing=PASSED),
        f"{_ENDS}::test_a_storm_of_signals_does_not_reach_the_teardown",
    ),
    "interrupted": Fault(
        _signal(signal.SIGINT),
        _all(INTERRUPTED, prepare=INTERRUPTED, sealing=PASSED),
        "integration/test_ends_of_a_drill.py"
        "::test_ctrl_c_in_the_restore_tears_down_and_meanwhile_others_are_refused",
    ),
    "storm of signals": Fault(
        _signal(signal.SIGINT, signal.SIGTERM, signal.SIGHUP, times=200),
        _all(INTERRUPTED, sealing=PASSED),
        f"{_ENDS}::test_a_storm_of_signals_does_not_reach_the_teardown",
    ),
    "hung up": Fault(
        _hang_up,
        _all(INTERRUPTED, sealing=PASSED),
        f"{_ENDS}::test_a_terminal_that_hangs_up_does_not_end_a_run",
    ),
    "stopped": Fault(
        _stopped,
        _all(PASSED, verify=(FAILED, INCONCLUSIVE)),
        "unit/engine/test_polling.py::test_too_late_for_stability_is_timed_out",
    ),
    "sshd dies": Fault(
        _sshd_dies,
        _WITHOUT_STANDBY,
        f"{_TEARDOWN_AGAIN}::test_a_run_whose_standby_went_away_is_torn_down_later",
    ),
    "rebooted": Fault(
        _rebooted,
        _all(
            INCONCLUSIVE,
            readiness=(NOT_READY, PASSED),
            verify=(PASSED, INCONCLUSIVE),
            teardown=PASSED,
            sealing=PASSED,
        ),
        "integration/test_ssh.py::test_connection_is_opened_again",
    ),
    "other key": Fault(
        _other_key,
        _all(INCONCLUSIVE, readiness=NOT_READY, teardown=RESIDUE, sealing=PASSED),
        "integration/test_binding.py::test_another_machine_behind_the_address_is_not_acted_on",
    ),
    "cut for a moment": Fault(
        _cut_for_a_moment, _all(PASSED), "e2e/test_faults.py::test_a_struck_run_ends_as_it_must"
    ),
    "cut": Fault(
        _cut,
        _WITHOUT_STANDBY,
        f"{_TEARDOWN_AGAIN}::test_a_run_whose_standby_went_away_is_torn_down_later",
    ),
    "state full": Fault(
        _full(lambda run: run.state),
        _all(
            (NO_RECORD, LATE_GAP),  # its last facts may have just room
            prepare=(NO_RECORD, LATE_GAP),
            teardown=(NO_RECORD, LATE_RECORD),
            sealing=LATE_RECORD,
        ),
        f"{_FULL}::test_a_disk_that_fills_in_the_middle_keeps_no_standby_from_its_teardown",
    ),
    "state read-only": Fault(
        _read_only,
        _all(LATE_GAP, restore=LATE_GAP, teardown=LATE_RECORD, sealing=LATE_RECORD),
        f"{_ENDS}::test_a_reader_is_told_of_a_run_that_has_no_record",
    ),
    "temporary full": Fault(
        _full(lambda run: run.temporary),
        _all(PASSED),
        f"{_FULL}::test_a_disk_that_fills_in_the_middle_keeps_no_standby_from_its_teardown",
    ),
    "clock set": Fault(
        _clock_set,
        _all(MISSED, sealing=PASSED),
        "unit/engine/test_clock_steps.py::test_what_the_clock_touches_is_known_less_well",
    ),
}
"""Name → fault. A stop for longer than a lease holds takes five minutes: it is not here."""

BY_DAY = {("cut for a moment", RESTORE)}
"""Cells that are among the default tests: no other one holds what they do."""

DEFECTS: dict[tuple[str, str], str] = {}
"""Cells that do not hold, and why."""
