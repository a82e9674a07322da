"""Look at all that drills need, here and on their standbys, and record none of it."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pradrill.adapters.notifications.messengers import install_command, is_installed
from pradrill.app.composition import App
from pradrill.app.launch import versions
from pradrill.app.notifications.outbox_file import failures_of
from pradrill.app.program import program
from pradrill.app.shipped import shipped
from pradrill.app.silent_progress import SilentProgress
from pradrill.app.tools import closing, tools_for
from pradrill.app.vaults import closed_vaults
from pradrill.config.channels import absence
from pradrill.config.checks.plays import ask_ansible
from pradrill.config.problems import ConfigurationProblemsError, Problem
from pradrill.config.project import LoadedDrill, Project
from pradrill.domain.declared.notification import NotificationChannel
from pradrill.domain.declared.standby import InventoryStandby
from pradrill.domain.run.guard_mending import MendingPlaces
from pradrill.domain.run.host_answers import last_line
from pradrill.domain.run.precondition import Concern, Holding, Precondition
from pradrill.domain.run.run_plan import RunPlan
from pradrill.domain.values.quotas import amount
from pradrill.engine.examination import Examination
from pradrill.errors import NotReadyError, PradrillError
from pradrill.system import scratch
from pradrill.system.command import as_root
from pradrill.system.tools import ToolError, tool

_PROGRAMS = {
    "restic": ("restic", "version"),
    "borg": ("borg", "--version"),
    "pgbackrest": ("pgbackrest", "version"),
    "barman": ("barman", "--version"),
}
"""Source of backups → what its tool is asked for its version."""

_PACKAGES = {"ssh": "openssh-client", "borg": "borgbackup"}
"""Program → its Debian package, where that is called otherwise."""

_RUN_NEEDS = 100_000_000  # bytes for the records, the evidence and the reports of a run
_BECOME = re.compile(r"^[ \t-]*become\s*:\s*[\"']?(?!false|no\b)\S", re.MULTILINE | re.IGNORECASE)
_MARKING = "mark_standby.yml"
_INSTALL = "Install it, or write its whole path: cron looks in few folders."


def preconditions(app: App, only: str | None) -> Iterator[Precondition]:
    """Yield every precondition of all drills, or of one, as soon as it was looked at."""
    with _lab_unmade(app):
        yield from _preconditions(app, only)


@contextmanager
def _lab_unmade(app: App) -> Iterator[None]:
    """Keep a lab that was never used from being made by being looked at."""
    if (app.state / "lab").exists():
        yield
        return
    from pradrill.adapters.standbys.lab import Lab  # noqa: PLC0415 only where it is not there

    with tempfile.TemporaryDirectory(prefix=scratch.prefix(""), dir=scratch.base()) as folder:
        app.lab = Lab(Path(folder), app.clock)
        yield


def _preconditions(app: App, only: str | None) -> Iterator[Precondition]:
    yield from _versions()
    yield _state(app)
    try:
        project = app.project(only)
    except ConfigurationProblemsError as error:
        yield from (_problem(Concern.CONFIGURATION, each) for each in error.problems)
        return
    except PradrillError as error:
        yield _failure(Concern.CONFIGURATION, error)
        return

    names = ", ".join(project.drills) or "none"
    says = f"{project.folder}: the plan (version {project.plan.plan}) and its drills: {names}"
    yield _of_machine(Concern.CONFIGURATION, Holding.HOLDS, says)
    yield from _playbooks(app, project)
    yield from _programs(project)
    yield from _channels(app, project)
    yield from _primaries(project)
    for loaded in project.drills.values():
        yield from _of_drill(app, project, loaded)


def _versions() -> Iterator[Precondition]:
    installed = ", ".join(f"{name} {version}" for name, version in versions().items())
    yield _of_machine(Concern.TOOLS, Holding.HOLDS, installed)
    if not (Path(sys.executable).parent / "ansible-playbook").exists():
        says = f"ansible-playbook is not beside {sys.executable}"
        yield _of_machine(Concern.TOOLS, Holding.FAILS, says, "bash src/bootstrap")
    yield _program("ssh", ("ssh", "-V"))


def _channels(app: App, project: Project) -> Iterator[Precondition]:
    """Look at each channel, and send nothing. Drills run without: it is a remark at most."""
    notify = project.plan.notify
    if notify is not None and (why := absence(notify.program)) is not None:
        says = f"notify tells nobody that a step waits: {why}"
        remark = _of_machine(Concern.NOTIFICATIONS, Holding.REMARK, says)
        yield remark.model_copy(update={"hint": _INSTALL})
    failures = failures_of(app.state)
    for channel in project.plan.notifications:
        name, failure = channel.name, failures.get(channel.name)
        error = _why_silent(app, channel)
        if error is None and failure is not None:
            says = f"{name} tells nobody since {failure.since:%Y-%m-%d}: {failure.because}"
            error = NotReadyError(says, mend=(f"{program()} notify test {name}",))
        elif error is not None:
            error = NotReadyError(f"{name}: {error.message}", hint=error.hint, mend=error.mend)
        if error is not None:
            remark = _failure(Concern.NOTIFICATIONS, error)
            yield remark.model_copy(update={"holding": Holding.REMARK})
            continue
        way = "its program is there" if channel.command else f"{channel.apprise} can be read"
        says = f"{name}: {way}; try it: {program()} notify test {name}"
        yield _of_machine(Concern.NOTIFICATIONS, Holding.HOLDS, says)


def _primaries(project: Project) -> Iterator[Precondition]:
    """Yield a remark for each primary that has its addresses alone: a copy elsewhere has others."""
    drilled = {name for loaded in project.drills.values() for name in loaded.drill.services}
    for name in sorted(drilled & project.plan.services.keys()):
        primary = project.plan.services[name].primary
        if not primary.addresses or primary.host_keys or primary.machine_ids or primary.vm:
            continue
        says = f"the primary of {name} is identified by its addresses alone"
        hint = (
            "Better with its host_keys and machine_ids in plan.yml. On production: "
            "cat /etc/ssh/ssh_host_ed25519_key.pub /etc/machine-id."
        )
        remark = _of_machine(Concern.IDENTITY, Holding.REMARK, says)
        yield remark.model_copy(update={"hint": hint})


def _why_silent(app: App, channel: NotificationChannel) -> PradrillError | None:
    """Return what keeps a channel from being used at all; none of it is sent anywhere."""
    if channel.apprise is None:
        says = absence(channel.program)
        return None if says is None else NotReadyError(says, hint=_INSTALL)
    if not is_installed():
        return NotReadyError("Apprise is not installed", mend=(install_command(),))
    try:
        app.secrets.value(channel.apprise)
    except PradrillError as error:
        return error
    return None


def _programs(project: Project) -> Iterator[Precondition]:
    """Look for the tools of the sources that the drills name."""
    ways = (way for loaded in project.drills.values() for way in loaded.drill.ways.values())
    sources = {way.recovery_point.source.name for way in ways if way.recovery_point is not None}
    for name in sorted(sources & _PROGRAMS.keys()):
        yield _program(name, _PROGRAMS[name])


def _program(name: str, command: tuple[str, ...]) -> Precondition:
    try:
        output = tool(*command).decode("utf-8", "replace").strip()
    except ToolError as error:
        mend = as_root(f"apt-get install {_PACKAGES.get(name, name)}")
        return _of_machine(Concern.TOOLS, Holding.FAILS, error.message, mend)
    says = last_line(output.splitlines()[0]) if output else f"{name} is installed"
    return _of_machine(Concern.TOOLS, Holding.HOLDS, says)


def _state(app: App) -> Precondition:
    """Look whether records could be written; the folder itself is made by a run, not here."""
    there = app.state
    while not there.exists():
        there = there.parent
    if not os.access(there, os.W_OK | os.X_OK):
        says = f"{there} cannot be written, so that no run can be recorded in {app.state}"
        mend = f'sudo install -d -m 700 -o "$(id -un)" {app.state}'
        return _of_machine(Concern.STATE, Holding.FAILS, says, mend)
    free = shutil.disk_usage(there).free
    if free < _RUN_NEEDS:
        says = f"only {amount(free)} are free for records in {app.state}"
        return _of_machine(Concern.STATE, Holding.FAILS, says, f"df -h {there}")
    return _of_machine(Concern.STATE, Holding.HOLDS, f"{app.state}, {amount(free)} free")


def _playbooks(app: App, project: Project) -> Iterator[Precondition]:
    """Have Ansible look at every playbook: its syntax, its modules, whom it reaches."""
    try:
        answers = ask_ansible(project, app.secrets.resolve)
    except PradrillError as error:
        yield _failure(Concern.PLAYBOOKS, error)
        return
    yield from (_problem(Concern.PLAYBOOKS, each) for each in answers.problems)
    for word in (*answers.passed_over, *closed_vaults(app, project)):
        yield _of_machine(Concern.PLAYBOOKS, Holding.REMARK, word)
    if not answers.problems:
        says = "Ansible reads all of them, and knows their modules"
        yield _of_machine(Concern.PLAYBOOKS, Holding.HOLDS, says)


def _of_drill(app: App, project: Project, loaded: LoadedDrill) -> Iterator[Precondition]:
    name = f"doctor-{secrets.token_hex(6)}"
    try:
        plan = app.plan(project, loaded)
        with (
            closing(tools_for(app, plan, SilentProgress())) as tools,
            tempfile.TemporaryDirectory(prefix=scratch.prefix(name), dir=scratch.base()) as folder,
        ):
            places = MendingPlaces(_known_hosts(plan), _marking_playbook(plan), _becomes(plan))
            examination = Examination(plan, tools, places, Path(folder), name)
            for each in examination.preconditions():
                yield Precondition.model_validate(
                    app.secrets.masker.facts(each.model_dump(mode="json"))
                )
    except PradrillError as error:
        failure = _failure(Concern.STANDBY, error)
        yield failure.model_copy(update={"drill": loaded.drill.drill})


def _known_hosts(plan: RunPlan) -> Path:
    standby = plan.drill.standby
    declared = standby.known_hosts if isinstance(standby, InventoryStandby) else None
    return declared or Path("~/.ssh/known_hosts").expanduser()


def _marking_playbook(plan: RunPlan) -> Path | None:
    """Return the nearest playbook that marks a standby: beside the drill's own, or shipped."""
    folders = [playbook.parent for playbook in plan.drill.playbooks()]
    folders += [plan.drill_file.parent.parent / "playbooks", shipped() / "playbooks"]
    return next((path for each in folders if (path := each / _MARKING).is_file()), None)


def _becomes(plan: RunPlan) -> bool:
    """Tell whether a playbook of the drill, or what it takes in, says `become`."""
    files = [*plan.drill.playbooks(), *(each.path for each in (plan.around or plan).files)]
    return any(
        _BECOME.search(path.read_text("utf-8", "replace"))
        for path in dict.fromkeys(files)
        if path.suffix in {".yml", ".yaml"} and path.is_file()
    )


def _problem(about: Concern, problem: Problem) -> Precondition:
    says = str(problem._replace(hint=None))
    failure = _of_machine(about, Holding.FAILS, says)
    return failure.model_copy(update={"hint": problem.hint})


def _failure(about: Concern, error: PradrillError) -> Precondition:
    failure = _of_machine(about, Holding.FAILS, error.message, *error.mend)
    return failure if error.mend else failure.model_copy(update={"hint": error.hint})


def _of_machine(about: Concern, holding: Holding, says: str, *mend: str) -> Precondition:
    return Precondition(about=about, holding=holding, says=says, mend=mend)
