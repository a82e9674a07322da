"""What the steps of a run share: its journal, its facts, its tools, its standby."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from pradrill.domain.facts import Event, Facts
from pradrill.domain.integrity import IntegrityResult
from pradrill.domain.outcome import StepOutcome
from pradrill.domain.run_plan import PlannedStep
from pradrill.domain.target import Site
from pradrill.domain.timeline import Instant, Mark, Provenance, Skew
from pradrill.engine.cancellation import Cancellation
from pradrill.errors import RecordError
from pradrill.ports import (
    Clock,
    HostProbe,
    Journal,
    PlaybookRunner,
    Progress,
    RecoveryPointSource,
    RunStore,
    ServiceVerifier,
    Standby,
)


class Tools(NamedTuple):
    """The ports that a run works through."""

    clock: Clock
    store: RunStore
    standby: Standby
    probe: HostProbe
    runner: PlaybookRunner
    verifier: ServiceVerifier
    progress: Progress
    source: RecoveryPointSource | None = None
    """Where the drill's backups are, when it declares it."""
    checked: Sequence[IntegrityResult] = ()
    """What earlier runs found when they checked them."""


class Disruption(NamedTuple):
    """T0, and what is known of the primary's clock at that time."""

    instant: Instant
    primary_skew: Skew | None = None


class Came(NamedTuple):
    """What a step came to."""

    outcome: StepOutcome
    detail: str = ""
    more: Mapping[str, Any] = {}


class Stop(Exception):  # noqa: N818 not an error: the sequence ends here
    """A step did not pass: nothing after it but teardown makes sense."""


class Context:
    """One execution as its steps see it: its state is its journal, folded into `facts`."""

    def __init__(
        self, journal: Journal, facts: Facts, tools: Tools, cancelled: Cancellation
    ) -> None:
        self.journal = journal
        self.facts = facts
        self.tools = tools
        self.cancelled = cancelled
        self.site: Site | None = None
        self.folder: Path | None = None
        self.unwritten: RecordError | None = None
        self.under_way = False

    def note(self, event: Event, **facts: Any) -> None:
        """Put a fact into the journal and into `facts`; a full disk stops the run."""
        try:
            self.journal.append(event, self.tools.clock.now(), facts)
        except RecordError as error:
            self.unwritten = self.unwritten or error
        self.facts = self.facts.after(event, facts)
        if self.unwritten is not None and self.under_way:  # teardown goes on without a journal
            raise Stop

    def mark(self, mark: Mark, at: datetime) -> None:
        """Note a measured mark of the timeline."""
        self.mark_instant(mark, Instant.known(at, Provenance.MEASURED))

    def mark_instant(self, mark: Mark, instant: Instant) -> None:
        """Note a mark with its bounds and where it comes from."""
        self.note(Event.MARK, mark=mark, instant=instant.model_dump(mode="json"))

    def connect(self) -> None:
        """Make the standby's hosts reachable."""
        self.folder = Path(tempfile.mkdtemp(prefix="pradrill-"))
        self.site = self.tools.standby.start(self.folder, self.tools.progress.say)

    def there(self) -> Site:
        """Return the standby, which the start step has made reachable."""
        assert self.site is not None  # noqa: S101 the start step passed before
        return self.site

    def left(self, left: list[str]) -> Came:
        """Note what was left behind, if anything was."""
        if left:
            self.note(Event.RESIDUE, left=left)
            return Came(StepOutcome.FAILED, "; ".join(left))
        return Came(StepOutcome.PASSED)

    def values(self) -> dict[str, Any]:
        """Return what the playbooks have handed back so far."""
        return {key: value for step in self.facts.steps for key, value in step.values.items()}

    def evidence(self, step: PlannedStep) -> Path:
        """Return the folder for a step's evidence, which does not exist yet."""
        number = len(self.facts.begun)
        name = "".join(c if c.isalnum() else "-" for c in step.name)
        return self.journal.folder / "evidence" / f"{number:02d}-{name}"
