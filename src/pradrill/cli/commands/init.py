"""`pradrill init`: propose a first drill of a service, and write its files."""

from __future__ import annotations

import re
import socket
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from pradrill.adapters.secrets import Secrets
from pradrill.app.program import program
from pradrill.app.proposal.contents import may_be_emptied
from pradrill.app.proposal.newest import contents_of
from pradrill.app.proposal.place import NoPasswordError, Place, host_key_of, recognise_place
from pradrill.app.proposal.proposal import Proposal, StandbyLogin
from pradrill.app.proposal.texts import service_text
from pradrill.app.proposal.write import write_project
from pradrill.cli.json_output import json_argument, print_json
from pradrill.errors import ExitCode, UsageError

EXAMPLE = (
    "pradrill init files --backups /mnt/backups/files --standby drill@192.0.2.20 "
    "--production 192.0.2.10:445"
)
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,40}")
_LOGIN = re.compile(
    r"(?:(?P<user>[\w.-]+)@)?(?P<address>\[[\da-fA-F:]+\]|[\w.-]+)(?::(?P<port>\d+))?"
)
_QUESTIONS = {
    "service": "service to recover, as in files",
    "backups": "where its backups are: a folder, or a repository as its tool names it",
    "standby": "standby to restore onto, as in drill@192.0.2.20",
    "production": "production, which the standby must not reach, and any port that answers there, "
    "as in 192.0.2.10:22",
    "password": "where the repository's password is, never itself: file:PATH or env:NAME",
    "backup_key": "file of the standby's login key for the backups' server (empty: none yet)",
}
_SECRET = re.compile(r"(file|env|command|credential):.+")


def arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.description = (
        "Look at where a service's backups are, and write a first drill for it: plan, drill, "
        "inventory, restore, teardown and checks. Of what is not named, what it cannot do without "
        "is asked for on a terminal; a file that is there already stays as it is."
    )
    parser.add_argument("service", nargs="?", help="what is recovered, as in files")
    parser.add_argument(
        "--backups",
        metavar="PLACE",
        help="a folder of dumps or archives, a repository of restic, borg or pgBackRest, or TOOL: "
        "before it, as in borg:ssh://… or barman:SERVER",
    )
    parser.add_argument("--standby", metavar="USER@HOST[:PORT]", help="where to restore")
    parser.add_argument(
        "--production",
        metavar="HOST:PORT",
        help="what the standby must not reach: any port that answers there, as its SSH port 22",
    )
    parser.add_argument(
        "--key", metavar="FILE", help="the login key for the standby (default: as ssh finds it)"
    )
    parser.add_argument(
        "--password", metavar="SECRET", help="where the repository's is: file:PATH or env:NAME"
    )
    parser.add_argument(
        "--backup-key", metavar="FILE", help="the standby's login key for the backups' server"
    )
    parser.add_argument(
        "--restore",
        metavar="FOLDER",
        action="append",
        help="a folder to restore, if not all that the backup holds (may be given again)",
    )
    parser.add_argument("--organisation", metavar="NAME", help="as reports name it")
    parser.add_argument(
        "--folder", type=Path, default=Path(), metavar="FOLDER", help="the project (default: here)"
    )
    json_argument(parser)


def run(args: Namespace) -> int:
    """Ask for what is missing, look at the backups, write the files, say what comes next."""
    service = _answer(args, "service")
    if not _NAME.fullmatch(service):
        raise UsageError(
            f'"{service}" is no name for a service', hint="Small letters, digits, - and _."
        )
    place = _place(args)
    login = _login(_answer(args, "standby"), args.key)
    production = _production(_answer(args, "production"))
    secrets = Secrets(args.masker)
    contents = contents_of(place, secrets.resolve)
    if args.restore:
        contents = contents._replace(folders=tuple(args.restore))
    proposal = Proposal(
        service=service,
        place=place,
        contents=contents,
        standby=login,
        production=production,
        organisation=args.organisation or "our company",
        backup_key=_backup_key(args, place),
        backup_host_key=host_key_of(place.server) if place.server else "",
    )
    if proposal.of_files and not (proposal.folders and all(map(may_be_emptied, proposal.folders))):
        raise UsageError(
            f"{_place_text(place)} holds no folder that a restore may take the place of by itself",
            hint="Name what comes back, at least two levels deep: --restore /srv/files.",
        )

    if args.json:
        outcome = write_project(proposal, args.folder)
        facts = {"service": service, "tool": place.tool, "holds": contents.kind.value}
        files = {"written": [*outcome.fresh], "left_as_it_is": [*outcome.there]}
        print_json(args, {**facts, **files})
        return ExitCode.PASSED

    print(f"{_place_text(place)} holds {contents.kind.value}{_details(proposal)}")
    _write(proposal, args.folder)
    if proposal.contents.dumps:
        print(f"\nNothing loads {proposal.contents.dumps[0]}: see restore: in the drill")
    return ExitCode.PASSED


