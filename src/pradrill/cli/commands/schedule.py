"""`pradrill schedule`: show when drills are due, and have pradrill called for them."""

from __future__ import annotations

import hashlib
import os
import platform
import pwd
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from pradrill.adapters.schedules.crontab import (
    crontab_line,
    line_in,
    read_crontab,
    with_line,
    write_crontab,
)
from pradrill.adapters.schedules.systemd import (
    CALL,
    TIMER,
    UNITS,
    ServiceSettings,
    differing,
    is_enabled,
    is_running_systemd,
    remove_units,
    units,
    write_units,
)
from pradrill.app.composition import App
from pradrill.app.reading import StateReader
from pradrill.app.schedule import Calendar
from pradrill.cli.arguments import add, subcommands
from pradrill.cli.json_output import json_argument, print_json
from pradrill.config.checks.schedule import load_dated_plan
from pradrill.config.plan_file import plan_file
from pradrill.config.project import Project
from pradrill.domain.declared.plan import Service
from pradrill.domain.dossier.register_facts import RegisterFacts
from pradrill.domain.register.schedule import Rule
from pradrill.domain.values.duration import next_due
from pradrill.errors import ConfigurationError, ExitCode, UsageError
from pradrill.reporting.language.formats import line
from pradrill.system.tools import ToolError

EXAMPLE = "pradrill schedule install --systemd"
_INSTALLED = "it is installed: pradrill schedule show"


def arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    commands = subcommands(parser)
    show = add(commands, "show", "show when each service is due, and what calls pradrill")
    show.set_defaults(action=_show)
    install = add(commands, "install", "have it called every hour; shown before it is written")
    install.set_defaults(action=_install)
    remove = add(commands, "remove", "take away what install has written")
    remove.set_defaults(action=_remove)
    for command in (install, remove):
        how = command.add_mutually_exclusive_group()
        how.add_argument("--crontab", action="store_true", help="a line in your crontab")
        how.add_argument(
            "--systemd",
            action="store_true",
            help="a timer with a hardened service (default where systemd runs and you are root)",
        )
        command.add_argument(
            "--units", type=Path, default=UNITS, metavar="FOLDER", help=f"default: {UNITS}"
        )
        command.add_argument("--yes", action="store_true", help="ask nothing")
    install.add_argument(
        "--user",
        metavar="NAME",
        help="whose keys the service uses (default: whose the state directory is)",
    )
    json_argument(show)
    json_argument(install, "print for programs what was written, with --yes")
    json_argument(remove, "print for programs what was removed")


def run(args: Namespace) -> int:
    """Carry out one of its commands."""
    code: int = args.action(args)
    return code


def _show(args: Namespace) -> int:
    app = StateReader(args)
    plan = load_dated_plan(plan_file(app.drills))
    entries = list(app.register.entries())
    finished = RegisterFacts(entries).last_finished()
    dates = [
        *(_by_calendar(*each) for each in Calendar(app, plan, entries).following(app.clock.now())),
        *(
            _by_cadence(name, service, finished.get(name))
            for name, service in plan.services.items()
            if service.drill_on is None
        ),
    ]
    if args.json:
        services = [each._replace(says=None)._asdict() for each in dates]
        print_json(args, {"services": services, "called_by": [*_callers()]})
    else:
        print(*(f"{line(each.service, 60)}: {each.says}" for each in dates), sep="\n")
        print(*_callers() or ["nothing calls it: pradrill schedule install"], sep="\n")
    return ExitCode.RECORD if app.doubt() else ExitCode.PASSED


class ServiceDate(NamedTuple):
    """When a service is due by which rule, and how that is said."""

    service: str
    rule: str | None
    next: datetime | None
    says: str | None


def _by_calendar(name: str, rule: Rule, date: datetime | None) -> ServiceDate:
    when = "never: there is no such day" if date is None else f"next {date:%Y-%m-%d %H:%M} UTC"
    hours = rule.window.total_seconds() / 3600
    text = f"{rule.on.text}: {when}, may begin within {hours:g} h"
    return ServiceDate(name, rule.on.text, date, text)


def _by_cadence(name: str, service: Service, finished: datetime | None) -> ServiceDate:
    if service.drill_every is None:
        text = "by hand only: it has neither drill_on nor drill_every"
        return ServiceDate(name, None, None, text)
    due = next_due(service.drill_every, finished)
    when = "now: it was never drilled" if due is None else f"{due:%Y-%m-%d %H:%M} UTC"
    rule = f"every {service.drill_every.text}"
    return ServiceDate(name, rule, due, f"{rule}: next {when}")


