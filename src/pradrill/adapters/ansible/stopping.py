"""Stop a play: its tasks first, then ansible-playbook, then everything by force."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

from pradrill.domain.run.outcome import StepOutcome
from pradrill.ports import Cancelled, Clock
from pradrill.system import processes


class Brake:
    """ansible-runner's cancel callback; true once the play must be killed.

    SIGINT makes ansible-playbook leave without its always: blocks. So the running tasks are
    ended first, by the alarm that Ansible itself sets for a task's timeout (the play has a
    task timeout, see `environment`): a task that times out has failed, and the blocks follow.
    SIGINT comes when half the grace is over.
    """

    def __init__(
        self, marker: str, clock: Clock, deadline: float, grace: float, cancelled: Cancelled
    ) -> None:
        self.pulled: StepOutcome | None = None
        self._marker = marker
        self._clock = clock
        self._grace = grace
        self._cancelled = cancelled
        self._strayed = False
        self._start = clock.now()
        self._deadline = deadline
        self._pulled_at = self._start
        self._alarmed = self._interrupted = False

    def stray(self) -> None:
        """Have the play stopped: it acts on a machine that it has nothing to do with."""
        self._strayed = True

    def __call__(self) -> bool:
        """Tell whether the grace is over; ask the play to stop before that."""
        now = self._clock.now()
        if self.pulled is None:
            if self._strayed:
                self.pulled = StepOutcome.UNKNOWN
            elif self._cancelled():
                self.pulled = StepOutcome.CANCELLED
            elif (now - self._start).total_seconds() >= self._deadline:
                self.pulled = StepOutcome.TIMED_OUT
            else:
                return False

            self._pulled_at = now

        waited = (now - self._pulled_at).total_seconds()
        playbook, children = self._family()
        busy = [pid for pid in children if _waits_for_alarm(pid)]
        if busy and not self._alarmed:
            self._alarmed = True
            processes.send(busy, signal.SIGALRM)
        elif not self._interrupted and waited >= self._grace / 2:
            self._interrupted = True
            processes.send(playbook, signal.SIGINT)

        return waited >= self._grace

    def _family(self) -> tuple[list[int], list[int]]:
        """Return the ansible-playbook that we started, and its children, which run the tasks."""
        parents = {pid: _parent(pid) for pid in processes.carrying(self._marker)}
        playbook = [pid for pid, parent in parents.items() if parent == os.getpid()]
        return playbook, [pid for pid, parent in parents.items() if parent in playbook]


def _parent(pid: int) -> int | None:
    stat = _proc(pid, "stat")
    return int(stat.rpartition(")")[2].split()[1]) if stat else None


def _waits_for_alarm(pid: int) -> bool:
    """Tell whether the process handles SIGALRM: one that does not would die of it."""
    mask = re.search(r"^SigCgt:\s*([0-9a-f]+)$", _proc(pid, "status"), re.MULTILINE)
    return mask is not None and bool(int(mask[1], 16) & 1 << signal.SIGALRM - 1)


def _proc(pid: int, what: str) -> str:
    try:
        return Path(f"/proc/{pid}/{what}").read_text(encoding="utf-8", errors="replace")
    except OSError:  # gone meanwhile
        return ""
