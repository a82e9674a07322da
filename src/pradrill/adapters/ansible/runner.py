"""Run playbooks with ansible-runner, in a folder and an environment of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

from pradrill.adapters.ansible.binding import unproven
from pradrill.adapters.ansible.environment import login_environment
from pradrill.adapters.ansible.events import Narrator, clean_output
from pradrill.adapters.ansible.meter import Meter
from pradrill.adapters.ansible.stopping import Brake
from pradrill.adapters.ansible.waiting_play import Given, WaitingPlay
from pradrill.domain.run.host import Site
from pradrill.domain.run.outcome import PlaybookResult, StepOutcome
from pradrill.domain.values.masking import Masker
from pradrill.domain.values.quotas import PLAY_KEPT, PLAY_PRINTS, VALUES, megabytes
from pradrill.domain.values.reason import ReasonError, reason
from pradrill.domain.values.reason_code import Code
from pradrill.errors import NotReadyError
from pradrill.ports import Cancelled, Clock, Play, Say
from pradrill.system import processes


class NotIdentifiedError(ReasonError, NotReadyError):
    """A host that a play is for was not identified in this run."""


class AnsibleRunner:
    """Runs playbooks; judges them by their final statistics."""

    def __init__(
        self,
        clock: Clock,
        resolve: Callable[[str], str],
        *,
        masker: Masker | None = None,
        grace: float = 10.0,
    ) -> None:
        self._clock = clock
        self._resolve = resolve
        self._masker = masker or Masker()
        self._grace = grace
        self._openings: list[subprocess.Popen[bytes]] = []
        self._expected: WaitingPlay | None = None
        self._next: tuple[Play, float] | None = None
        self._taking = Lock()

    def prepare(self, site: Site, *, marker: str) -> None:
        """Open the connections that plays will share: a login costs a slow machine a second.

        Without a wait. Where it does not come to that, the first play opens them itself.
        """
        for host in site.hosts:
            with suppress(OSError):
                opening = subprocess.Popen(
                    ["ssh", "-F", str(site.ssh_config), host.name, "true"],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env=login_environment(marker),
                    start_new_session=True,
                )
                self._openings.append(opening)

    def expect(self, play: Play, *, deadline: float) -> None:
        """Start Ansible for a play that comes; it waits for variables, and reaches no host.

        Which machines the hosts are need not be known yet. One waits at most; the next is started
        when that one has been taken. Where it cannot start, or another play comes, that one starts
        it itself.
        """
        with self._taking:
            if self._expected is None:
                self._start(play, deadline)
            elif not self._expected.is_for(play, deadline):
                self._next = play, deadline

    def run(
        self, play: Play, *, deadline: float, cancelled: Cancelled, say: Say, evidence: Path
    ) -> PlaybookResult:
        """Run a playbook to its end, its deadline (seconds) or cancellation.

        Raises NotReadyError when a secret cannot be had, or when a host of the site was not
        identified in this run: nothing has been run then.
        """
        if strangers := unproven(play.site):
            raise NotIdentifiedError(reason(Code.NEVER_IDENTIFIED, host=strangers))

        secrets = {key: self._resolve(name) for key, name in play.secrets.items()}
        passwords = tuple(map(self._resolve, play.vault_passwords))
        sudo = {
            proven.host.name: self._resolve(proven.host.password)
            for proven in play.site.proven
            if proven.host.password
        }
        for secret in (*secrets.values(), *passwords, *sudo.values()):
            self._masker.learn(secret)
        evidence.mkdir(mode=0o700, parents=True)

        waiting = self._waiting(play, deadline)
        brake = Brake(waiting.marker, self._clock, deadline, self._grace, cancelled)
        events = evidence / "events.jsonl"
        narrator = Narrator(say, events, self._masker, waiting.binding, brake)
        try:
            given = Given(play.site, {**play.vars, **secrets}, passwords, sudo)
            code = waiting.carry_out(given, narrator, brake, self._start_next)
            output = clean_output(_printed(waiting.folder), self._masker)
            _write(evidence / "stdout.txt", _cut(output))
            if narrator.unwritten is not None:
                raise narrator.unwritten

            result = narrator.result({host.name for host in play.site.hosts}, code, output)
            return _within(result, waiting.meter)
        finally:
            narrator.end()
            waiting.end()

    def reap(self, marker: str) -> int:
        """End every process that still carries the run's marker; return how many there were.

        A play that is expected goes on waiting: it has done nothing yet.
        """
        while self._openings:
            opening = self._openings.pop()
            opening.kill()  # one that waits for its host still, after all plays
            opening.wait()
        waits = self._expected.marker if self._expected is not None else None
        return processes.end(marker, but=waits)

    def dismiss(self) -> None:
        """End the play that was expected and does not come."""
        with self._taking:
            self._next = None
            if self._expected is not None:
                self._expected.end()
                self._expected = None

    def _waiting(self, play: Play, deadline: float) -> WaitingPlay:
        """Return the play's Ansible, started now unless it was expected."""
        with self._taking:
            expected = self._expected
            if expected is not None and expected.is_for(play, deadline):
                self._expected = None
                if expected.waits:
                    return expected
                expected.end()

        return WaitingPlay(play, deadline)

    def _start_next(self) -> None:
        """Start Ansible for the play after the one that goes on, unless another one waits."""
        with self._taking:
            if self._next is not None and self._expected is None:
                self._start(*self._next)
            self._next = None

    def _start(self, play: Play, deadline: float) -> None:
        with suppress(OSError):
            self._expected = WaitingPlay(play, deadline)


def _cut(output: str) -> str:
    """Return what is kept of the output, and say that it is not all."""
    if len(output) <= PLAY_KEPT:
        return output
    return f"{output[:PLAY_KEPT]}\n[cut after {megabytes(PLAY_KEPT)} of {len(output)} characters]\n"


def _within(result: PlaybookResult, meter: Meter) -> PlaybookResult:
    """Return the result; none, with the reason, of a play that was or hands back too much."""
    changes: dict[str, Any] = {}
    if meter.over:
        because = reason(Code.PRINTED_TOO_MUCH, size=megabytes(PLAY_PRINTS))
        changes = {"outcome": StepOutcome.UNKNOWN, "detail": because, "values": {}}
    elif len(json.dumps(result.values, default=str)) > VALUES:
        because = reason(Code.HANDED_TOO_MUCH, size=megabytes(VALUES))
        changes = {"outcome": StepOutcome.UNKNOWN, "detail": because, "values": {}}

    return result.model_copy(update=changes)


class VaultedValues(NamedTuple):
    """What Ansible Vault has encrypted in files."""

    plain: Sequence[str] = ()
    """Those that were opened, so that they can be masked."""

    closed: Sequence[tuple[str, int]] = ()
    """File and line of those that no password opens."""


def opened(files: Iterable[Path], passwords: Sequence[str]) -> VaultedValues:
    """Open what Ansible Vault has encrypted in the files."""
    command = [sys.executable, "-I", str(Path(__file__).with_name("vault_reader.py"))]
    request = json.dumps({"passwords": [*passwords], "files": [str(path) for path in files]})
    process = subprocess.run(command, input=request.encode(), capture_output=True, check=False)
    return (
        VaultedValues(**json.loads(process.stdout)) if process.returncode == 0 else VaultedValues()
    )


def _printed(folder: Path) -> str:
    try:
        return (folder / "artifacts" / "play" / "stdout").read_text("utf-8", "replace")
    except OSError:
        return ""


def _write(path: Path, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(handle, "w", encoding="utf-8") as file:  # noqa: PTH123 a descriptor, not a path
        file.write(text)
