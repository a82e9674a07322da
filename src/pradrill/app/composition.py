"""What every command shares: the folders, the store, and the ports put together."""

from __future__ import annotations

import os
import platform
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pradrill.adapters.ansible.runner import AnsibleRunner, opened
from pradrill.adapters.clock import SteadyClock
from pradrill.adapters.notifications.command import Announcer
from pradrill.adapters.questions.files import FilePeople
from pradrill.adapters.questions.terminal import Terminal
from pradrill.adapters.secrets import Secrets
from pradrill.adapters.ssh.leases import SshLeases
from pradrill.adapters.ssh.probe import SshProbe
from pradrill.adapters.standbys.inventory import InventoryStandby
from pradrill.adapters.standbys.lab import Lab, LabStandby
from pradrill.adapters.testinfra.verifier import TestinfraVerifier
from pradrill.app.author import user
from pradrill.app.backups import checked_before, source_of
from pradrill.app.discreet_progress import DiscreetProgress
from pradrill.app.primary_clocks import clocks
from pradrill.config.edits import edits
from pradrill.config.inventory import each_inventory_once, freeze, read_inventory
from pradrill.config.playbook_inputs import around
from pradrill.config.project import (
    LoadedDrill,
    Project,
    find_drills_folder,
    open_house,
    read_sealing,
)
from pradrill.config.vaults import unlock
from pradrill.domain.declared.backup_source import RecoveryPointSpec
from pradrill.domain.declared.plan import PrimaryIdentity
from pradrill.domain.declared.sealing import Sealing
from pradrill.domain.register.entry import Head
from pradrill.domain.register.finding import Finding
from pradrill.domain.register.finding_history import all_findings, findings_for
from pradrill.domain.run.event import Started
from pradrill.domain.run.host import Host
from pradrill.domain.run.record import Launch, RunRecord, RunState
from pradrill.domain.run.run_plan import RunPlan
from pradrill.domain.values.masking import Masker
from pradrill.engine.cancellation import Cancellation, signals_to
from pradrill.engine.context import Disruption, Tools
from pradrill.engine.crashed_runs import Recovered, recover_crashed
from pradrill.engine.planning import plan_run
from pradrill.engine.run import run_drill
from pradrill.errors import ConfigurationError, PradrillError
from pradrill.ports import Progress, RecoveryPointSource, Standby
from pradrill.register.chain.register import Register
from pradrill.register.runs.store import FileRunStore
from pradrill.register.sealing.sealer import Sealer
from pradrill.register.sealing.signing import public_key
from pradrill.system.tools import ToolError

_TOLD = ("pradrill", "ansible-core", "ansible-runner", "paramiko", "pytest", "pytest-testinfra")


def state_folder(args: Namespace) -> Path:
    """Return the state directory (DESIGN §7)."""
    named = args.state or os.environ.get("PRADRILL_STATE")
    if named:
        return Path(named).expanduser().absolute()
    if os.geteuid() == 0:
        return Path("/var/lib/pradrill")
    base = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(base).expanduser() / "pradrill"


