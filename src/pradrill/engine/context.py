"""Share what the steps of a run have in common: its journal, its facts, its tools, its standby."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from copy import copy
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple, TypeVar

from pradrill.domain.declared.drill import ServiceRecovery
from pradrill.domain.run.abort import Abort
from pradrill.domain.run.backup_integrity import IntegrityResult
from pradrill.domain.run.event import OF_A_BRANCH, Event
from pradrill.domain.run.facts import BranchFacts, Facts
from pradrill.domain.run.host import Host, HostFacts, Site
from pradrill.domain.run.outcome import GuardResult, Phase, StepOutcome
from pradrill.domain.run.proof import workable
from pradrill.domain.run.run_plan import PlannedStep
from pradrill.domain.values.model import Model
from pradrill.domain.values.quotas import CHECKS_KEPT, NEWS_KEPT, NEWS_LINE
from pradrill.domain.values.reason import Reason, ReasonOrText, as_json, joined
from pradrill.domain.values.run_names import folder_prefix
from pradrill.domain.values.storable import storable
from pradrill.domain.values.timeline import Instant, Mark, Provenance, Skew
from pradrill.engine.cancellation import Cancellation
from pradrill.engine.clock_steps import ClockWatch
from pradrill.engine.leases import Tenancy
from pradrill.engine.parallel import Halt
from pradrill.errors import PradrillError, RecordError
from pradrill.ports import (
    Clock,
    Copies,
    Damager,
    Edits,
    EgressDenial,
    FileWatch,
    HostProbe,
    Impediment,
    Journal,
    Leases,
    MachineSeeds,
    NetworkCapture,
    People,
    PlaybookRunner,
    Progress,
    RecoveryPointSource,
    RunStore,
    ServiceVerifier,
    Standby,
)
from pradrill.system import in_memory, scratch

_Value = TypeVar("_Value")


class Tools(NamedTuple):
    """The ports that a run works through."""

    clock: Clock
    store: RunStore
    standby: Standby
    probe: HostProbe
    runner: PlaybookRunner
    verifier: ServiceVerifier
    people: People
    progress: Progress
    edits: Edits
    sources: Mapping[str | None, RecoveryPointSource] = {}
    """Branch (its service) → where its backups are, when the drill declares it."""
    checked: Mapping[str | None, Sequence[IntegrityResult]] = {}
    """Branch → what earlier runs found when they checked them."""
    egress: EgressDenial | None = None
    """None where nothing is denied: the machines have a network that leads nowhere."""
    capture: NetworkCapture | None = None
    """None where nobody but the host itself sees what it sends."""
    files: FileWatch | None = None
    """None where no drill asks which files are opened."""
    leases: Leases | None = None
    """None where the standby is this controller's alone, as a lab's machines are."""
    copies: Copies | None = None
    """None where the standby cannot be copied."""
    hypervisors: Standby | None = None
    """What makes the standby's machines acts on these; None where they are there already."""
    seeds: MachineSeeds | None = None
    """None as above."""
    damager: Damager | None = None
    """None where nothing is to be damaged: in every drill."""
    unusable: Sequence[Impediment] = ()
    """Secrets that the run names and that cannot be used, each with why."""
    masked: Callable[[Any], Any] = lambda facts: facts
    """Takes the run's secrets out of facts; nothing is written that has not gone through it."""


class Disruption(NamedTuple):
    """T0, and what is known of the primary's clock at that time."""

    instant: Instant
    primary_skew: Skew | None = None


class StepEnd(NamedTuple):
    """What a step came to."""

    outcome: StepOutcome
    detail: ReasonOrText = ""
    more: Mapping[str, Any] = {}


class Stop(Exception):  # noqa: N818 not an error: the sequence ends here
    """A step did not pass: nothing after it but teardown makes sense."""


class _Run:
    """What the views of one execution share; `facts` changes under the lock only."""

    def __init__(
        self, journal: Journal, facts: Facts, watch: ClockWatch, cancelled: Cancellation
    ) -> None:
        self.journal = journal
        self.watch = watch
        self.facts = facts
        self.cancelled = cancelled
        self.lock = Lock()
        self.room = CHECKS_KEPT
        self.asking = Lock()
        self.site: Site | None = None
        self.spare: Path | None = None
        self.news_left = NEWS_KEPT
        self.unwritten: RecordError | None = None
        self.under_way = False
        self.abandoned = False


