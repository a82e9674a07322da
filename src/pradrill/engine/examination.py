"""Look at every precondition of a drill at once: nothing is recorded, and no host is changed.

What is asked, and how it is judged, is what a run's readiness asks: the same guards, the same
catalogue, the same connections.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pradrill.domain.run import mending
from pradrill.domain.run.backup_catalogue import CatalogueReading, read
from pradrill.domain.run.guard_mending import MendingPlaces, guard_mending
from pradrill.domain.run.host import Host, HostFacts, Site
from pradrill.domain.run.lease import Holder
from pradrill.domain.run.outcome import GuardOutcome, GuardResult, StepOutcome
from pradrill.domain.run.precondition import Concern, Holding, Precondition
from pradrill.domain.run.run_plan import RunPlan
from pradrill.domain.values.duration import approximate
from pradrill.domain.values.quotas import amount
from pradrill.domain.values.secret import secrets_of
from pradrill.engine.backup_access import keyless_impediments, opened_paths
from pradrill.engine.context import Tools
from pradrill.engine.guards import identity_guards, marker_guard, reach_guards
from pradrill.engine.hypervisors import reached
from pradrill.errors import NotReadyError, PradrillError
from pradrill.ports import Bounds, Play, Standby

_ROOT_SECONDS = 60.0
_APART = 2.0
"""Seconds by which a clock may be off without a word: more widens the figures."""

_REGISTER = "pradrill_login"
_ASK = {
    "name": "Become root",
    "ansible.builtin.raw": "id -u",
    "register": _REGISTER,
    "changed_when": False,
}
_TELL = {
    "name": "Tell who that is",
    "ansible.builtin.set_stats": {
        # The last word: a login may greet before.
        "data": {
            "uids": f"{{{{ {{inventory_hostname: {_REGISTER}.stdout.split()[-1:] | join}} }}}}"
        },
        "per_host": False,
        "aggregate": True,
    },
}


class Examination:
    """The preconditions of one drill, in the order in which a run comes upon them."""

    def __init__(
        self, plan: RunPlan, tools: Tools, places: MendingPlaces, folder: Path, name: str
    ) -> None:
        self._plan = plan
        self._tools = tools
        self._here = places
        self._folder = folder
        self._name = name
        self._needs = 0

    def preconditions(self) -> Iterator[Precondition]:
        """Yield each one as soon as it was looked at; what failed keeps none from being asked."""
        yield from self._secrets()
        yield from self._backups()
        yield from self._backup_servers()
        problems = self._tools.standby.problems()
        for problem in problems:
            yield self._fails(Concern.STANDBY, problem.what, problem.mend, hint=problem.hint)

        if self._tools.hypervisors is not None:
            yield from self._hypervisors(self._tools.hypervisors)
        if self._plan.drill.standby.throw_away:
            says = "its machines are made by the run: they are not started here"
            yield self._precondition(Concern.SSH, Holding.OPEN, says)
        elif problems:
            says = "the hosts are looked at once what is said of the standby is mended"
            yield self._precondition(Concern.SSH, Holding.OPEN, says)
        else:
            yield from self._hosts()

    def _hypervisors(self, hosts: Standby) -> Iterator[Precondition]:
        """Look whether machines could be made and found again: their listing answers."""
        if problems := hosts.problems():
            for problem in problems:
                yield self._fails(Concern.STANDBY, problem.what, problem.mend, hint=problem.hint)
            return
        try:
            with reached(self._tools, self._plan, self._name, lambda _line: None) as hypervisors:
                machines = hypervisors.machines("", self._folder / "listing")
        except PradrillError as error:
            says = f"where its machines are made: {error.message}"
            yield self._fails(Concern.STANDBY, says, hint=error.hint)
            return
        finally:
            self._tools.runner.reap(self._name)
        says = f"the listing of machines answers, with {_count(len(machines), 'machine')} of runs"
        yield self._holds(Concern.STANDBY, says)

    def _secrets(self) -> Iterator[Precondition]:
        for problem in self._tools.unusable:
            yield self._fails(Concern.SECRETS, problem.what, problem.mend, hint=problem.hint)
        names = list(secrets_of(self._plan.drill))
        if names and not self._tools.unusable:
            yield self._holds(Concern.SECRETS, f"{_count(len(names), 'secret')} can be read")

    def _backups(self) -> Iterator[Precondition]:
        for service, source in self._tools.sources.items():
            spec = self._plan.drill.ways[service].recovery_point
            if spec is None:
                continue
            bounds = Bounds(spec.deadline.total_seconds(), marker=self._name)
            try:
                catalogue = source.catalogue(bounds)
                reading = read(catalogue, spec.select, spec.window, spec.promised)
            except PradrillError as error:
                yield self._fails(Concern.BACKUPS, error.message, error.mend, hint=error.hint)
                continue

            self._needs = max(self._needs, reading.selected.size or 0)
            yield self._backup(service, reading)

    def _backup(self, service: str | None, reading: CatalogueReading) -> Precondition:
        """Say how old the data is that a run would restore, against what the plan promises."""
        services = self._plan.services
        rpo = self._plan.objectives.rpo if service is None else services[service].objectives.rpo
        point = reading.selected
        age = reading.read_at - point.data_time
        says = (
            f"{_count(reading.points, 'backup')} in {reading.source} {reading.location}; a run "
            f"would restore {point.id}, whose data is {approximate(age)} old"
        )
        if age > rpo:
            says += f", more than the RPO of {approximate(rpo)}: a run would miss it"
            return self._precondition(Concern.BACKUPS, Holding.REMARK, says)
        return self._holds(Concern.BACKUPS, says)

    def _backup_servers(self) -> Iterator[Precondition]:
        for each in keyless_impediments(self._plan):
            yield self._fails(Concern.BACKUPS, each.what, hint=each.hint)

    def _hosts(self) -> Iterator[Precondition]:
        try:
            site = self._tools.standby.start(self._folder, self._name, lambda _line: None)
        except PradrillError as error:
            yield self._fails(Concern.SSH, error.message, hint=error.hint)
            return
        try:
            proven: list[HostFacts] = []
            for host in site.hosts:
                yield from self._host(host, site, proven)
            yield from self._root(site, proven)
        finally:
            self._tools.runner.reap(self._name)
            self._tools.standby.stop(self._name)

    def _host(self, host: Host, site: Site, proven: list[HostFacts]) -> Iterator[Precondition]:
        try:
            facts = self._tools.probe.facts(host, site)
        except PradrillError as error:
            command = mending.ssh(host, self._here.known_hosts, "id")
            yield self._fails(Concern.SSH, error.message, (command,), hint=error.hint, host=host)
            return

        if (fault := facts.login_fault) is not None:
            yield self._fails(Concern.SSH, fault.what, hint=fault.hint, host=host)
            return
        says = f"it answers {host.user} at {facts.peer or host.address}"
        yield self._holds(Concern.SSH, says, host)
        identity = identity_guards(
            host,
            facts,
            self._plan.primaries,
            services=self._plan.services,
            known_by_name=self._plan.drill.standby.known_by_name,
        )
        if all(guard.holds for guard in identity):
            proven.append(facts)
            services = ", ".join(self._plan.services)
            says = f"its host key is the pinned one, and it is not the primary of {services}"
            yield self._holds(Concern.IDENTITY, says, host)
        yield from self._guards(Concern.IDENTITY, host, identity)

        if not self._plan.drill.standby.marked_by_prepare:
            marker = marker_guard(facts)
            if marker.holds:
                yield self._holds(Concern.MARKER, "it is marked as a standby", host)
            yield from self._guards(Concern.MARKER, host, [marker])

        looks = [self._lease, self._space_and_clock, self._isolation]
        if facts in proven:  # they may need a password, which goes to no other host
            looks[2:2] = [self._become, self._egress, self._backup_paths]
        for look in looks:
            try:
                yield from look(host, site, facts)
            except PradrillError as error:
                yield self._fails(Concern.SSH, error.message, hint=error.hint, host=host)

    def _guards(
        self, about: Concern, host: Host, guards: Sequence[GuardResult]
    ) -> Iterator[Precondition]:
        for guard in guards:
            if not guard.holds:
                name = str(guard.guard.of or guard.guard)
                says = str(guard.detail) if name == about.value else f"{name}: {guard.detail}"
                steps = guard_mending(guard, host, self._plan, self._here)
                yield self._fails(about, says, steps, host=host)

    def _lease(self, host: Host, site: Site, facts: HostFacts) -> Iterator[Precondition]:
        if self._tools.leases is None or not facts.machine_id:
            return
        asks = Holder(run=self._name)
        leases = self._tools.leases.look(host, site, asks, machine_id=facts.machine_id)
        holders = [lease.holder for lease in leases if lease.holds]
        for holder in holders:
            mend = (f"pradrill abort {holder.run}   # on {holder.controller}, or wait for its end",)
            yield self._fails(Concern.LEASE, f"{holder} holds it now", mend, host=host)
        if not holders:
            yield self._holds(Concern.LEASE, "no other run holds it", host)

    def _space_and_clock(self, host: Host, site: Site, facts: HostFacts) -> Iterator[Precondition]:
        paths = self._plan.drill.standby.absent_after_teardown or ("/",)
        surroundings = self._tools.probe.surroundings(host, site, paths)
        path, free = min(surroundings.free.items(), key=lambda each: each[1])
        room = f"{amount(free)} are free for {path}"
        if free <= self._needs:
            of = f"; the backup alone has {amount(self._needs)}" if self._needs else ""
            command = mending.ssh(host, self._here.known_hosts, f"df -h {path}")
            yield self._fails(Concern.SPACE, room + of, (command,), host=host)
        else:
            yield self._holds(Concern.SPACE, room, host)

        skew = facts.skew
        here = self._tools.clock.now().astimezone().tzname()
        says = (
            f"{skew.seconds:+.3f} s from this machine's, to within {skew.within:.3f} s; "
            f"its time zone is {surroundings.time_zone}, here {here}"
        )
        if abs(skew.seconds) > _APART:
            setting = f"{mending.by_root(host)}timedatectl set-ntp true"
            command = mending.ssh(host, self._here.known_hosts, setting)
            yield self._precondition(Concern.CLOCK, Holding.REMARK, says, (command,), host)
        else:
            yield self._holds(Concern.CLOCK, says, host)

    def _become(self, host: Host, site: Site, _facts: HostFacts) -> Iterator[Precondition]:
        """See that checks and readings are carried out there as the inventory says."""
        try:
            self._tools.probe.check_become(host, site)
        except NotReadyError as error:
            yield self._fails(Concern.ROOT, error.message, error.mend, hint=error.hint, host=host)

    def _egress(self, host: Host, site: Site, _facts: HostFacts) -> Iterator[Precondition]:
        denied = self._plan.drill.standby.denied
        if denied is None or self._tools.egress is None:
            return
        try:
            self._tools.egress.check(host, site, denied)
        except NotReadyError as error:
            yield self._fails(Concern.ISOLATION, error.message, hint=error.hint, host=host)
        else:
            yield self._holds(Concern.ISOLATION, "its way out can be denied", host)

    def _backup_paths(self, host: Host, site: Site, _facts: HostFacts) -> Iterator[Precondition]:
        """See that what a restore opens there is there, and not on the controller alone."""
        for each in opened_paths(self._plan, self._tools.probe, host, site):
            if each.is_there:
                yield self._holds(Concern.BACKUPS, f"{each.path} is on it, too", host)
            elif (why := each.impediment) is not None:
                yield self._fails(Concern.BACKUPS, why.what, hint=why.hint, host=host)
            else:
                says = f"{each.step}: {each.path} is not on it now; a step before it must bring it"
                yield self._precondition(Concern.BACKUPS, Holding.REMARK, says, host=host)

    def _isolation(self, host: Host, site: Site, _facts: HostFacts) -> Iterator[Precondition]:
        endpoints = self._plan.drill.must_not_reach()
        reached = self._tools.probe.reaches(host, site, endpoints)
        guards = reach_guards(host.name, endpoints, reached)
        if self._plan.drill.standby.denied is not None:  # a drill looks once it is denied
            now = [each.guard.of for each in guards if each.outcome is GuardOutcome.REFUSED]
            guards = [each for each in guards if each.outcome is not GuardOutcome.REFUSED]
            for endpoint in now:
                says = f"it reaches {endpoint} now; a drill denies its way out before it looks"
                yield self._precondition(Concern.ISOLATION, Holding.REMARK, says, host=host)
            endpoints = tuple(each for each in endpoints if each not in now)
        if not guards:
            return
        if all(guard.holds for guard in guards):
            yield self._holds(Concern.ISOLATION, f"it does not reach {', '.join(endpoints)}", host)
        yield from self._guards(Concern.ISOLATION, host, guards)

    def _root(self, site: Site, proven: Sequence[HostFacts]) -> Iterator[Precondition]:
        """Have Ansible become root as the drill's playbooks will, on the hosts that are proven."""
        names = {facts.host for facts in proven}
        hosts = tuple(host for host in site.hosts if host.name in names)
        if not hosts:
            return
        bound = self._tools.standby.bind(site, proven).model_copy(update={"hosts": hosts})
        playbook = self._folder / "become_root.yml"
        become = {"become": True} if self._here.becomes else {}
        content = {"hosts": "all", "gather_facts": False, **become, "tasks": [_ASK, _TELL]}
        playbook.write_text(json.dumps([content]), encoding="utf-8")
        play = Play(
            playbook=playbook,
            site=bound,
            vars={},
            secrets={},
            marker=self._name,
            vault_passwords=self._plan.drill.standby.vault_passwords,
        )
        try:
            result = self._tools.runner.run(
                play,
                deadline=_ROOT_SECONDS,
                cancelled=lambda: False,
                say=lambda _line: None,
                evidence=self._folder / "become_root",
            )
        except NotReadyError as error:
            yield self._fails(Concern.ROOT, error.message, hint=error.hint)
            return

        uids: Mapping[str, str] = result.values.get("uids") or {}
        failures = {each.host: each.message for each in result.failures}
        for host in hosts:
            yield self._becoming(host, uids.get(host.name), failures.get(host.name))
        if result.outcome is not StepOutcome.PASSED and not failures:
            yield self._fails(Concern.ROOT, f"Ansible could not be asked: {result.detail}")

    def _becoming(self, host: Host, uid: str | None, failure: str | None) -> Precondition:
        if uid == "0":
            asks = f"is given {host.password}" if host.password else "asks for nothing"
            how = "as whom it logs in" if host.user == "root" else f"by sudo, which {asks}"
            return self._holds(Concern.ROOT, f"Ansible works there as root, {how}", host)
        if uid is not None:
            says = f"Ansible works there as {host.user}: neither inventory nor playbooks say become"
            return self._precondition(Concern.ROOT, Holding.REMARK, says, host=host)
        if host.password:
            says = f"{host.user} does not become root: {failure or 'no answer'}"
            hint = f"Try the secret {host.password} by hand on the standby: sudo -k id."
            return self._fails(Concern.ROOT, says, hint=hint, host=host)
        says = f"{host.user} does not become root without being asked: {failure or 'no answer'}"
        return self._fails(Concern.ROOT, says, mending.passwordless_sudo(host), host=host)

    def _holds(self, about: Concern, says: str, host: Host | None = None) -> Precondition:
        return self._precondition(about, Holding.HOLDS, says, host=host)

    def _fails(
        self,
        about: Concern,
        says: str,
        mend: Sequence[str] = (),
        *,
        hint: str | None = None,
        host: Host | None = None,
    ) -> Precondition:
        failure = self._precondition(about, Holding.FAILS, says, mend, host)
        return failure if mend else failure.model_copy(update={"hint": hint})

    def _precondition(
        self,
        about: Concern,
        holding: Holding,
        says: str,
        mend: Sequence[str] = (),
        host: Host | None = None,
    ) -> Precondition:
        return Precondition(
            about=about,
            holding=holding,
            says=says,
            mend=tuple(mend),
            drill=self._plan.drill.drill,
            host=host.name if host else None,
        )


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
