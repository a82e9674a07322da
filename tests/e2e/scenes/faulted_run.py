"""A drill on the two hosts in namespaces which stays in one phase for a while, to be struck there.

What becomes of it is judged from outside: by its exit code, its record, its journal, and by what
lies and runs on the standby.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from tests.integration.hosts.machines import run_quietly
from tests.integration.hosts.sshd import Sshd, descendants
from tests.integration.hosts.two_hosts import TwoHosts
from tests.integration.house import edit, pradrill, seal_with_a_key, write
from tests.integration.test_full_disk import small_disk
from tests.support.living import goes_on

from pradrill.domain.run.event import Event
from pradrill.domain.run.outcome import Phase
from pradrill.register.runs.genuine import events_of, why_not_genuine

SEALING = "sealing"
"""The moment between the last fact of a run and its entry in the register."""

_LIMIT = 150
_SECOND_LOOK = 5.0
"""Seconds within which every run ends, whatever becomes of its hosts: more is a run that hangs."""

_HOLD = "if rm /srv/hold-{phase} 2>/dev/null; then touch /srv/begun-{phase}; sleep {seconds}; fi"
_PLAYBOOK = """\
- hosts: standby
  gather_facts: false
  tasks:
    - name: {name}
      ansible.builtin.raw: {hold}; {work}
"""
_WORK = {
    "prepare": "touch /srv/prepared",
    "restore": "mkdir -p /srv/restored && echo data > /srv/restored/data",
    "teardown": "rm -rf /srv/restored /srv/prepared && touch /srv/torn-down",
}
_CHECK = '''\
def test_it_answers(host):
    """What was restored is there."""
    host.run("{hold}")
    assert host.check_output("cat /srv/restored/data") == "data"
'''
_SIGNER = """\
#!/bin/sh
if grep -qs '"event": "run_ended"' {house}/state/runs/2*/journal.jsonl &&
  rm {house}/hold 2>/dev/null