class Context:
    """One execution as its steps see it: its state is its journal, folded into `facts`.

    Each branch has its own view, from `of`: what it notes and marks is of its service, and what
    it sees of the standby is its hosts. Views may be used from several threads.
    """

    def __init__(
        self,
        journal: Journal,
        facts: Facts,
        tools: Tools,
        cancelled: Cancellation,
        *,
        last_look: float | None = None,
    ) -> None:
        self.service: str | None = None
        self.step: str | None = None
        self.halt: Halt | None = None
        self.attempt = 1
        self.tools = tools
        self._run = _Run(journal, facts, ClockWatch(tools.clock, last_look=last_look), cancelled)
        self.tenancy = Tenancy(
            tools.leases, tools.store, tools.clock, journal.run_id, self.note_guard
        )

    def of(self, service: str | None) -> Context:
        """Return the view of a branch; of the whole run for None."""
        view = copy(self)
        view.service = service
        view.tools = self.tools._replace(progress=self.tools.progress.of(service))
        return view

    def beside(self, step: str, halt: Halt) -> Context:
        """Return the view of one of a branch's steps that run side by side."""
        view = copy(self)
        view.step, view.halt = step, halt
        view.tools = self.tools._replace(progress=self.tools.progress.of(self.service, step))
        return view

    def again(self, number: int) -> Context:
        """Return a view for one more attempt at a step: its evidence lies apart."""
        view = copy(self)
        view.attempt = number
        return view

    @property
    def journal(self) -> Journal:
        """Return where the run's facts go."""
        return self._run.journal

    @property
    def facts(self) -> Facts:
        """Return all that the run has shown so far."""
        return self._run.facts

    @property
    def branch_facts(self) -> BranchFacts:
        """Return what this branch has shown so far, with the marks of the whole run."""
        return self.facts.of(self.service)

    @property
    def way(self) -> ServiceRecovery:
        """Return how this branch is recovered."""
        return self.facts.plan.drill.ways[self.service]

    @property
    def site(self) -> Site | None:
        """Return the standby, once it has been made reachable."""
        return self._run.site

    @property
    def asking(self) -> Lock:
        """Return what keeps branches from asking people two things at once."""
        return self._run.asking

    @property
    def signal(self) -> int | None:
        """Return the signal that stops the run, if one did."""
        return self._run.cancelled.signal

    @property
    def aborted(self) -> Abort | None:
        """Return who wants the run to end from elsewhere, if somebody does."""
        return self.tools.people.aborted(self.journal.folder)

    @property
    def unwritten(self) -> RecordError | None:
        """Return why a fact is not on the disk, if one is not."""
        return self._run.unwritten

    def begin(self) -> None:
        """Stop the run, from here on, when something cannot be written."""
        self._run.under_way = True

    def end(self) -> None:
        """Let nothing stop, from here on, what is left to do: the teardown."""
        self._run.under_way = False

    def abandon(self) -> None:
        """Stop every branch: one has ended in a way that it never should."""
        self._run.abandoned = True

    def cancelled(self) -> bool:
        """Tell whether the run must stop.

        A signal, somebody's wish, a full disk, a lost lease, a bad branch; of steps that run side
        by side one that did not pass.
        """
        self._look_at_clock()
        run = self._run
        broken = run.abandoned or bool(self.tenancy.loss) or run.unwritten is not None
        halted = self.halt is not None and self.halt.by is not None
        return halted or broken or run.cancelled() or self.aborted is not None

    def note(self, event: Event, fact: Model | None = None, **more: Any) -> None:
        """Put a fact, or what is said of it by name, into the journal and into `facts`.

        A full disk stops the run.
        """
        self._look_at_clock()
        self._write(event, {**_body(fact), **more})
        if self.unwritten is not None and self._run.under_way:  # teardown goes on without a journal
            raise Stop

    def _look_at_clock(self) -> None:
        step = self._run.watch.look()
        if step is not None:
            total = self.tools.clock.stepped()
            self._write(Event.CLOCK, {"seconds": total, "step": step})

    def _write(self, event: Event, facts: dict[str, Any]) -> None:
        if self.service is not None and event in OF_A_BRANCH:
            facts["service"] = self.service
        body = {name: _plain(value) for name, value in facts.items()}

        run, facts = self._run, self.as_written(body)
        with run.lock:
            # The record, written now or from the journal alone, says the same of when it began.
            at = run.facts.began if event is Event.STARTED else self.tools.clock.now()
            try:
                run.journal.append(event, at, facts)
            except RecordError as error:
                run.unwritten = run.unwritten or error

            run.facts = run.facts.after(event, facts)

    def say(self, line: str) -> None:
        """Tell what goes on inside a step, here and, by the journal, whoever watches elsewhere.

        It is no fact: what there is no room for is left out, and stops nothing.
        """
        run = self._run
        words = str(self.as_written(line))
        # Cut once it is masked: of half a secret nothing would be.
        facts = {"line": words[:NEWS_LINE], "service": self.service}
        if self.step is not None:
            facts["step"] = self.step
        with run.lock:
            if run.news_left > 0:
                run.news_left -= 1
                with suppress(RecordError):
                    run.journal.append(Event.NEWS, self.tools.clock.now(), facts)

        self.tools.progress.say(line)

    def fall_silent(self) -> None:
        """Write no news from here on: what a slow listener still says is after the run's end."""
        with self._run.lock:
            self._run.news_left = 0

    def as_written(self, facts: Any) -> Any:
        """Return facts as they are written: without secrets, and as a record can hold them."""
        return storable(self.tools.masked(facts))

    def has_room(self, fact: Model) -> bool:
        """Take what a fact needs from the room for answers of checks; False when none is left."""
        with self._run.lock:
            self._run.room -= len(fact.model_dump_json().encode())
            return self._run.room >= 0

    def note_guard(self, result: GuardResult) -> None:
        """Note what a guard has shown."""
        self.note(Event.GUARD, result)

    def mark(self, mark: Mark, at: datetime) -> None:
        """Note a measured mark of the timeline."""
        self.mark_instant(mark, Instant.around(at, Provenance.MEASURED))

    def mark_instant(self, mark: Mark, instant: Instant) -> None:
        """Note a mark with its bounds and where it comes from."""
        self.note(Event.MARK, mark=mark, instant=instant)

    def connect(self) -> None:
        """Make the standby's hosts reachable."""
        run_id = self.journal.run_id
        folder = in_memory.folder(run_id)  # an inventory can hold what a vault kept
        self._run.site = self.tools.standby.start(folder, run_id, self.say)

    def bind(self, identified: Sequence[HostFacts]) -> None:
        """Reach the hosts from here on as what was seen of them, and nothing else."""
        site = planned(self._run.site, "the standby's start")
        self._run.site = self.tools.standby.bind(site, identified)

    def there(self) -> Site:
        """Return the standby, which the start step has made reachable: this branch's hosts."""
        site = planned(self._run.site, "the standby's start")
        if self.service is None:
            return site
        names = self.facts.plan.branch(self.service).hosts
        return site.of(names)

    def workable(self, phase: Phase) -> Site | None:
        """Return what a playbook may work on: before the teardown all of it or nothing."""
        there = self.there()
        names = workable(self.facts, phase, [host.name for host in there.hosts])
        part = there.of(names)
        whole = part.hosts == there.hosts or phase is Phase.TEARDOWN
        return part if part.hosts and whole else None

    def host(self, name: str | None) -> Host:
        """Return one of this branch's hosts by its name in the inventory; the first for None."""
        hosts = self.there().hosts
        matches = [host for host in hosts if name in {None, host.name}]
        if not matches:
            raise PradrillError(f"{name} is not among the standby's hosts")
        return matches[0]

    def forget_folders(self, *, keep: Path | None = None) -> None:
        """Remove what was written for the run outside its own folder, by a dead process too."""
        in_memory.sweep(self.journal.run_id, keep)

    def keep_elsewhere(self) -> bool:
        """Put the evidence from here on where there is room; False when that changes nothing.

        It goes with the run: a teardown must not wait for a disk.
        """
        if self._run.spare is None:
            prefix = folder_prefix(self.journal.run_id)
            with suppress(OSError):
                self._run.spare = Path(tempfile.mkdtemp(prefix=prefix, dir=scratch.base()))
                return True

        return False

    def left(
        self,
        left: Sequence[ReasonOrText],
        *,
        unseen: Sequence[Reason] = (),
        erased: Sequence[Reason] = (),
    ) -> StepEnd:
        """Note what was left behind, if anything was, what could not be seen, and what is gone."""
        if left or unseen or erased:
            more = {"unseen": as_json(unseen), "erased": as_json(erased)}
            self.note(Event.RESIDUE, None, left=as_json(left), **more)
        if left:
            return StepEnd(StepOutcome.FAILED, joined(left))
        return StepEnd(StepOutcome.PASSED)

    def edited(self) -> list[str]:
        """Return the files that are not what the run was planned with."""
        return [str(path) for path in self.tools.edits(self.facts.plan)]

    def values(self) -> dict[str, Any]:
        """Return what this branch's playbooks have handed back so far; of two the later's counts.

        Later is who stands below in the drill: of steps side by side either may end first.
        """
        results = {step.key: step for step in self.facts.steps if step.service == self.service}
        steps = [results[step.key] for step in self.facts.plan.steps if step.key in results]
        return {key: value for step in steps for key, value in step.values.items()}

    def evidence(self, step: PlannedStep) -> Path:
        """Return the folder for the evidence of a step that has begun; it does not exist yet."""
        keys = self.facts.begun
        number = max(n for n, key in enumerate(keys, 1) if key == step.key)
        words = step.name if step.service is None else f"{step.service} {step.name}"
        name = "".join(c if c.isalnum() else "-" for c in words)
        again = f"-{self.attempt}" if self.attempt > 1 else ""

        return self._room() / "evidence" / f"{number:02d}-{name}{again}"

    def _room(self) -> Path:
        """Return the run's folder, or another for what its disk has no room for: the teardown's."""
        run = self._run
        if run.unwritten is not None:
            self.keep_elsewhere()
        return run.spare or self.journal.folder


def planned(value: _Value | None, what: str) -> _Value:
    """Return what planning made sure of. Raises PradrillError when the step comes without it."""
    if value is None:
        raise PradrillError(f"the plan has a step that needs {what}, and nothing gives it")
    return value


def _body(fact: Model | None) -> dict[str, Any]:
    return {} if fact is None else fact.model_dump(mode="json")


def _plain(value: Any) -> Any:
    """Return what a journal's line can hold."""
    return value.model_dump(mode="json") if isinstance(value, Model) else value
