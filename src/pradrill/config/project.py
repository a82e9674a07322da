"""Read a project: a plan and its drills, checked against each other and against the disk."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from pradrill.config import cron
from pradrill.config.branding import CLAUSES, letterhead_problems
from pradrill.config.channels import channel_problems
from pradrill.config.checks.connection import connection_problems
from pradrill.config.checks.dated_names import dated_name_problems
from pradrill.config.checks.hypervisors import hypervisor_problems
from pradrill.config.checks.manual_steps import manual_problems
from pradrill.config.checks.reach import reach_problems
from pradrill.config.checks.reading_hosts import reading_host_problems
from pradrill.config.checks.schedule import schedule_problems
from pradrill.config.checks.services import circle_problems, find_places
from pradrill.config.checks.suites import suite_problems
from pradrill.config.checks.together import together_problems
from pradrill.config.faults import fault_problems
from pradrill.config.fingerprint import hashed
from pradrill.config.inventory import read_inventory
from pradrill.config.loader import Document, playbook_problem, read_document, suggestion, validate
from pradrill.config.once import once, one_reading
from pradrill.config.plan_file import PLANS, plan_file
from pradrill.config.problems import ConfigurationProblemsError, Problem
from pradrill.config.vaults import Resolve, unlock, vault_problems
from pradrill.domain.declared.check_source import suite_files
from pradrill.domain.declared.drill import Drill
from pradrill.domain.declared.plan import Plan
from pradrill.domain.run.host import Host
from pradrill.domain.run.run_plan import FileHash
from pradrill.errors import ConfigurationError


class LoadedDrill(NamedTuple):
    """A drill with its file and its standby hosts (none yet for a lab machine)."""

    file: Path
    drill: Drill
    hosts: tuple[Host, ...]
    places: dict[str, tuple[str, ...]]
    """Service of `recover` → the names of its hosts."""
    read: bytes
    """The drill's file as it was read."""


class Project(NamedTuple):
    """A folder of drills with its plan."""

    folder: Path
    plan: Plan
    drills: dict[str, LoadedDrill]
    read: bytes
    """The plan's file as it was read."""

    def files(self, loaded: LoadedDrill) -> Iterator[FileHash]:
        """Hash everything that a run of the drill depends on."""
        ours = {plan_file(self.folder): self.read, loaded.file: loaded.read}
        for path, content in ours.items():  # what was read is what runs, whatever is there now
            yield hashed(path, content, whole=True)

        for path in dict.fromkeys(named_files(loaded.drill)):
            if path.is_file() and path not in ours:
                yield hashed(path, path.read_bytes())


def named_files(drill: Drill) -> Iterator[Path]:
    """Give what a drill names and tools read while it runs: playbooks, inventory, checks."""
    yield from drill.playbooks()
    yield from drill.standby.inventories

    for way in drill.ways.values():
        yield from suite_files(way.verify.checks)
        yield from _beside_checks(way.verify.checks)


def _beside_checks(checks: Path) -> Iterator[Path]:
    """Give what checks can read beside themselves, as expected values."""
    for path in sorted(checks.rglob("*")) if checks.is_dir() else ():
        if path.suffix not in {".py", ".pyc"} and path.is_file() and not path.is_symlink():
            yield path


@one_reading()
def open_house(
    folder: Path, *, now: datetime, only: str | None = None, secret: Resolve | None = None
) -> Project:
    """Load the plan and its drills (or `only` one, by name or path) and cross-check them.

    `secret` fetches the passwords of encrypted inventories. Raises ConfigurationProblemsError
    with the problems of all files at once.
    """
    problems: list[Problem] = []
    plan: Plan | None = None
    read = b""
    try:
        document = read_document(plan_file(folder))
        read = document.read
        plan = validate(document, Plan)
        problems += [*letterhead_problems(document, plan), *circle_problems(document, plan)]
        problems += schedule_problems(document, plan)
        problems += channel_problems(document, plan)
    except ConfigurationProblemsError as error:
        problems += error.problems

    drills: dict[str, LoadedDrill] = {}
    for file in _drill_files(folder, only):
        try:
            document = read_document(file)
            if only is not None and only not in {str(document.content.get("drill")), str(file)}:
                continue

            problems += _missing_files(document)
            drill = validate(document, Drill)
        except ConfigurationProblemsError as error:
            problems += error.problems
            continue

        faults = list(_drill_problems(document, drill, plan, now))
        if drill.drill in drills:
            twin = drills[drill.drill].file
            faults.append(document.problem(("drill",), f'"{drill.drill}" is also {twin.name}'))

        unlock(drill, secret)
        problems += [*vault_problems(document, drill), *hypervisor_problems(document, drill)]
        hosts, unusable = _hosts(document, drill)
        places, misplaced = ({}, []) if unusable else find_places(document, drill, hosts)
        problems += [*faults, *unusable, *misplaced]
        if not unusable and not misplaced:
            problems += reading_host_problems(document, drill, hosts, places)

        if not unusable:
            problems += reach_problems(document, drill, hosts)
            problems += connection_problems(document, drill, hosts)
        drills[drill.drill] = LoadedDrill(file, drill, hosts, places, document.read)
    if problems:
        raise ConfigurationProblemsError(problems)
    if only is not None and not drills:
        raise _unknown(folder, only)

    assert plan is not None  # noqa: S101 otherwise there are problems
    return Project(folder, plan, drills, read)