class App:
    """The folders that a command works in, and the tools that it works with."""

    def __init__(self, args: Namespace) -> None:
        self.state = state_folder(args)
        self.log = args.log or str(self.state / "log.jsonl")
        self.clock = SteadyClock()
        self.secrets = Secrets(getattr(args, "masker", None) or Masker())
        self.register = Register(self.state, lambda: self._sealer)
        self.store = FileRunStore(self.state, self.register)
        self.lab = Lab(self.state / "lab", self.clock)
        self._drills: Path | None = args.drills

    @cached_property
    def drills(self) -> Path:
        """Return the folder of drills: the one named, or the nearest."""
        if self._drills is None:
            return find_drills_folder(Path.cwd())
        if not (self._drills / "plan.yml").is_file():
            raise ConfigurationError(
                f"{self._drills} holds no plan.yml", hint="Name the folder that holds it."
            )
        return self._drills.absolute()

    @cached_property
    def _sealer(self) -> Sealer | None:
        """Return what seals the register, as the plan says; None when no plan can be read."""
        key = os.environ.get("PRADRILL_SIGNING_KEY")
        try:
            settings = read_sealing(self.drills)
        except PradrillError as error:
            if self.register.seals() is not None and not key:
                told(f"the register is not sealed now: {error.message}")
            if not key:
                return None
            settings = Sealing()
        if key:
            settings = settings.model_copy(update={"key": Path(key).expanduser().absolute()})
        return Sealer(settings, self.state, told)

    def trusted(self) -> tuple[str, ...]:
        """Return the public keys that the plan, or PRADRILL_SIGNING_KEY, says the register has.

        The key before is one until the change is entered. None: no plan, or it names no key.
        """
        try:
            settings = read_sealing(self.drills)
        except PradrillError:
            settings = Sealing()
        named = os.environ.get("PRADRILL_SIGNING_KEY")
        key = Path(named).expanduser().absolute() if named else settings.key
        keys = []
        for each in (key, settings.previous_key if key else None):
            try:
                keys += [public_key(each)] if each is not None else []
            except ToolError as error:
                told(f"the register is not compared with the plan's key: {error.message}")
        return tuple(keys)

    def head(self) -> Head | None:
        """Return the register's head to publish; None when nobody vouches for it."""
        try:
            return None if self.register.doubt(()) else self.register.head()
        except PradrillError:
            return None

    def doubt(self) -> str | None:
        """Say on stderr that nobody vouches for the register's head, if so; return why."""
        try:
            why = self.register.doubt(self.trusted())
        except PradrillError as error:
            why = error.message
        if why is not None:
            told(f"the register does not verify: {why}")
            told("HINT: See what is wrong: pradrill register verify; then register acknowledge.")
        return why

    def findings(self) -> tuple[Finding, ...]:
        """Return every finding that the register holds; raises RecordError."""
        return all_findings(self.register.entries())

    def open_findings(self, record: RunRecord) -> tuple[Finding, ...]:
        """Return those of a run's services that are open; a damaged register has none to tell."""
        try:
            found = findings_for(self.findings(), record.plan.drill.services)
        except PradrillError as error:
            told(f"the open findings cannot be told: {error}")
            return ()
        return tuple(finding for finding in found if finding.open)

    def settle(self) -> None:
        """Enter what a crash kept out of the register; trouble with it is told, and stops nothing.

        A run at night must take place even when somebody has damaged the register.
        """
        try:
            for run_id in self.store.settle(self.clock.now(), told):
                told(f"run {run_id} was sealed and not in the register; it is entered now")
            for attempt in self.store.enter_unbegun(self.clock.now()):
                told(f"an attempt at {attempt.drill}: {attempt.because}; it is entered now")
        except PradrillError as error:  # of a full disk the run itself gives the hint
            told(error.message if isinstance(error.__cause__, OSError) else str(error))
        except OSError as error:
            told(f"{self.state}: {error.strerror}")
        self.doubt()

    def names_drills(self) -> bool:
        """Tell whether there is a folder of drills: reading reports needs none."""
        try:
            return self.drills.is_dir()
        except ConfigurationError:
            return self._drills is not None

    def house(self, only: str | None = None) -> Project:
        """Load the plan and its drills, or one of them. Raises ConfigurationError."""
        return open_house(self.drills, now=self.clock.now(), only=only, secret=self.secrets.resolve)

    def plan(self, house: Project, loaded: LoadedDrill) -> RunPlan:
        """Resolve a drill into what a run of it would do."""
        files = list(house.files(loaded))
        return plan_run(
            loaded.drill,
            drill_file=loaded.file,
            plan=house.plan,
            hosts=loaded.hosts,
            primaries={name: self._primary(house, name) for name in house.plan.services},
            files=files,
            around=around(
                loaded.drill.playbooks(), loaded.drill.standby.inventory, {f.path for f in files}
            ),
            places=loaded.places,
        )

    def run(
        self,
        plan: RunPlan,
        progress: Progress,
        *,
        trigger: str,
        disruption: Disruption | None = None,
        due: datetime | None = None,
    ) -> RunRecord:
        """Run a drill; SIGINT, SIGTERM and SIGHUP stop it through its teardown."""
        progress = DiscreetProgress(progress, self.secrets.masker)
        cancellation = Cancellation(progress.say)
        tools = self._tools(plan, progress)
        with signals_to(cancellation), _closing(tools):
            own = {name: plan.primaries[name] for name in plan.services}
            primaries = clocks(own, self.clock, progress.say)
            first = started(plan, trigger, due).model_copy(update={"primaries": primaries})
            return run_drill(first, tools, cancellation, disruption=disruption)

    def sweep(self, progress: Progress) -> list[RunRecord]:
        """Tear down and record the runs whose process was killed.

        A crashed run that cannot be torn down now is told on stderr and found again next time.
        """
        progress = DiscreetProgress(progress, self.secrets.masker)
        recovered = Recovered([], {})
        try:
            with ExitStack() as opened:
                recovered = recover_crashed(
                    self.store,
                    lambda plan: opened.enter_context(_closing(self._tools(plan, progress))),
                )
        except PradrillError as trouble:
            told(f"the runs that were killed are not torn down yet: {trouble.message}")
        for run_id, error in recovered.left.items():
            why = self.secrets.masker.text(str(error))
            print(f"crashed run {run_id} is not torn down yet: {why}", file=sys.stderr)
        for record in recovered.records:
            how = (
                f"{_put_back(record)} and it is recorded as CRASHED"
                if record.state is RunState.CRASHED
                else "it had come to its end, and is recorded as it ended"
            )
            told(f"run {record.run_id} was killed; {how}")
        self.settle()
        return recovered.records

    def _tools(self, plan: RunPlan, progress: Progress) -> Tools:
        secrets = self.secrets
        unusable = secrets.fetch(plan)  # first: nothing is written before what to mask is known
        unlocking = plan.drill.standby.vault_password
        if unlocking is not None and not unusable:
            files = [
                each.path for each in (*plan.files, *(plan.around.files if plan.around else ()))
            ]
            secrets.learn(opened(files, secrets.resolve(unlocking)), plan)
        backups = {
            service: way.recovery_point
            for service, way in plan.drill.ways.items()
            if way.recovery_point is not None
        }
        return Tools(
            clock=self.clock,
            store=self.store,
            standby=self._standby(plan),
            probe=SshProbe(self.clock, secrets.resolve),
            runner=AnsibleRunner(self.clock, secrets.resolve, masker=secrets.masker),
            verifier=TestinfraVerifier(self.clock, secrets.masker),
            people=FilePeople(_terminal(), self._announcer(plan, progress)),
            progress=progress,
            edits=edits,
            sources={s: self.source(each) for s, each in backups.items()},
            checked={s: checked_before(each, self.store) for s, each in backups.items()},
            leases=None if plan.drill.standby.machines else SshLeases(),
            unusable=unusable,
            masked=secrets.masker.facts,
        )

    def source(self, spec: RecoveryPointSpec) -> RecoveryPointSource:
        """Return what reads a declared source of backups."""
        return source_of(spec, self.clock, self.secrets.resolve)

    def shown(self, plan: RunPlan) -> RunPlan:
        """Return a plan as it may be shown: without passwords that stand in URLs."""
        return RunPlan.model_validate(self.secrets.masker.facts(plan.model_dump(mode="json")))

    def _announcer(self, plan: RunPlan, progress: Progress) -> Announcer | None:
        return Announcer(plan.notify, self.state, progress.say) if plan.notify else None

    def _standby(self, plan: RunPlan) -> Standby:
        declared = plan.drill.standby
        if declared.machines:
            return LabStandby(self.lab, declared.machines, declared.links)
        assert declared.inventory is not None  # noqa: S101 the model has one of both
        unlock(plan.drill, self.secrets.resolve)
        with each_inventory_once():
            hosts = read_inventory(declared.inventory, declared.hosts or "")
            inventory = freeze(declared.inventory, plan.drill.playbooks())
        _refuse_moved(plan, hosts, declared.inventory)
        known = declared.known_hosts or Path("~/.ssh/known_hosts").expanduser()
        return InventoryStandby(hosts, inventory, known)

    def _primary(self, house: Project, service: str) -> PrimaryIdentity:
        """Return a primary's declared identity; a lab machine's own is added to it."""
        declared = house.plan.services[service].primary
        machine = next((m for m in self.lab.machines() if m.name == declared.vm), None)
        if machine is None:
            return declared
        return declared.model_copy(
            update={
                "host_keys": (*declared.host_keys, machine.host_key),
                "machine_ids": (*declared.machine_ids, machine.machine_id),
            }
        )


