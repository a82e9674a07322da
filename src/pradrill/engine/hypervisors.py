"""Run the playbooks that make and end a standby's machines, and read what is listed by tag."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from typing import Any, NamedTuple

from pradrill.domain.declared.playbook_step import PlaybookStep
from pradrill.domain.declared.standby_kind import Provisioning
from pradrill.domain.run.guard import GuardKind
from pradrill.domain.run.host import Site
from pradrill.domain.run.machine import TaggedMachine, listing_in
from pradrill.domain.run.outcome import GuardOutcome, PlaybookResult, StepOutcome
from pradrill.domain.run.run_plan import RunPlan
from pradrill.domain.values.reason import Reason, ReasonError, reason
from pradrill.domain.values.reason_code import Code
from pradrill.engine.context import Tools, planned
from pradrill.engine.guards import identity_guards
from pradrill.errors import NotReadyError, PradrillError
from pradrill.ports import Cancelled, Play, Say
from pradrill.system import in_memory

_NEVER: Cancelled = lambda: False  # noqa: E731 what ends machines is not cancelled


class Hypervisors(NamedTuple):
    """The hosts that the playbooks act on, reached and identified."""

    tools: Tools
    plan: RunPlan
    site: Site
    marker: str
    """What processes carry: the run, or whoever looks."""
    say: Say

    @property
    def making(self) -> Provisioning:
        """Return the playbooks."""
        return planned(self.plan.drill.standby.provisioning, "playbooks that make machines")

    def play(
        self,
        step: PlaybookStep,
        given: Mapping[str, Any],
        evidence: Path,
        *,
        cancelled: Cancelled = _NEVER,
    ) -> PlaybookResult:
        """Run one of the playbooks, with what is `given` to it beside the drill's variables."""
        play = Play(
            step.playbook,
            self.site,
            {**self.plan.drill.vars, **step.vars, **given},
            step.secrets,
            self.marker,
            self.plan.drill.standby.vault_passwords,
            controller=step.controller or self.making.hypervisor is None,
        )
        deadline = step.deadline.total_seconds()
        return self.tools.runner.run(
            play, deadline=deadline, cancelled=cancelled, say=self.say, evidence=evidence
        )

    def machines(self, tag: str, evidence: Path) -> tuple[TaggedMachine, ...]:
        """Return the machines that carry a tag; with an empty one, those of any run.

        Raises ReasonError when that is not known.
        """
        step = self.making.listing
        result = self.play(step, {"pradrill_tag": tag}, evidence)
        if result.outcome is not StepOutcome.PASSED:
            raise ReasonError(why_ended(step, result))
        machines = listing_in(result.values, step.playbook)
        return tuple(each for each in machines if tag in {"", each.tag})

    def end_commands(self) -> None:
        """End what a playbook of the run that was cut has begun there, and what still goes on.

        Else it would make, once all was ended, what nothing finds. On the controller the run's
        processes are ended already.
        """
        for host in self.site.hosts if self.making.hypervisor is not None else ():
            try:
                strays = self.tools.probe.end_strays(host, self.site, None, commands=True)
            except PradrillError as error:
                self.say(error.message)  # machines are looked for twice
                continue
            for each in strays.ours:
                self.say(f"{host.name}: ended what was still going on: {each}")

    def end(self, tag: str, evidence: Path) -> PlaybookResult:
        """End the machines that carry a tag."""
        return self.play(self.making.end, {"pradrill_tag": tag}, evidence)


def why_ended(step: PlaybookStep, result: PlaybookResult) -> Reason:
    """Say why a playbook did not pass, also where nothing but its deadline has ended it."""
    ended = reason(Code.PLAYBOOK_ENDED, step=step.playbook.name, ended=result.outcome)
    return result.detail or ended


@contextmanager
def reached(tools: Tools, plan: RunPlan, marker: str, say: Say) -> Iterator[Hypervisors]:
    """Give the hypervisors, reached by their pinned keys; raises NotReadyError, UnreachableError.

    No playbook runs on a service's primary: a name that was mistaken in an inventory is enough.
    """
    hosts = planned(tools.hypervisors, "something to make machines on")
    folder = in_memory.folder(marker)
    try:
        site = hosts.start(folder, marker, say)
        if len(site.proven) < len(site.hosts):
            machines = [tools.probe.facts(host, site) for host in site.hosts]
            for host, facts in zip(site.hosts, machines, strict=True):
                for guard in identity_guards(host, facts, plan.primaries):
                    is_primary = guard.outcome is GuardOutcome.REFUSED
                    if guard.guard.kind is GuardKind.NOT_PRIMARY_OF and is_primary:
                        raise NotReadyError(
                            f"{host.name} is the primary of {guard.guard.of}: no machine is made "
                            "on it",
                            hint="Name the hypervisor in the drill: standby.hypervisor.",
                        )
            site = hosts.bind(site, machines)
        yield Hypervisors(tools, plan, site, marker, say)
    finally:
        hosts.stop(marker)
        rmtree(folder, ignore_errors=True)