def _drill_files(folder: Path, only: str | None) -> list[Path]:
    if only is not None and Path(only).suffix in {".yml", ".yaml"}:
        return [Path(only)]

    paths = sorted(p for p in folder.glob("*.y*ml") if p.suffix in {".yml", ".yaml"})
    files = [path for path in paths if path.name not in {*PLANS, CLAUSES}]
    if only is not None:
        matches = [path for path in files if path.stem == only]
        return matches or files

    return files


def _unknown(folder: Path, only: str) -> ConfigurationError:
    names = [path.stem for path in _drill_files(folder, None)]
    return ConfigurationError(f'no drill is called "{only}"', hint=suggestion(only, names))


def _drill_problems(
    document: Document, drill: Drill, plan: Plan | None, now: datetime
) -> Iterator[Problem]:
    for number, name in enumerate(drill.services):
        if plan is not None and name not in plan.services:
            hint = suggestion(name, list(plan.services))
            where = ("recover", name) if drill.recover else ("services", number)
            yield document.problem(where, f'the plan has no service "{name}"', hint)
        elif plan and (vm := plan.services[name].primary.vm) in drill.standby.names:
            where = ("standby", drill.standby.names_key)
            yield document.problem(where, f'"{vm}" is the primary of {name}')

    disruption = drill.scenario.disruption
    if isinstance(disruption, datetime) and disruption > now:
        yield document.problem(("scenario", "disruption"), "the instant is in the future")
    yield from manual_problems(document, drill, plan)
    yield from together_problems(document, drill)
    yield from dated_name_problems(document, drill)
    yield from fault_problems(document, drill)


def _missing_files(document: Document) -> Iterator[Problem]:
    """Look at every playbook and check suite that a drill names, also in one that is not valid."""
    for loc, name in _texts(document.content, ()):
        if loc[-1] == "playbook":
            what = playbook_problem(_resolved(document.file.parent, name))
            if what is not None:
                yield document.problem(loc, what)
        elif loc[-2:] == ("promised", "cron"):
            wrong = cron.problem(name)
            if wrong is not None:
                yield document.problem(loc, wrong, 'As in "30 1 * * *": every night at 01:30.')
        elif loc[-1] == "checks":
            yield from suite_problems(document, loc, _resolved(document.file.parent, name))


@once
def _resolved(folder: Path, name: str) -> Path:
    return Path(folder, Path(name).expanduser()).resolve()


def _texts(
    value: object, loc: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(value, str):
        yield loc, value
    elif isinstance(value, dict | list):
        for part, inner in value.items() if isinstance(value, dict) else enumerate(value):
            if part != "vars":  # what a playbook gets is not ours to read
                yield from _texts(inner, (*loc, part))


def _hosts(document: Document, drill: Drill) -> tuple[tuple[Host, ...], list[Problem]]:
    inventory = drill.standby.inventory_file
    if inventory is None:
        return (), []
    if not inventory.exists():
        what = f"{inventory} does not exist"
        return (), [document.problem(("standby", "inventory"), what)]

    try:
        hosts = read_inventory(inventory, drill.standby.where, drill.standby.sudo_password)
    except ConfigurationError as error:
        where = ("standby", "hosts")
        return (), [document.problem(where, error.message, error.hint)]

    wrong = [host.name for host in hosts if host.dr_role != "standby"]
    if wrong:
        message = f"{', '.join(wrong)} does not carry dr_role: standby in the inventory"
        hint = "Only a host that may be overwritten gets dr_role: standby."
        return hosts, [document.problem(("standby", "hosts"), message, hint)]

    return hosts, []
