"""Declare what the engine needs from the outside, in the engine's words. Adapters fulfil it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from pradrill.domain.declared.drill import Canary, NewestData
from pradrill.domain.declared.standby_kind import Egress
from pradrill.domain.run.abort import Abort
from pradrill.domain.run.backup_catalogue import Catalogue, RecoveryPoint
from pradrill.domain.run.backup_integrity import Checked, IntegrityPart
from pradrill.domain.run.egress import EgressLook, HostEgress
from pradrill.domain.run.file_map import FileMap
from pradrill.domain.run.guard import Reached
from pradrill.domain.run.host import Host, HostFacts, HostState, Site, Surroundings
from pradrill.domain.run.lease import FoundLease, Holder, LeaseAnswer
from pradrill.domain.run.machine import MachineAddress, MachineSeed
from pradrill.domain.run.outcome import CheckKey, CheckResult, PlaybookResult, StepResult
from pradrill.domain.run.question import Answer, Question
from pradrill.domain.run.record import RunRecord
from pradrill.domain.run.run_plan import FileHash, RunPlan
from pradrill.domain.run.scope import MarkedProcess, Strays
from pradrill.domain.values.reason import Reason, with_hint

Cancelled = Callable[[], bool]
"""Asked often; true once the run must stop."""

Say = Callable[[str], None]
"""Narrates progress to a person, one short line at a time."""


class ToolProgress(str):
    """A line in which a tool itself says how far it has come: no estimate is told beside it."""

    __slots__ = ()


class Edits(Protocol):
    """Tells which files of a plan are not what they were when it was made."""

    def __call__(
        self, plan: RunPlan, playbooks: Collection[Path] | None = None, /
    ) -> Sequence[Path]:
        """Return them; of `playbooks` alone those that they take in."""


class Progress(Protocol):
    """Shows a run to whoever watches; must never raise, from whichever thread."""

    def of(self, service: str | None, step: str | None = None) -> Progress:
        """Return the same view for one branch: what that is told is of its service.

        `step`: for one of its steps that run side by side.
        """

    def begin(self, run_id: str, plan: RunPlan, before: Sequence[StepResult] = ()) -> None:
        """Begin a run, or go on with it: `before` are the steps that have ended already."""

    def phase(self, name: str) -> None:
        """Begin a phase."""

    def step(self, name: str, deadline: float) -> None:
        """Begin a step that has `deadline` seconds."""

    def say(self, line: str) -> None:
        """Tell what is going on inside the step."""

    def checks(self, green: int, total: int) -> None:
        """Tell how many mandatory checks are green."""

    def ask(self, question: Question) -> None:
        """Show what a person is asked for; the step then waits."""

    def finish(self, step: StepResult) -> None:
        """End a step."""


class Clock(Protocol):
    """Steady UTC: a wall clock that starts right and then only follows the monotonic clock."""

    def now(self) -> datetime:
        """Return steady UTC; a step of the system's clock does not move it."""

    def from_wall(self, instant: datetime) -> datetime:
        """Translate an instant of the system's clock, read just now, into steady UTC."""

    def stepped(self) -> float:
        """Return by how many seconds the system's clock has been moved since the start."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class Play(NamedTuple):
    """A playbook to run, and on what."""

    playbook: Path
    site: Site
    vars: Mapping[str, Any]
    secrets: Mapping[str, str]
    """Ansible variable → the secret's name (env:…, file:…); the adapter resolves it."""
    marker: str
    """The run's id, carried by every process of the play so that survivors can be found."""
    vault_passwords: tuple[str, ...] = ()
    """Names of the secrets that open what Ansible Vault has encrypted."""
    controller: bool = False
    """Whether it may act on the controller, too: the drill says so."""


class PlaybookRunner(Protocol):
    """Runs playbooks."""

    def prepare(self, site: Site, *, marker: str) -> None:
        """Make ready for plays on the site's hosts, while something else is done there."""

    def expect(self, play: Play, *, deadline: float) -> None:
        """Make ready for a play that comes, whatever its variables and secrets will be.

        Where one is expected already, it is the one after that.
        """

    def run(
        self, play: Play, *, deadline: float, cancelled: Cancelled, say: Say, evidence: Path
    ) -> PlaybookResult:
        """Run it to its end, its deadline (seconds) or cancellation; never raises for a result.

        `evidence` is a folder that does not exist yet: distilled events are kept there.
        """

    def reap(self, marker: str) -> int:
        """End what still carries the run's marker, and return how many processes there were.

        What is expected is left to wait.
        """

    def dismiss(self) -> None:
        """End what was expected and does not come."""