def _callers() -> tuple[str, ...]:
    """Say what calls pradrill on this machine."""
    try:
        entry = line_in(read_crontab())
    except ToolError:  # no cron here
        entry = None
    by_timer = (f"called by {TIMER}, which systemd starts",) if is_enabled(UNITS) else ()
    by_cron = () if entry is None else (f"called by your crontab: {line(entry, 300)}",)
    return (*by_timer, *by_cron)


def _install(args: Namespace) -> int:
    app = App(args)
    project = app.project()  # what is wrong now would be told to nobody, every hour
    if _is_for_systemd(args):
        return _install_units(args, app, project)

    before = read_crontab()
    after = with_line(before, crontab_line(_command(app), _minute()))
    if after == before:
        return _tell(args, "written", [], "it is installed already, as it is to be")
    _show_first(args, f"a line of your crontab:\n\n{line_in(after)}\n")
    if not _is_agreed(args):
        return ExitCode.USAGE
    write_crontab(after)
    return _tell(args, "written", ["crontab"], _INSTALLED)


def _install_units(args: Namespace, app: StateReader, project: Project) -> int:
    if not app.state.is_dir() and app.state != Path("/var/lib/pradrill"):
        raise ConfigurationError(
            f"{app.state} does not exist, so nobody knows whose the drills are",
            hint="Make it as the user who is to run them, mode 0700.",
        )
    files = units(
        ServiceSettings(
            command=_command(app),
            user=_user(args.user) if args.user else _owner(app.state),
            state=app.state,
            writes=_writes(project),
        )
    )
    names = differing(files, args.units)
    in_charge = is_running_systemd() and args.units == UNITS
    if not names and (is_enabled(UNITS) or not in_charge):
        return _tell(args, "written", [], "it is installed already, as it is to be")
    for name in names:
        _show_first(args, f"{args.units / name}:\n\n{files[name]}")
    if not _is_agreed(args):
        return ExitCode.USAGE
    write_units(files, args.units)
    if not in_charge:
        _show_first(args, f"then: systemctl daemon-reload && systemctl enable --now {TIMER}")
    return _tell(args, "written", [args.units / name for name in names], _INSTALLED)


def _remove(args: Namespace) -> int:
    if _is_for_systemd(args):
        paths = remove_units(args.units)
        lines = [f"{path} is removed" for path in paths] or ["nothing of it is there"]
        return _tell(args, "removed", paths, *lines)

    before = read_crontab()
    entry = line_in(before)
    if entry is None:
        return _tell(args, "removed", [], "nothing of it is there")
    write_crontab(with_line(before, None))
    removed = f"removed from your crontab: {line(entry, 300)}"
    return _tell(args, "removed", ["crontab"], removed)


def _show_first(args: Namespace, text: str) -> None:
    """Print what people see before anything is written."""
    if not args.json:
        print(text)


def _tell(args: Namespace, what: str, places: Sequence[object], *lines: str) -> int:
    """Say what was done."""
    if args.json:
        print_json(args, {what: places})
    else:
        print(*lines, sep="\n")
    return ExitCode.PASSED


def _is_for_systemd(args: Namespace) -> bool:
    if args.systemd or args.crontab:
        return bool(args.systemd)
    return args.units != UNITS or (is_running_systemd() and os.geteuid() == 0)


def _is_agreed(args: Namespace) -> bool:
    if args.yes:
        return True
    if args.json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        _tell(args, "written", [], "nothing is written: say --yes")
        return False
    agreed = input("Write it? [y/N] ").strip().lower() in {"y", "yes", "o", "oui"}
    if not agreed:
        print("nothing is written")
    return agreed


def _command(app: StateReader) -> Sequence[str]:
    """Return what is called: by its whole path, for a cron that has no PATH."""
    script = Path(sys.executable).parent / "pradrill"
    program = [str(script)] if script.is_file() else [sys.executable, "-m", "pradrill"]
    where = ["--drills", str(app.drills), "--state", str(app.state)]
    return [*program, *where, *CALL]


def _minute() -> int:
    """Return a minute that many machines do not share."""
    return int(hashlib.sha256(platform.node().encode()).hexdigest(), 16) % 60


def _owner(state: Path) -> str:
    try:
        user = state.stat().st_uid
    except OSError:
        user = os.geteuid()
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)


def _user(name: str) -> str:
    """Return whose keys are to be used. Raises UsageError when there is no such user."""
    try:
        return pwd.getpwnam(name).pw_name
    except KeyError:
        raise UsageError(f'there is no user "{line(name, 80)}" here') from None


def _writes(project: Project) -> list[Path]:
    """Return what is written beside the state: where heads are published, locks of backups."""
    log = project.plan.sealing.head_log
    points = (
        way.recovery_point
        for loaded in project.drills.values()
        for way in loaded.drill.ways.values()
    )
    locks = (folder for point in points if point for folder in point.source.writes)
    return list(dict.fromkeys([*([log.parent] if log else []), *locks]))
