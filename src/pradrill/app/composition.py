"""What every command shares: the folders, the register, the runs, the plan and its drills."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from functools import cached_property
from pathlib import Path

from pradrill.adapters.clock import SteadyClock
from pradrill.adapters.secrets import Secrets
from pradrill.adapters.standbys.lab import Lab
from pradrill.config.playbook_inputs import around
from pradrill.config.project import (
    LoadedDrill,
    Project,
    find_drills_folder,
    open_house,
    read_sealing,
)
from pradrill.domain.declared.plan import PrimaryIdentity
from pradrill.domain.declared.sealing import Sealing
from pradrill.domain.register.entry import Head, TeardownEntry
from pradrill.domain.register.finding import Finding
from pradrill.domain.register.finding_history import all_findings, findings_for
from pradrill.domain.register.teardowns import owed, repeated
from pradrill.domain.run.record import RunRecord
from pradrill.domain.run.run_plan import RunPlan
from pradrill.domain.values.masking import Masker
from pradrill.engine.planning import plan_run
from pradrill.errors import ConfigurationError, PradrillError
from pradrill.register.chain.register import Register
from pradrill.register.runs.store import FileRunStore
from pradrill.register.sealing.sealer import Sealer
from pradrill.register.sealing.signing import public_key
from pradrill.reporting.text.teardowns import offer
from pradrill.system.tools import ToolError


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

    def prefer_drills(self, folder: Path) -> None:
        """Take that folder of drills wherever the command is run, unless another one is named."""
        self._drills = self._drills or folder

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

    def teardowns(self, run_id: str) -> list[TeardownEntry]:
        """Return the repeated teardowns of a run; a damaged register has none to tell."""
        try:
            return repeated(self.register.entries(), run_id)
        except PradrillError as error:
            told(f"repeated teardowns cannot be told: {error.message}")
            return []

    def offer_teardowns(self) -> None:
        """Say on stderr which runs have left something behind, and how to remove it."""
        try:
            for run in owed(self.register.entries()):
                told(offer(run))
        except PradrillError:  # `doubt` tells of it
            return

    def settle(self) -> None:
        """Enter what a crash kept out of the register; trouble with it is told, and stops nothing.

        A run at night must take app even when somebody has damaged the register.
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
        self.offer_teardowns()

    def names_drills(self) -> bool:
        """Tell whether there is a folder of drills: reading reports needs none."""
        try:
            return self.drills.is_dir()
        except ConfigurationError:
            return self._drills is not None

    def project(self, only: str | None = None) -> Project:
        """Load the plan and its drills, or one of them. Raises ConfigurationError."""
        return open_house(self.drills, now=self.clock.now(), only=only, secret=self.secrets.resolve)

    def plan(self, project: Project, loaded: LoadedDrill) -> RunPlan:
        """Resolve a drill into what a run of it would do."""
        files = list(project.files(loaded))
        return plan_run(
            loaded.drill,
            drill_file=loaded.file,
            plan=project.plan,
            hosts=loaded.hosts,
            primaries={name: self._primary(project, name) for name in project.plan.services},
            files=files,
            around=around(
                loaded.drill.playbooks(),
                loaded.drill.standby.inventory_file,
                {file.path for file in files},
            ),
            places=loaded.places,
        )

    def shown(self, plan: RunPlan) -> RunPlan:
        """Return a plan as it may be shown: without passwords that stand in URLs."""
        return RunPlan.model_validate(self.secrets.masker.facts(plan.model_dump(mode="json")))

    def _primary(self, project: Project, service: str) -> PrimaryIdentity:
        """Return a primary's declared identity; a lab machine's own is added to it."""
        declared = project.plan.services[service].primary
        machine = next((m for m in self.lab.machines() if m.name == declared.vm), None)
        if machine is None:
            return declared
        return declared.model_copy(
            update={
                "host_keys": (*declared.host_keys, machine.host_key),
                "machine_ids": (*declared.machine_ids, machine.machine_id),
            }
        )


def told(line: str) -> None:
    """Say on stderr what must not stop the command."""
    sys.stderr.write(f"{line}\n")
