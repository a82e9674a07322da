"""Fake the ports that touch a standby: in memory, scripted by their arguments.

With no argument each one plays its part in the builders' Moodle drill, which passes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pradrill.domain.declared.drill import Canary, NewestData
from pradrill.domain.run.guard import Reach, Reached
from pradrill.domain.run.host import Host, HostFacts, HostState, Site, Surroundings
from pradrill.domain.run.outcome import (
    CheckKey,
    CheckOutcome,
    CheckResult,
    PlaybookResult,
    StepOutcome,
)
from pradrill.domain.run.scope import MarkedProcess, Strays
from pradrill.domain.values.reason import quoted
from pradrill.domain.values.timeline import Skew
from pradrill.engine.context import Tools
from pradrill.errors import UnreachableError
from pradrill.ports import Cancelled, Impediment, Play, Say
from pradrill.testing.builders import HOST, a_check, after
from pradrill.testing.fake_people import FakePeople
from pradrill.testing.fakes import FakeClock, FakeProgress, FakeStore

_MACHINE_ID = "5f" * 16

STANDBY_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBxcLsLDtaH9GIQrxd9HmErTihwVtgEldR3pfwSgdFyd"
"""The builders' standby shows this host key."""


def a_host(**changes: Any) -> Host:
    """Return the builders' standby host."""
    fields = {"name": HOST, "address": "198.51.100.20", "dr_role": "standby"}
    return Host.model_validate({**fields, **changes})


class FakeStandby:
    """Hosts that are there. `start` may raise `fails`; `stop` says what is `left`."""

    def __init__(
        self,
        *hosts: Host,
        problems: Sequence[str] = (),
        fails: Exception | None = None,
        left: Sequence[str] | Exception = (),
    ) -> None:
        self.hosts = hosts or (a_host(),)
        self.calls: list[str] = []
        self._problems, self._fails, self._left = problems, fails, left

    def problems(self) -> Sequence[Impediment]:
        """Say what stands in the way."""
        return tuple(map(Impediment, self._problems))

    def start(self, folder: Path, run_id: str, say: Say) -> Site:
        """Return the site, without files."""
        self.calls.append("start")
        say(f"{len(self.hosts)} hosts to reach")
        if self._fails is not None:
            raise self._fails
        return Site(
            hosts=self.hosts,
            inventory=folder / "inventory.yml",
            known_hosts=folder / "known_hosts",
            ssh_config=folder / "ssh_config",
            run_id=run_id,
        )

    def bind(self, site: Site, identified: Sequence[HostFacts]) -> Site:
        """Take note of who the hosts are."""
        return site.model_copy(update={"proven": site.identified(identified)})

    def stop(self, run_id: str) -> Sequence[str]:
        """Say what is left."""
        del run_id
        self.calls.append("stop")
        if isinstance(self._left, Exception):
            raise self._left
        return self._left


def host_facts(host: str = HOST, **changes: Any) -> HostFacts:
    """Return what a true standby says of itself."""
    fields: dict[str, Any] = {
        "host": host,
        "host_key": STANDBY_KEY,
        "machine_id": _MACHINE_ID,
        "marker": f"{_MACHINE_ID}\n",
        "addresses": ("198.51.100.20",),
        "skew": Skew(seconds=0.0, within=0.005),
    }
    return HostFacts.model_validate({**fields, **changes})


def as_reached(reach: Reach) -> Reached:
    """Return an answer of a host's about an endpoint, in as many words."""
    return Reached(reach=reach, detail=quoted(reach))