class Verification(Protocol):
    """A suite of checks ready to be run again and again."""

    def checks(self) -> Sequence[CheckKey]:
        """Return the key of every check, one for each host."""

    def run(
        self, only: Sequence[CheckKey] | None, *, deadline: float, cancelled: Cancelled
    ) -> tuple[CheckResult, ...]:
        """Run one pass (all checks, or some); a check without an answer is ERRORED."""


class ServiceVerifier(Protocol):
    """Proves that a service works."""

    def prepare(self, suite: Path, site: Site, *, marker: str) -> None:
        """Make ready for a suite, while something else is done; its files are not read yet."""

    def open(
        self,
        suite: Path,
        site: Site,
        *,
        marker: str,
        evidence: Path,
        given: Mapping[str, Any] | None = None,
    ) -> AbstractContextManager[Verification]:
        """Collect the suite against the site's hosts; `given`: what its fixture `drill` holds."""


class HostProbe(Protocol):
    """Looks at a host over SSH, with its host key pinned. Raises UnreachableError."""

    def facts(self, host: Host, site: Site) -> HostFacts:
        """Return what the host says of itself, and its clock's skew."""

    def check_become(self, host: Host, site: Site) -> None:
        """See that the login becomes as whom all is carried out there. Raises NotReadyError."""

    def state(
        self, host: Host, site: Site, paths: Sequence[str], unchanged: Sequence[str] = ()
    ) -> HostState:
        """Return what could be left: the `paths` there, files below `unchanged`."""

    def reaches(self, host: Host, site: Site, endpoints: Sequence[str]) -> Mapping[str, Reached]:
        """Try to connect from inside the host; endpoint → what came of it."""

    def end_strays(
        self,
        host: Host,
        site: Site,
        before: HostState | None,
        *,
        commands: bool,
        younger: float = 0.0,
    ) -> Strays:
        """End what the run has started there, and tell; `commands`: only what has its shell.

        And, then too, what it has started within the last `younger` seconds.
        What was there `before` is left alone, and what is new but not the run's is only told.
        """

    def marked(self, host: Host, site: Site) -> Sequence[MarkedProcess]:
        """Return every process there that a run has started and that goes on."""

    def surroundings(self, host: Host, site: Site, paths: Sequence[str]) -> Surroundings:
        """Return the room that is left where the `paths` lie or would lie, and the time zone."""

    def used(self, host: Host, site: Site, paths: Sequence[str]) -> Mapping[str, int]:
        """Return the bytes in use of each filesystem that the `paths` lie on or would."""

    def read_instant(self, host: Host, site: Site, newest: NewestData) -> datetime:
        """Run the command and read its answer; raises PradrillError unless it is an instant."""

    def same_canary(self, host: Host, site: Site, canary: Canary) -> bool:
        """Tell whether the command prints the planted value; raises PradrillError without one."""

    def close(self) -> None:
        """Let go of connections."""


class EgressDenial(Protocol):
    """Denies a host's way out, by a table of the run's own beside those that it has."""

    def check(self, host: Host, site: Site, denied: Egress) -> None:
        """See that it could be denied, and touch nothing. Raises NotReadyError."""

    def deny(
        self,
        host: Host,
        site: Site,
        denied: Egress,
        names: Sequence[str],
        others: Sequence[str] = (),
    ) -> HostEgress:
        """Let out what `denied` allows alone, and write down what tries; or raise NotReadyError.

        Of the `names` it says where they led before; they lead there still. `others` are addresses
        of the standby's other hosts, which are no way out. Again, it begins anew.
        """

    def look(self, host: Host, site: Site) -> EgressLook:
        """Return the table as it is, and what it has counted. Raises PradrillError."""

    def remove(self, host: Host, site: Site) -> Sequence[str]:
        """Remove all of it and look; return what is left. Raises PradrillError if not known.

        NotReadyError where the login may not, and never might.
        """

    def tables(self, host: Host, site: Site) -> Sequence[str]:
        """Return the names of the tables that any run has there."""


class NetworkCapture(Protocol):
    """Writes down what a host sends, outside of it, where nothing on the host can change that."""

    def attempts(self, host: Host) -> EgressLook:
        """Return what it has sent so far. Raises PradrillError when that is not known."""