def _put_back(record: RunRecord) -> str:
    if record.residue:
        return f"its standby was not left as declared ({record.residue[0]})"
    return "its standby was torn down"


def _refuse_moved(plan: RunPlan, hosts: tuple[Host, ...], inventory: Path) -> None:
    """Raise ConfigurationError when the inventory leads elsewhere than when the run was planned."""
    planned = {host.name: host.address for host in plan.hosts}
    if planned != {host.name: f"{host.address}:{host.port}" for host in hosts}:
        raise ConfigurationError(
            f"{inventory} has changed since the run was planned: its hosts or their addresses",
            hint="Launch the drill again once the inventory stays as it is.",
        )


def told(line: str) -> None:
    """Say on stderr what must not stop the command."""
    print(line, file=sys.stderr)


def started(plan: RunPlan, trigger: str, due: datetime | None = None) -> Started:
    """Return a run's first fact: its plan, who launched it where, and with which versions."""
    versions = {"python": platform.python_version()}
    for name in _TOLD:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "not installed as a package"
    return Started(
        plan=plan,
        launch=Launch(
            trigger=trigger, user=user(), controller=platform.node() or "unknown", due=due
        ),
        versions=versions,
        environment=_environment(),
    )


def _environment() -> dict[str, str]:
    """Return what the controller is: system, kernel, processors."""
    try:
        system = platform.freedesktop_os_release().get("PRETTY_NAME", "unknown")
    except OSError:  # no os-release file
        system = platform.system()
    return {"system": system, "kernel": platform.release(), "processors": str(os.cpu_count())}


def _terminal() -> Terminal | None:
    """Return the terminal on which a watched run can be answered."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    return Terminal(sys.stdin.fileno(), user=user(), say=lambda line: print(line, file=sys.stderr))


@contextmanager
def _closing(tools: Tools) -> Iterator[Tools]:
    try:
        yield tools
    finally:
        if isinstance(tools.probe, SshProbe):
            tools.probe.close()
        if isinstance(tools.leases, SshLeases):
            tools.leases.close()
