"""Put together what commands that run something share: the plan, secrets, the lab."""

from __future__ import annotations

from argparse import Namespace
from functools import cached_property
from typing import TYPE_CHECKING

from pradrill.adapters.secrets import Secrets
from pradrill.app.reading import StateReader
from pradrill.config.playbook_inputs import around
from pradrill.config.project import LoadedDrill, Project, open_house
from pradrill.domain.declared.plan import PrimaryIdentity
from pradrill.domain.run.run_plan import RunPlan
from pradrill.domain.values.masking import Masker
from pradrill.engine.planning import plan_run

if TYPE_CHECKING:
    from pradrill.adapters.standbys.lab import Lab


class App(StateReader):
    """The folders that a command works in, and the tools that it works with."""

    def __init__(self, args: Namespace) -> None:
        super().__init__(args)
        self.secrets = Secrets(getattr(args, "masker", None) or Masker())

    @cached_property
    def lab(self) -> Lab:
        """Return the lab; a plan is validated without."""
        from pradrill.adapters.standbys.lab import Lab  # noqa: PLC0415

        return Lab(self.state / "lab", self.clock)

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
                loaded.drill.standby.inventories,
                {file.path for file in files},
            ),
            places=loaded.places,
        )

    def plan_of(self, drill: str) -> RunPlan:
        """Load one drill, by name or file, and resolve it. Raises ConfigurationError."""
        project = self.project(drill)
        (loaded,) = project.drills.values()
        return self.plan(project, loaded)

    def masked(self, plan: RunPlan) -> RunPlan:
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