class FileWatch(Protocol):
    """Writes down which files the services of a host open."""

    def watch(self, host: Host, site: Site) -> None:
        """Begin. Raises PradrillError where files cannot be watched."""

    def read(self, host: Host, site: Site, roots: Sequence[str]) -> FileMap:
        """End it; return what was opened. Raises PradrillError when that is not known.

        What is new since it began and lies below one of `roots` was restored.
        """


class Leases(Protocol):
    """Leases on the standby's machines themselves, which every controller sees."""

    def take(
        self, host: Host, site: Site, holder: Holder, *, machine_id: str, over: Collection[str]
    ) -> LeaseAnswer:
        """Take a host's lease, also one that ran out; `over`: runs known to have ended."""

    def renew(
        self, host: Host, site: Site, holder: Holder, *, machine_id: str, lapsed: bool
    ) -> LeaseAnswer:
        """Hold it on; `lapsed`: it may have run out, and another run come and gone."""

    def release(self, host: Host, site: Site, holder: Holder, *, machine_id: str) -> None:
        """Give it back; another's stays."""

    def look(
        self, host: Host, site: Site, holder: Holder, *, machine_id: str
    ) -> Sequence[FoundLease]:
        """Return every lease that lies there, whoever's; nothing is taken."""

    def close(self) -> None:
        """Let go of connections."""


class PendingQuestion(Protocol):
    """A question that waits for its answer."""

    def answer(self) -> Answer | None:
        """Return the answer if there is one by now."""

    def withdraw(self) -> Answer | None:
        """Take the question back, so that no answer is accepted; return one that came before."""


class People(Protocol):
    """Those who are asked during a run. A question has one answer: the first."""

    def ask(self, question: Question, folder: Path) -> AbstractContextManager[PendingQuestion]:
        """Ask whoever can be asked; `folder` is the run's. At its end nothing can be answered."""

    def waiting(self, folder: Path) -> Question | None:
        """Return the question of that run which waits for its answer, if one does."""

    def give(self, folder: Path, step: str, answer: Answer) -> None:
        """Answer the step that waits. Raises UsageError when it does not wait (any more)."""

    def aborted(self, folder: Path) -> Abort | None:
        """Return who wants that run to end from elsewhere; None while nobody does."""


class Notifier(Protocol):
    """A way to tell people who do not watch. It returns at once, and its failure stops nothing."""

    def tell(self, who: str, text: str) -> None:
        """Tell somebody, a name or a role, what the text says."""


class Messenger(Protocol):
    """A channel to somebody, for what need not be told at once."""

    def deliver(self, subject: str, text: str) -> str | None:
        """Deliver it, or return why that was not possible: without secrets, in some seconds."""


class Bounds(NamedTuple):
    """How long a tool may take (seconds), what stops it, and the run that it belongs to."""

    deadline: float
    cancelled: Cancelled = lambda: False
    marker: str = ""
    end: datetime | None = None
    """When all the calls of a reading have ended; None: each has the deadline for itself."""

    def ending(self, now: datetime) -> Bounds:
        """Return those of a reading that begins now: its calls have the deadline together."""
        return self._replace(end=now + timedelta(seconds=self.deadline))

    def left(self, now: datetime) -> Bounds:
        """Return those of a call that begins now."""
        if self.end is None:
            return self
        return self._replace(deadline=min(self.deadline, (self.end - now).total_seconds()))


class RecoveryPointSource(Protocol):
    """Where backups are. It reads and never writes; nothing is touched but the repository."""

    def catalogue(self, bounds: Bounds) -> Catalogue:
        """Return every backup; raises NotReadyError when they cannot be read for certain.

        Unreachable, locked, in a newer format, a wrong password: each is told by its name. An
        empty catalogue is not an error here: what it means depends on who asks.
        """

    def check(self, point: RecoveryPoint, part: IntegrityPart, bounds: Bounds) -> Checked:
        """Read the backups themselves: all of them, a part, or the point (`Checked` says)."""


class FolderEntry(NamedTuple):
    """A file or a folder in a folder of backups."""

    name: str
    is_folder: bool
    size: int
    modified: datetime
    is_link: bool = False
    """Its name leads there; it lies elsewhere, or further up."""


class Folder(Protocol):
    """A folder of backups, here or elsewhere, read only. Raises NotReadyError.

    It is a ClosedPathError for what is not there any more, or may not be read, and stands alone
    with that.
    """

    def entries(self, path: str) -> Sequence[FolderEntry]:
        """Return what a folder holds; symbolic links are followed, other things left out."""

    def read(self, path: str) -> AbstractContextManager[Iterator[bytes]]:
        """Return a file's bytes, in pieces."""

    def real(self, path: str) -> str:
        """Return where a path leads in the end: without links in it."""

    def local(self, path: str) -> Path | None:
        """Return where it is on this machine, if it is."""

    def cut(self) -> None:
        """Have what another thread asks just now fail at once."""

    def close(self) -> None:
        """Let go of connections; the next question opens them again."""