class FakeProbe:
    """Answers for hosts. Set `unreachable` to make them fall silent.

    `states` are returned one after another, the last one again and again; `reached` maps an
    endpoint to what comes of it, closed unless given. `newest` may map a command to its answer, or
    "HOST: COMMAND" to that host's. `canary` may be one host's alone: "HOST".
    """

    def __init__(  # noqa: PLR0913 what it may answer
        self,
        *,
        facts: HostFacts | None = None,
        states: Sequence[HostState] = (HostState(),),
        reached: Mapping[str, Reach] | None = None,
        newest: datetime | Exception | Mapping[str, datetime | Exception] | None = None,
        canary: bool | str | Exception = True,
        strays: Sequence[Strays] = (),
        free: int = 10**12,
        used: Sequence[int] = (0,),
    ) -> None:
        self.unreachable = False
        self._facts = facts
        self._states = list(states)
        self._strays = list(strays)
        self._reached = reached or {}
        self._newest = newest or after(-3_600)
        self._canary = canary
        self._free = free
        self._used = list(used)

    def facts(self, host: Host, _site: Site) -> HostFacts:
        """Return what the host says of itself."""
        self._answer_for(host)
        return (self._facts or host_facts()).model_copy(update={"host": host.name})

    def check_become(self, host: Host, _site: Site) -> None:
        """Take the host for one where nothing is asked."""
        self._answer_for(host)

    def state(
        self, host: Host, _site: Site, _paths: Sequence[str], _unchanged: Sequence[str] = ()
    ) -> HostState:
        """Return the next state."""
        self._answer_for(host)
        return self._states.pop(0) if len(self._states) > 1 else self._states[0]

    def end_strays(
        self,
        host: Host,
        _site: Site,
        _before: HostState | None,
        *,
        commands: bool,
        younger: float = 0.0,
    ) -> Strays:
        """Return the next strays; none unless given. What has its shell is never among them."""
        self._answer_for(host)
        del younger
        return Strays() if commands or not self._strays else self._strays.pop(0)

    def marked(self, host: Host, _site: Site) -> Sequence[MarkedProcess]:
        """Return nothing: no run has left anything."""
        self._answer_for(host)
        return ()

    def reaches(self, host: Host, _site: Site, endpoints: Sequence[str]) -> Mapping[str, Reached]:
        """Return what connecting came to."""
        self._answer_for(host)
        return {each: as_reached(self._reached.get(each, Reach.CLOSED)) for each in endpoints}

    def surroundings(self, host: Host, _site: Site, paths: Sequence[str]) -> Surroundings:
        """Return as much room everywhere as it was given."""
        self._answer_for(host)
        return Surroundings(time_zone="UTC", free=dict.fromkeys(paths, self._free))

    def used(self, host: Host, _site: Site, paths: Sequence[str]) -> Mapping[str, int]:
        """Return the next use of the one filesystem there; the last one again and again."""
        self._answer_for(host)
        used = self._used.pop(0) if len(self._used) > 1 else self._used[0]
        return {"/dev/vda1": used} if paths else {}

    def read_instant(self, host: Host, _site: Site, newest: NewestData) -> datetime:
        """Return the newest data's instant, or raise."""
        self._answer_for(host)
        answer = self._newest
        if isinstance(answer, Mapping):
            command = newest.command or ""
            answer = answer.get(f"{host.name}: {command}") or answer[command]
        if isinstance(answer, Exception):
            raise answer

        return answer

    def same_canary(self, host: Host, _site: Site, _canary: Canary) -> bool:
        """Tell whether the planted value came back, or raise."""
        self._answer_for(host)
        if isinstance(self._canary, Exception):
            raise self._canary
        return self._canary in {True, host.name}

    def _answer_for(self, host: Host) -> None:
        if self.unreachable:
            raise UnreachableError(f"{host.name} does not answer")

    def close(self) -> None:
        """Let go of nothing."""


def played(clock: FakeClock, outcome: StepOutcome, *, seconds: float = 60.0) -> PlaybookResult:
    """Return what a playbook that took that long, until now, came to."""
    return PlaybookResult(
        outcome=outcome,
        started=clock.wall() - timedelta(seconds=seconds),
        ended=clock.wall(),
        hosts=(HOST,),
        values={},
        detail="" if outcome is StepOutcome.PASSED else "as scripted",
    )


Script = StepOutcome | PlaybookResult | Exception | Callable[[Play], PlaybookResult]


