"""Put together the ports of one run, from what its plan declares."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pradrill.adapters.ansible.runner import AnsibleRunner, opened
from pradrill.adapters.notifications.command import CommandNotifier
from pradrill.adapters.questions.files import FilePeople
from pradrill.adapters.questions.terminal import Terminal
from pradrill.adapters.ssh.damage import SshDamager
from pradrill.adapters.ssh.egress import SshEgress
from pradrill.adapters.ssh.files import SshFileWatch
from pradrill.adapters.ssh.leases import SshLeases
from pradrill.adapters.ssh.probe import SshProbe
from pradrill.adapters.ssh.sessions import Sessions
from pradrill.adapters.standbys.controller import ControllerHost
from pradrill.adapters.standbys.inventory import InventoryHosts
from pradrill.adapters.standbys.lab import LabMachines
from pradrill.adapters.standbys.provisioned import ProvisionedHosts
from pradrill.adapters.testinfra.verifier import TestinfraVerifier
from pradrill.app.author import user
from pradrill.app.backups import checked_before, source_of
from pradrill.app.composition import App
from pradrill.app.spoken import plan_language
from pradrill.config.edits import edits
from pradrill.config.inventory import freeze, read_inventory
from pradrill.config.once import one_reading
from pradrill.config.vaults import unlock
from pradrill.domain.declared.backup_source import RecoveryPointSpec
from pradrill.domain.declared.channel import AnyChannel, CommandChannel
from pradrill.domain.declared.provisioned_standby import ProvisionedStandby
from pradrill.domain.declared.standby import InventoryStandby, LabStandby
from pradrill.domain.declared.standby_kind import Provisioning
from pradrill.domain.run.host import Host
from pradrill.domain.run.question import Question
from pradrill.domain.run.run_plan import RunPlan
from pradrill.engine.context import Tools
from pradrill.errors import ConfigurationError
from pradrill.ports import Notifier, Progress, RecoveryPointSource, Standby
from pradrill.reporting.language.i18n import _, speaking
from pradrill.reporting.text.questions import announcement


@contextmanager
def closing(tools: Tools) -> Iterator[Tools]:
    """Give the ports of a run; what they hold open is closed at the end."""
    try:
        yield tools
    finally:
        tools.probe.close()
        if tools.leases is not None:
            tools.leases.close()


def tools_for(app: App, plan: RunPlan, progress: Progress) -> Tools:
    """Return the ports that a run of the plan works through."""
    secrets = app.secrets
    unusable = secrets.fetch(plan)  # first: nothing is written before what to mask is known
    unlocking = plan.drill.standby.vault_passwords
    if unlocking and not unusable:
        files = [each.path for each in (*plan.files, *(plan.around.files if plan.around else ()))]
        secrets.learn(opened(files, [*map(secrets.resolve, unlocking)]).plain, plan)

    backups = {
        service: way.recovery_point
        for service, way in plan.drill.ways.items()
        if way.recovery_point is not None
    }

    sessions = Sessions(secrets.resolve)  # the probe's and the leases': connecting is what costs

    standby = _standby(app, plan)
    making = plan.drill.standby.provisioning

    return Tools(
        clock=app.clock,
        store=app.store,
        standby=standby,
        probe=SshProbe(app.clock, secrets.resolve, sessions),
        runner=AnsibleRunner(app.clock, secrets.resolve, masker=secrets.masker),
        verifier=TestinfraVerifier(app.clock, secrets.masker, secrets.resolve),
        people=FilePeople(_terminal(app, progress), _announcer(app, plan, progress)),
        progress=progress,
        edits=edits,
        sources={s: source(app, each) for s, each in backups.items()},
        checked={s: checked_before(each, app.store) for s, each in backups.items()},
        egress=SshEgress(sessions),
        files=SshFileWatch(sessions),
        leases=SshLeases(sessions) if plan.drill.standby.leased else None,
        capture=standby if isinstance(standby, LabMachines) else None,
        copies=standby if isinstance(standby, LabMachines) else None,
        hypervisors=_hypervisors(app, plan, making) if making is not None else None,
        seeds=standby if isinstance(standby, ProvisionedHosts) else None,
        damager=SshDamager(sessions),
        unusable=unusable,
        masked=secrets.masker.facts,
    )


def source(app: App, spec: RecoveryPointSpec) -> RecoveryPointSource:
    """Return what reads a declared source of backups."""
    return source_of(spec, app.clock, app.secrets.resolve)


def _announcer(app: App, plan: RunPlan, progress: Progress) -> Callable[[Question], None] | None:
    """Return what tells people that a step waits for them, if the plan names a way."""
    if plan.notify is None:
        return None

    notifier = _notifier(plan.notify, progress)
    machine = platform.node() or "this machine"
    language = plan_language(app)

    def announce(question: Question) -> None:
        with speaking(language):
            text = announcement(question, app.state, machine)
        notifier.tell(question.who, text)

    return announce


def _notifier(channel: AnyChannel, progress: Progress) -> Notifier:
    """Return what tells people: one adapter for each channel."""
    match channel:
        case CommandChannel():
            return CommandNotifier(channel.root, progress.say)


def _standby(app: App, plan: RunPlan) -> Standby:
    """Return what reaches the standby: one adapter for each kind of it."""
    match plan.drill.standby:
        case InventoryStandby() as declared:
            return _inventory_hosts(app, plan, declared)
        case LabStandby() as declared:
            return LabMachines(
                app.lab,
                declared.names,
                declared.links,
                capture=declared.capture,
                marks=declared.watch_files,
            )
        case ProvisionedStandby() as declared:
            resumable = any(step.repeatable for step in plan.drill.playbook_steps())
            return ProvisionedHosts(declared.names, marks=declared.watch_files or resumable)


def _hypervisors(app: App, plan: RunPlan, making: Provisioning) -> Standby:
    """Return what reaches the hosts that the standby's machines are made on."""
    declared = making.hypervisor
    if declared is None:
        return ControllerHost()
    unlock(plan.drill, app.secrets.resolve)
    playbooks = [step.playbook for step in making.steps]
    with one_reading():
        hosts = read_inventory(declared.inventory, declared.hosts, declared.become_password)
        inventory = freeze(declared.inventory, playbooks)
    return InventoryHosts(hosts, inventory, declared.known_hosts)


def _inventory_hosts(app: App, plan: RunPlan, declared: InventoryStandby) -> InventoryHosts:
    unlock(plan.drill, app.secrets.resolve)
    with one_reading():
        hosts = read_inventory(declared.inventory, declared.where, declared.become_password)
        inventory = freeze(declared.inventory, plan.drill.playbooks())

    _refuse_moved(plan, hosts, declared.inventory)
    return InventoryHosts(hosts, inventory, declared.known_hosts)


def _refuse_moved(plan: RunPlan, hosts: tuple[Host, ...], inventory: Path) -> None:
    """Raise ConfigurationError when the inventory leads elsewhere than when the run was planned."""
    planned = {host.name: host.address for host in plan.hosts}
    if planned != {host.name: f"{host.address}:{host.port}" for host in hosts}:
        raise ConfigurationError(
            f"{inventory} has changed since the run was planned: its hosts or their addresses",
            hint="Launch the drill again once the inventory stays as it is.",
        )


def _terminal(app: App, progress: Progress) -> Terminal | None:
    """Return the terminal on which a watched run can be answered."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    with speaking(plan_language(app)):
        again = _('answer "yes" or "no"; words may follow')
    return Terminal(sys.stdin.fileno(), user=user(), say=progress.say, again=again)