class Impediment(NamedTuple):
    """What stands in the way of a run, before anything is touched."""

    what: str
    hint: str | None = None
    mend: Sequence[str] = ()
    """Commands that mend it, exactly as they are typed here."""

    def reason(self) -> Reason:
        """Say it as a record does."""
        return with_hint(self.what, self.hint)


class Standby(Protocol):
    """The recovery hosts, wherever they are."""

    def problems(self) -> Sequence[Impediment]:
        """Say what stands in the way of starting, touching nothing."""

    def start(self, folder: Path, run_id: str, say: Say) -> Site:
        """Make the hosts reachable; the ssh_config and inventory are written into `folder`."""

    def bind(self, site: Site, identified: Sequence[HostFacts]) -> Site:
        """Let the hosts be reached as what was seen of them alone: this key, this machine."""

    def stop(self, run_id: str) -> Sequence[str]:
        """Leave nothing of what that run's `start` made; say what is left.

        Works in another process too, and lets alone what other runs have made.
        """


class MachineSeeds(Protocol):
    """Gives machines an identity before they are made, and leads to them once they are."""

    def sow(self, folder: Path, run_id: str) -> Sequence[MachineSeed]:
        """Make each machine's host key, and the run's login key; write cloud-init's files."""

    def recall(self, folders: Sequence[Path]) -> Path | None:
        """Return the folder where a process before sowed, from here on this one's; None: none."""

    def settle(self, addresses: Mapping[str, MachineAddress]) -> None:
        """Take note of where the machines are: name → address."""

    def silent(self, bounds: Bounds) -> Sequence[str]:
        """Return the names of the machines where nobody can log in yet."""


class Copies(Protocol):
    """A standby whose hosts can be saved as they are, and resumed as throw-away copies."""

    def save(self, say: Say) -> Sequence[Standby]:
        """Save the hosts that run, which ends them; return the places where copies may run.

        Each start in a place is a new copy, in the stead of the one before; copies in two places
        may run at one time. A stop of a place drops its copy; a stop of the standby itself drops
        every copy, and what was saved.
        """


class DamageEnd(NamedTuple):
    """What doing a damage came to: the command's exit code, and its last words."""

    code: int
    reason: str


class Damager(Protocol):
    """Damages a copy of a standby. Raises UnreachableError."""

    def ask(
        self, host: Host, site: Site, command: str, values: Mapping[str, str], deadline: float
    ) -> str:
        """Run a command there and return the first line it prints; raises PradrillError."""

    def damage(
        self, host: Host, site: Site, command: str, values: Mapping[str, str], deadline: float
    ) -> DamageEnd:
        """Run a command there with these shell variables; never raises for what it does."""


class Journal(Protocol):
    """A run's facts, on disk as they happen."""

    run_id: str
    folder: Path

    def append(self, event: str, at: datetime, facts: Mapping[str, Any]) -> None:
        """Write one fact and see it on the disk; raises RecordError."""

    def events(self) -> Iterator[tuple[str, datetime, dict[str, Any]]]:
        """Read back every whole fact in order (event, instant, facts)."""

    def evidence(self) -> tuple[FileHash, ...]:
        """Return every evidence file with its hash."""

    def seal(self, record: RunRecord) -> None:
        """Write the record, atomically, and end the journal; raises RecordError."""

    def close(self) -> None:
        """Let go of the journal: a run without a record then counts as crashed."""


class RunStore(Protocol):
    """Where runs are kept."""

    def open(self, drill: str, started: datetime) -> Journal:
        """Begin a run: its folder and journal."""

    def hold(self, standby_key: str, run_id: str) -> AbstractContextManager[None]:
        """Hold a standby for one run; raises BusyError, naming the holder."""

    def holder(self, run_id: str) -> Holder:
        """Return how a run of this store signs what it holds elsewhere."""

    def renewed(self, run_id: str) -> None:
        """Note that a run holds its leases, from now on for a term; whoever only looks sees it."""

    def has_ended(self, holder: Holder) -> bool:
        """Tell whether it is a run of this store whose process is gone."""

    def crashed(self, spare: Collection[str] = ()) -> Sequence[Journal]:
        """Return the runs that ended without a record and whose process is gone, but for some."""