class FakeRunner:
    """Plays playbooks in no time of yours: a minute each on the fake clock.

    `does` maps a playbook's stem to its outcome, its result, what it raises, or a function that
    returns its result; others pass. Like the real one it stops when cancelled.
    """

    def __init__(self, clock: FakeClock, does: Mapping[str, Script] | None = None) -> None:
        self.plays: list[str] = []
        self.reaped: list[str] = []
        self.expected: list[str] = []
        self.waiting: str | None = None
        """What was expected, and has neither come nor been dismissed."""
        self._next: str | None = None
        self._clock = clock
        self._does = does or {}

    def prepare(self, site: Site, *, marker: str) -> None:
        """Make nothing ready."""

    def expect(self, play: Play, *, deadline: float) -> None:
        """Let it wait, after another one that waits."""
        del deadline
        name = play.playbook.stem
        if self.waiting is None:
            self.waiting = name
            self.expected.append(name)
        elif self.waiting != name:
            self._next = name

    def run(
        self, play: Play, *, deadline: float, cancelled: Cancelled, say: Say, evidence: Path
    ) -> PlaybookResult:
        """Do what the script says; `evidence` stays unwritten."""
        del evidence
        name = play.playbook.stem
        self.plays.append(name)
        if self.waiting == name:
            self.waiting, self._next = self._next, None
            self.expected += [self.waiting] if self.waiting else []
        say(f"playing {name}")
        self._clock.sleep(min(60.0, deadline))
        does = self._does.get(name, StepOutcome.PASSED)
        if isinstance(does, Exception):
            raise does
        if cancelled():
            return played(self._clock, StepOutcome.CANCELLED)
        if isinstance(does, PlaybookResult):
            return does

        return played(self._clock, does) if isinstance(does, StepOutcome) else does(play)

    def reap(self, marker: str) -> int:
        """Find no left-over process."""
        self.reaped.append(marker)
        return 0

    def dismiss(self) -> None:
        """Let nothing wait any more."""
        self.waiting = self._next = None


Answers = CheckOutcome | Mapping[CheckKey, CheckOutcome]


class FakeVerification:
    """A suite that answers as scripted: one entry a pass, the last one again and again.

    An entry is an outcome for every check, or check's key → outcome, the others passed. A pass
    takes `seconds` (at most its deadline). Checks: `suite`, or the one check of the builders.
    """

    def __init__(
        self,
        clock: FakeClock,
        passes: Sequence[Answers] = (CheckOutcome.PASSED,),
        *,
        suite: Sequence[CheckResult] | None = None,
        seconds: float = 1.0,
    ) -> None:
        self.requests: list[Sequence[CheckKey] | None] = []
        self._clock = clock
        self._passes = list(passes)
        self._suite = {c.key: c for c in ([a_check()] if suite is None else suite)}
        self._seconds = seconds

    def checks(self) -> Sequence[CheckKey]:
        """Return the keys of every check."""
        return tuple(self._suite)

    def run(
        self, only: Sequence[CheckKey] | None, *, deadline: float, cancelled: Cancelled
    ) -> tuple[CheckResult, ...]:
        """Answer as scripted; a cancelled pass has no answers."""
        self.requests.append(only)
        started = self._clock.wall()
        self._clock.sleep(min(self._seconds, deadline))
        answers = self._passes.pop(0) if len(self._passes) > 1 else self._passes[0]
        cut = cancelled() or self._seconds > deadline

        def outcome(key: CheckKey) -> CheckOutcome:
            if cut:
                return CheckOutcome.ERRORED
            if isinstance(answers, CheckOutcome):
                return answers
            return answers.get(key, CheckOutcome.PASSED)

        return tuple(
            self._suite[key].model_copy(
                update={"outcome": outcome(key), "started": started, "ended": self._clock.wall()}
            )
            for key in (self._suite if only is None else only)
        )


Opened = FakeVerification | BaseException


class FakeVerifier:
    """Opens the one verification it was given, or one per name of a suite; raises an exception."""

    def __init__(self, verification: Opened | Mapping[str, Opened]) -> None:
        self.opened = 0
        self._verification = verification

    def prepare(self, suite: Path, site: Site, *, marker: str) -> None:
        """Have nothing to make ready."""

    @contextmanager
    def open(
        self,
        suite: Path,
        _site: Site,
        *,
        marker: str,
        evidence: Path,
        given: Mapping[str, Any] | None = None,
    ) -> Iterator[FakeVerification]:
        """Hand the verification out."""
        del marker, evidence, given
        self.opened += 1
        scripted = self._verification
        opened = scripted[suite.stem] if isinstance(scripted, Mapping) else scripted
        if isinstance(opened, BaseException):
            raise opened

        yield opened


def fake_tools(clock: FakeClock | None = None, **replaced: Any) -> Tools:
    """Return the tools of a drill that passes, with some replaced."""
    clock = clock or FakeClock()
    tools: dict[str, Any] = {
        "clock": clock,
        "store": FakeStore(),
        "standby": FakeStandby(),
        "probe": FakeProbe(),
        "runner": FakeRunner(clock),
        "verifier": FakeVerifier(FakeVerification(clock)),
        "people": FakePeople(),
        "progress": FakeProgress(),
        "edits": lambda *_: (),
    }
    return Tools(**{**tools, **replaced})