def _write(proposal: Proposal, folder: Path) -> None:
    outcome = write_project(proposal, folder)
    playbooks = folder / "playbooks"
    for path in outcome.fresh:
        if playbooks not in path.parents or path.parent == playbooks:
            print(f"written: {path}")
    for path in outcome.there:
        if playbooks not in path.parents:
            print(f"left as it is: {path}")

    plan = folder / "drills/plan.yml"
    if plan in outcome.there and f"\n  {proposal.service}:" not in plan.read_text("utf-8"):
        print(f"\nAdd the service to {plan}, below services:\n{service_text(proposal)}", end="")
    if proposal.path_on_standby:
        must = f"The standby must have {proposal.path_on_standby}, too"
        print(f"\n{must}; if not: {proposal.with_server}")
    where = "" if folder == Path() else f"--drills {folder / 'drills'} "
    words = f"  {program()} {where}"
    print("\nNext, each until it is content:")
    print(f"{words}doctor {proposal.service}  # what is missing, and what mends it")
    print(f"{words}run {proposal.service} --rehearsal  # a whole run that counts for nothing")
    print(f"{words}run {proposal.service}  # the first proof")


def _place(args: Namespace) -> Place:
    """Recognise the place; a password's whereabouts are asked for once they are needed."""
    where = _answer(args, "backups")
    try:
        return recognise_place(where, args.password, _time_zone())
    except NoPasswordError:
        if not _is_terminal():
            raise
    secret = _answer(args, "password")
    if not _SECRET.fullmatch(secret):
        raise UsageError("that does not say where a password is", hint="As in file:PATH.")
    return recognise_place(where, secret, _time_zone())


def _backup_key(args: Namespace, place: Place) -> str | None:
    """Return the login key for the backups' server, where there is one."""
    if place.server is None or not (args.backup_key or _is_terminal()):
        return None
    key = args.backup_key or _reply("backup_key")
    return str(Path(key).expanduser().absolute()) if key else None


def _answer(args: Namespace, name: str) -> str:
    """Return an option, or what a person answers on the terminal."""
    value: str | None = getattr(args, name)
    if value:
        return value
    if not _is_terminal():
        option = "SERVICE" if name == "service" else f"--{name}"
        raise UsageError(f"{option} is missing: {_QUESTIONS[name]}", hint=f"As in: {EXAMPLE}.")
    answer = _reply(name)
    if not answer:
        raise UsageError("nothing was answered", hint=f"As in: {EXAMPLE}.")
    return answer


def _is_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _reply(name: str) -> str:
    sys.stderr.write(f"{_QUESTIONS[name]}: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip()


def _login(text: str, key: str | None) -> StandbyLogin:
    match = _LOGIN.fullmatch(text)
    if match is None:
        raise UsageError(f'"{text}" is not USER@HOST[:PORT]', hint="As in drill@192.0.2.20.")
    path = str(Path(key).expanduser().absolute()) if key else None
    return StandbyLogin(
        match["user"] or "root", match["address"].strip("[]"), int(match["port"] or 22), path
    )


def _production(text: str) -> str:
    """Return HOST:PORT with the host's address: names may lead elsewhere tomorrow."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise UsageError(f'"{text}" is not HOST:PORT', hint="As in 192.0.2.10:445.")
    try:
        address = str(socket.getaddrinfo(host.strip("[]"), int(port))[0][4][0])
    except OSError as error:
        raise UsageError(
            f"the address of production, {host}, cannot be looked up: {error.strerror}",
            hint="Write its address.",
        ) from error
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _place_text(place: Place) -> str:
    declared = place.declared
    keys = ("repository", "folder", "server", "config")
    where = next(declared[key] for key in keys if key in declared)
    return f"{place.tool} {where}"


def _details(proposal: Proposal) -> str:
    if proposal.of_files:
        return f" below {', '.join(proposal.folders)}"
    newest = proposal.contents.newest
    dated = f", dated by {newest.table}.{newest.column}" if newest else ""
    return f", database {proposal.database}{dated}"


def _time_zone() -> str:
    """Return this machine's time zone, in which its backup jobs name their dumps."""
    link = Path("/etc/localtime")
    if link.is_symlink():
        _, word, zone = str(link.readlink()).partition("zoneinfo/")
        if word and zone:
            return zone.removeprefix("Etc/")
    return "UTC"
