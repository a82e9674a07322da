"""Read the state folder, its register and runs, and who vouches for them: for every command.

A command that reads needs no more than this: nothing here imports what runs a drill.
"""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Collection
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pradrill.adapters.clock import SteadyClock
from pradrill.config.plan_file import find_drills_folder, may_name_sealing, plan_file, read_sealing
from pradrill.domain.declared.sealing import Sealing
from pradrill.domain.register.entry import Head, TeardownEntry
from pradrill.domain.register.finding import Finding
from pradrill.domain.register.finding_history import all_findings, findings_for
from pradrill.domain.register.teardowns import owed, repeated
from pradrill.errors import ConfigurationError, PradrillError
from pradrill.register.chain.register import Register
from pradrill.register.runs.entries import entered
from pradrill.register.runs.folders import RunFolders
from pradrill.register.sealing.publishing import newest_logged
from pradrill.register.sealing.signing import public_key
from pradrill.reporting.text.teardowns import offer
from pradrill.system.tools import ToolError

if TYPE_CHECKING:
    from pradrill.domain.run.record import RunRecord
    from pradrill.register.runs.store import FileRunStore
    from pradrill.register.sealing.sealer import Sealer


def state_folder(args: Namespace) -> Path:
    """Return the state directory (DESIGN §7)."""
    folder = args.state or os.environ.get("PRADRILL_STATE")
    if folder:
        return Path(folder).expanduser().absolute()
    if os.geteuid() == 0:
        return Path("/var/lib/pradrill")
    base = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(base).expanduser() / "pradrill"