then touch {house}/begun; sleep {seconds}; fi
exec /usr/bin/ssh-keygen "$@"
"""
_STEPPED_CLOCK = Path(__file__).with_name("stepped_clock.py")
_OF_SSHD = {"sshd", "sshd-session", "sshd-auth"}
_KEPT = b"\0-I\0-S\0-c\0"
_NOBODY = "02:00:00:00:00:99"


class Aftermath(NamedTuple):
    """What a struck run has come to, once the next command has looked after it."""

    code: int
    output: str
    record: dict[str, Any]
    wrong: tuple[str, ...]
    """Each promise that it did not keep."""

    @property
    def ending(self) -> tuple[int, str, str]:
        """Return its exit code, and its state and verdict as recorded."""
        return self.code, self.record["state"], self.record["verdict"]


class FaultedRun:
    """The run, its house and its hosts."""

    def __init__(  # noqa: PLR0913, PLR0917 what its only caller gives
        self,
        hosts: TwoHosts,
        house: Path,
        temporary: Path,
        phase: str,
        hold: int,
        spaces: tuple[str, ...],
    ) -> None:
        self.hosts = hosts
        self.house = house
        self.state = house / "state"
        self.temporary = temporary
        self.phase = phase
        self.hours_back = house / "hours-back"
        """The file that sets the clock of pradrill."""
        self._hold = hold
        self._spaces = spaces
        """The command that leads into the standby's network and its mounts."""
        self._journal = b""
        self._began = 0.0
        self._write()
        self.process = self._start()

    def _write(self) -> None:
        """Write a drill that stays in the phase, once."""
        house = self.house
        holds = {
            each: _HOLD.format(phase=each, seconds=self._hold)
            for each in ("prepare", "restore", "verify", "teardown")
        }
        for each, work in _WORK.items():
            play = _PLAYBOOK.format(name=each, hold=holds[each], work=work)
            write(house, f"playbooks/{each}.yml", play)
        write(house, "drills/checks/shop/test_shop.py", _CHECK.format(hold=holds["verify"]))
        edit(house, "drills/shop.yml", "  deadline: 1m\n", "  deadline: 10s\n")
        edit(house, "drills/shop.yml", "teardown.yml}", "teardown.yml, deadline: 20s}")
        if self.phase == Phase.PREPARE:
            drill = house / "drills/shop.yml"
            drill.write_text(
                drill.read_text() + "prepare: [{playbook: ../playbooks/prepare.yml}]\n"
            )
        if self.phase == SEALING:
            self._sign_slowly()
        else:
            (self.hosts.standby.srv / f"hold-{self.phase}").touch()

    def _sign_slowly(self) -> None:
        seal_with_a_key(self.house)
        (self.house / "hold").touch()
        signer = self.house / "bin/ssh-keygen"
        signer.parent.mkdir()
        house = shlex.quote(str(self.house))
        signer.write_text(_SIGNER.format(house=house, seconds=self._hold))
        signer.chmod(0o755)

    @property
    def environment(self) -> dict[str, str]:
        """Return what pradrill runs in."""
        return {
            **os.environ,
            "TMPDIR": str(self.temporary),
            "PATH": f"{self.house / 'bin'}:{os.environ['PATH']}",
            "HOURS_BACK": str(self.hours_back),
        }

    def _start(self) -> subprocess.Popen[str]:
        # Whoever starts the tests with nohup hands an ignored signal on.
        default = ["env", "--default-signal=HUP"]
        return subprocess.Popen(
            [*default, sys.executable, _STEPPED_CLOCK, "--state", self.state, "run", "shop"],
            cwd=self.house,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def reach(self) -> None:
        """Wait until the run is in its phase."""
        end = time.monotonic() + 60
        while not self._is_there():
            assert self.process.poll() is None, self._output()
            assert time.monotonic() < end, f"{self.phase} did not begin"
            time.sleep(0.01)
        self._began = time.monotonic()
        whole, feed, _ = self._journals()[0].read_bytes().rpartition(b"\n")
        self._journal = whole + feed

    def _is_there(self) -> bool:
        if self.phase == SEALING:
            return (self.house / "begun").exists()
        if self.phase == Phase.READINESS:
            return any('"event": "guard"' in path.read_text() for path in self._journals())
        return (self.hosts.standby.srv / f"begun-{self.phase}").exists()

    def _journals(self) -> list[Path]:
        return sorted(self.state.glob("runs/2*/journal.jsonl"))

    def end(self) -> None:
        """Wait for the process; that it ends is a promise."""
        self.process.wait(_LIMIT)

    def _output(self) -> str:
        out = self.process.stdout
        return out.read() if out is not None and not out.closed else ""

    def revive(self) -> None:
        """Let the standby's sshd serve again: on the file systems that it had, not on new ones."""
        server = self.hosts.standby.server
        numbers = (
            "unshare",
            "--pid",
            "--fork",
            "sh",
            "-ec",
            'mount -t proc proc /proc; exec "$@"',
            "sh",
        )
        usual, server._wrap = server._wrap, (*self._spaces, *numbers)
        server.start()
        server._wrap = usual

    def reboot(self) -> None:
        """End all that runs on the standby, and let it come back."""
        self.hosts.standby.server.stop()
        self.revive()

    def silence(self) -> None:
        """Lose every packet between the controller and the standby, without a word to either."""
        for ip, device, address in self._ends():
            neighbour = (address, "dev", device, "lladdr", _NOBODY, "nud", "permanent")
            run_quietly(*ip, "neigh", "replace", *neighbour)

    def let_speak(self) -> None:
        """Let packets through again."""
        for ip, device, address in self._ends():
            run_quietly(*ip, "neigh", "delete", address, "dev", device)

    def _ends(self) -> Iterator[tuple[tuple[str, ...], str, str]]:
        standby = self.hosts.standby
        number = standby.server.address.split(".")[2]
        inside = ("nsenter", f"--net=/proc/{standby.network}/ns/net", "ip")
        yield ("ip",), f"pdh{number}x1", standby.server.address
        yield inside, f"pdt{number}x1", f"10.216.{number}.1"

    def left(self) -> list[str]:
        """Return what a person would find on the standby that was not there before.

        A connection that was closed just now ends on a busy machine a moment later.
        """
        standby = self.hosts.standby
        scenery = ("begun-", "hold-", "torn-down")
        end = time.monotonic() + _SECOND_LOOK
        while True:
            files = [name for name in standby.touched() if not name.startswith(scenery)]
            left = files + list(_programs(standby.server.pid))
            if not left or time.monotonic() > end:
                return left
            time.sleep(0.2)

    def aftermath(self) -> Aftermath:
        """Let the next command look after the run, look at the standby, and launch it again."""
        code, output = self.process.returncode, self._output()
        swept = self._pradrill("runs")
        (journal,) = self._journals()
        path = journal.with_name("record.json")
        assert path.exists(), f"no record: {output}{swept.stdout}{swept.stderr}"
        record = json.loads(path.read_text())
        wrong = ["a traceback"] if "Traceback" in output else []
        wrong += [_failure(swept)] if swept.returncode else []
        wrong += self._lost(journal, record)
        wrong += self._untold(record)
        wrong += self._next()
        return Aftermath(code, output, record, tuple(wrong))

    def _untold(self, record: dict[str, Any]) -> Iterator[str]:
        """Tell what lies or runs on the standby, once all that could go on has had the time."""
        time.sleep(max(0.0, self._began + self._hold + 1.5 - time.monotonic()))
        left = self.left()
        if left and not record["residue"]:
            yield f"left without a word: {left}"

    def _next(self) -> Iterator[str]:
        """Tell why the next run of the drill does not pass, or leaves something."""
        again = self._pradrill("run", "shop")
        if again.returncode:
            yield _failure(again)
        elif left := self.left():
            yield f"the next run left {left}"
        verification = self._pradrill("register", "verify")
        if verification.returncode:
            yield _failure(verification)

    def _lost(self, journal: Path, record: dict[str, Any]) -> Iterator[str]:
        """Tell what is not in the record although it happened."""
        if not journal.read_bytes().startswith(self._journal):
            yield "facts are gone from the journal"
        if (why := why_not_genuine(journal.parent, None)) is not None:
            yield why
        starts = [
            facts for event, _, facts in events_of(journal.parent) if event == Event.STEP_STARTED
        ]
        for phase in Phase:
            touched = (self.hosts.standby.srv / f"begun-{phase}").exists()
            if touched and not any(facts["phase"] == phase for facts in starts):
                yield f"{phase} was begun on the standby and is in no journal"
        recorded_paths = {each["path"] for each in record["evidence"]}
        for events in journal.parent.glob("evidence/*/events.jsonl"):
            if str(events.relative_to(journal.parent)) not in recorded_paths:
                yield f"{events.parent.name} is not in the record"
            for line in events.read_text().split("\n")[:-1]:
                json.loads(line)

    def _pradrill(self, *words: str) -> subprocess.CompletedProcess[str]:
        return pradrill(self.house, *words, environment=self.environment)


def _programs(sshd: int) -> Iterator[str]:
    """Yield what runs below an sshd, but for its sessions, and the Python that is kept there.

    That one ends with its connection: when a lost network is back, or some minutes later.
    """
    for pid in descendants(sshd):
        with suppress(OSError):  # it has ended
            name = Path(f"/proc/{pid}/comm").read_text().strip()
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
            if name not in _OF_SSHD and _KEPT not in command and goes_on(pid):
                yield name


def _failure(command: subprocess.CompletedProcess[str]) -> str:
    words = " ".join(command.args[-2:])
    return f"{words} ended {command.returncode}: {command.stdout}{command.stderr}"


@contextmanager
def _spaces_of(server: Sshd) -> Iterator[tuple[str, ...]]:
    """Return the command that leads to where the server is, also when it has ended."""
    words = ["nsenter"]
    with ExitStack() as spaces:
        for kind, option in (("net", "net"), ("mnt", "mount")):
            space = spaces.enter_context(Path(f"/proc/{server.pid}/ns", kind).open())
            words.append(f"--{option}=/proc/{os.getpid()}/fd/{space.fileno()}")
        yield tuple(words)


@contextmanager
def faulted_run(hosts: TwoHosts, folder: Path, phase: str, hold: int) -> Iterator[FaultedRun]:
    """Start a drill that stays in a phase for some seconds; nothing of it is there at the end."""
    house = hosts.house(folder)
    with (
        _spaces_of(hosts.standby.server) as spaces,
        small_disk(house / "state", "16m"),
        tempfile.TemporaryDirectory(dir="/run", prefix="pdt-") as short,
        small_disk(Path(short), "16m") as temporary,
    ):
        run = FaultedRun(hosts, house, temporary, phase, hold, spaces)
        try:
            yield run
        finally:
            for pid in (*descendants(run.process.pid), run.process.pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            run.process.wait()