class StateReader:
    """The state folder as commands read it."""

    def __init__(self, args: Namespace) -> None:
        self.args = args
        self.state = state_folder(args)
        self.log = args.log or str(self.state / "log.jsonl")
        self.verbose: bool = getattr(args, "verbose", False)
        self.for_programs: bool = getattr(args, "json", False)
        self.clock = SteadyClock()
        self.register = Register(self.state, lambda: self._sealer)
        self.folders = RunFolders(self.state, self.register)
        self._drills: Path | None = args.drills
        self._elsewhere = bool(args.state) and args.drills is None
        self.in_doubt = False
        """Nobody vouches for the register's head: whoever reads it is told, and ends with 14."""

    @cached_property
    def store(self) -> FileRunStore:
        """Return the runs with their records, to be read, entered and begun."""
        from pradrill.register.runs.store import FileRunStore  # noqa: PLC0415 with all their models

        return FileRunStore(self.state, self.register)

    def prefer_drills(self, folder: Path) -> None:
        """Take that folder of drills wherever the command is run, unless another one is named."""
        self._drills = self._drills or folder

    @cached_property
    def drills(self) -> Path:
        """Return the folder of drills: the one named, or the nearest."""
        if self._drills is None:
            return find_drills_folder(Path.cwd())
        if not plan_file(self._drills).is_file():
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
                warn(f"the register is not sealed now: {error.message}")
            if not key:
                return None
            settings = Sealing()
        if key:
            settings = settings.model_copy(update={"key": Path(key).expanduser().absolute()})
        from pradrill.register.sealing.sealer import Sealer  # noqa: PLC0415 what only reads seals not

        return Sealer(settings, self.state, warn)

    def _sealing(self) -> Sealing:
        """Return the plan's `sealing`; without the word none is parsed. Raises PradrillError."""
        return read_sealing(self.drills) if may_name_sealing(self.drills) else Sealing()

    def trusted(self, *, required: bool = False) -> tuple[str, ...]:
        """Return the public keys that the plan, or PRADRILL_SIGNING_KEY, says the register has.

        The key before is one until the change is entered. None: no plan, or it names no key. Raises
        ConfigurationError when a key is named and cannot be read: then nothing is known to be ours.
        `required`: likewise when the plan that may name one cannot be read.
        """
        variable = os.environ.get("PRADRILL_SIGNING_KEY")
        try:
            settings = self._sealing()
        except PradrillError as error:
            settings = Sealing()
            if self.names_drills():
                if required and not variable:
                    raise
                warn(f"the register is not compared with the plan's key: {error.message}")
        key = Path(variable).expanduser().absolute() if variable else settings.key
        if key is None:
            return ()
        try:
            keys = [public_key(key)]
        except ToolError as error:
            source = "PRADRILL_SIGNING_KEY" if variable else "the plan"
            raise ConfigurationError(
                f"the key that {source} names cannot be read: {error.message}",
                hint=f"Keep its public half beside it, as {key.name.removesuffix('.pub')}.pub.",
            ) from error
        with suppress(ToolError):  # it may be gone once the change is entered
            keys += [public_key(settings.previous_key)] if settings.previous_key else []
        return tuple(keys)

    def head(self) -> Head | None:
        """Return the register's head to publish; None when nobody vouches for it."""
        try:
            return None if self.register.doubt(()) else self.register.head()
        except PradrillError:
            return None

    def why_doubted(self) -> str | None:
        """Return why nobody vouches for the register's head, if so."""
        heads = ""
        try:
            heads = self.published()[1]  # read first: what is in it was entered
        except ConfigurationError as error:
            warn(error.message)
        try:
            return self.register.doubt(self.trusted(), newest_logged(heads))
        except PradrillError as error:
            return error.message

    def publishing(self) -> Sealing:
        """Return where the plan publishes heads of this state directory, if it does."""
        if not self._elsewhere:
            with suppress(PradrillError):  # `trusted` tells of it
                return self._sealing()
        return Sealing()

    def published(self) -> tuple[Path | None, str]:
        """Return the plan's log of heads, and what it holds; neither when it names none.

        A state directory named without its drills may be another's: this plan says nothing of it.
        Raises ConfigurationError when it is out of reach: a register that was cut looks whole.
        """
        log = self.publishing().head_log
        try:
            return log, "" if log is None else log.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:  # nothing was published yet, or its folder is not mounted
            return log, ""
        except OSError as error:
            raise ConfigurationError(
                f"the heads that the plan publishes cannot be read: {log}: {error.strerror}",
                hint="Read it as its owner, or verify without the plan: --state FOLDER.",
            ) from error

    def doubt(self) -> str | None:
        """Say on stderr that nobody vouches for the register's head, if so; return why."""
        why = self.why_doubted()
        self.in_doubt = why is not None
        if why is not None:
            warn(f"the register does not verify: {why}")
            warn("HINT: See what is wrong: pradrill register verify; then register acknowledge.")
        return why

    def must_sign(self) -> None:
        """Raise ConfigurationError when what a person enters could not be signed as before.

        They can come again with the key: nothing would ever vouch for such an entry. What happens
        to a run is entered whatever becomes of the key.
        """
        if why := self.register.why_unsigned():
            raise ConfigurationError(
                f"nothing is entered: the register is signed, and {why}",
                hint="Name its key under sealing, or in PRADRILL_SIGNING_KEY. A lost one is "
                "replaced by: pradrill register acknowledge.",
            )

    def findings(self) -> tuple[Finding, ...]:
        """Return every finding that the register holds; raises RecordError."""
        return all_findings(self.register.entries())

    def finding_keys(self) -> set[str | None]:
        """Return the keys of all findings that can be read: what is opened by itself stays one."""
        return {finding.key for finding in all_findings(self.register.legible())}

    def open_findings(self, record: RunRecord) -> tuple[Finding, ...]:
        """Return those of a run's services that are open; a damaged register has none to tell."""
        try:
            findings = findings_for(self.findings(), record.plan.drill.services)
        except PradrillError as error:
            warn(f"the open findings cannot be told: {error}")
            return ()
        return tuple(finding for finding in findings if finding.open)

    def teardowns(self, run_id: str) -> list[TeardownEntry]:
        """Return the repeated teardowns of a run; a damaged register has none to tell."""
        try:
            return repeated(self.register.entries(), run_id)
        except PradrillError as error:
            warn(f"repeated teardowns cannot be told: {error.message}")
            return []

    def offer_teardowns(self) -> None:
        """Say on stderr which runs have left something behind, and how to remove it."""
        try:
            for run in owed(self.register.entries()):
                warn(offer(run))
        except PradrillError:  # `doubt` tells of it
            return

    def settle(self) -> None:
        """Enter what a crash kept out of the register; trouble with it is told, and stops nothing.

        A run at night must take app even when somebody has damaged the register.
        """
        self.enter_late()
        self.doubt()
        self.offer_teardowns()

    def enter_late(self, names: Collection[str] | None = None) -> bool:
        """Enter what a crash kept out of the register; tell whether there was any.

        `names`: the runs that the register holds, by whoever has just read it.
        """
        try:
            self.register.settle(self.clock.now())
            if names is None:
                late = self.folders.unsettled(entered(self.register))
            else:  # thousands of records are not looked at
                late = self.folders.owes_entries(names)
            if late:
                self._enter_late()
                return True
        except PradrillError as error:  # of a full disk the run itself gives the hint
            warn(error.message if isinstance(error.__cause__, OSError) else str(error))
        except OSError as error:
            warn(f"{self.state}: {error.strerror}")
        return False

    def _enter_late(self) -> None:
        for run_id in self.store.settle(self.clock.now(), warn):
            warn(f"run {run_id} was sealed and not in the register; it is entered now")
        for attempt in self.store.enter_unbegun(self.clock.now()):
            warn(f"an attempt at {attempt.drill}: {attempt.because}; it is entered now")

    def names_drills(self) -> bool:
        """Tell whether there is a folder of drills: reading reports needs none."""
        try:
            return self.drills.is_dir()
        except ConfigurationError:
            return self._drills is not None


def warn(line: str) -> None:
    """Say on stderr what must not stop the command."""
    sys.stderr.write(f"{line}\n")
