"""What the command line accepts. Imports nothing heavy: `--help` must answer at once."""

from __future__ import annotations

from argparse import ArgumentParser, RawDescriptionHelpFormatter, _SubParsersAction
from pathlib import Path
from typing import NoReturn, TypeAlias

from pradrill import __version__

_EXIT_CODES = """\
exit codes: 0 PASSED, 1 internal error, 2 usage, 3 configuration, 4 not ready, 5 busy,
            10 FAILED, 11 MISSED, 12 INCONCLUSIVE, 13 passed but residue left,
            14 record not written, or register changed, 15 changed as acknowledged,
            130/143 interrupted (after teardown)"""

_DESCRIPTION = """\
Recovery drills that prove a recovery plan: restore real backups onto a standby,
verify the service, measure RTA and RPA against RTO and RPO, keep the evidence."""


class _Parser(ArgumentParser):
    """Speaks as the rest does: one lower-case sentence, then a hint; exit code 2."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{message}\nHINT: Read {self.prog} --help.\n")


_Commands: TypeAlias = "_SubParsersAction[ArgumentParser]"  # argparse names it in private only


def parser() -> ArgumentParser:
    """Return the parser of every command."""
    top = _Parser(
        prog="pradrill",
        description=_DESCRIPTION,
        epilog=_EXIT_CODES,
        formatter_class=RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"pradrill {__version__}")
    top.add_argument(
        "--drills", type=Path, metavar="FOLDER", help="folder with plan.yml (default: ./drills)"
    )
    top.add_argument(
        "--state",
        type=Path,
        metavar="FOLDER",
        help="where runs are kept (default: $PRADRILL_STATE, /var/lib/pradrill for root, "
        "else ~/.local/state/pradrill)",
    )
    top.add_argument(
        "--log",
        metavar="FILE",
        help="where the JSON log of unwatched runs goes; - is stderr (default: STATE/log.jsonl)",
    )
    commands = _commands(top)
    _add_drilling(commands)
    _add_reading(commands)
    _add_following(commands)
    _add_register(commands)
    _add_lab(commands)
    return top


def _commands(parser: ArgumentParser) -> _Commands:
    return parser.add_subparsers(
        title="commands", metavar="COMMAND", required=True, parser_class=_Parser
    )


def _add(
    commands: _Commands, name: str, about: str, example: str, module: str = ""
) -> ArgumentParser:
    command = commands.add_parser(
        name,
        help=about,
        description=f"{about[0].upper()}{about[1:]}.",
        epilog=f"example:\n  {example}",
        formatter_class=RawDescriptionHelpFormatter,
    )
    command.set_defaults(module=module or name)
    return command


def _add_drilling(commands: _Commands) -> None:
    demo = _add(
        commands,
        "demo",
        "build a lab, destroy a WordPress in it, and drill its recovery",
        "pradrill demo",
    )
    demo.add_argument(
        "--keep", action="store_true", help="leave the primary's backup server running afterwards"
    )
    validate = _add(
        commands,
        "validate",
        "check the plan, the drills, and all that they name",
        "pradrill validate",
    )
    validate.add_argument("drill", nargs="?", help="one drill, by name or file (default: all)")
    plan = _add(
        commands,
        "plan",
        "print every step that a drill would take, and touch nothing",
        "pradrill plan wordpress",
    )
    plan.add_argument("drill", help="name or file of a drill")
    plan.add_argument("--json", action="store_true", help="print it for programs")
    catalogue = _add(
        commands,
        "catalogue",
        "list the backups of a drill, the one it would take, and the worst case",
        "pradrill catalogue moodle",
    )
    catalogue.add_argument("drill", help="name or file of a drill")
    catalogue.add_argument("--json", action="store_true", help="print it for programs")
    run = _add(commands, "run", "run a drill now", "pradrill run wordpress")
    run.add_argument("drill", help="name or file of a drill")
    run.add_argument("--dry-run", action="store_true", help="print the plan and touch nothing")
    _add_answer(commands)
    due = _add(
        commands,
        "due",
        "list the services whose drill is due, or run their drills",
        "pradrill due --run",
    )
    due.add_argument(
        "--run",
        dest="launch",
        action="store_true",
        help="run their unattended drills, one after another; exit with the worst code",
    )
    schema = _add(
        commands,
        "schema",
        "print the JSON Schema of a drill or of the plan, for editors",
        "pradrill schema drill > drill.schema.json",
    )
    schema.add_argument("kind", choices=("drill", "plan"), nargs="?", default="drill")


def _add_answer(commands: _Commands) -> None:
    answer = _add(
        commands,
        "answer",
        "answer a manual step of a run that waits, or list what waits",
        'pradrill answer moodle "switch the DNS" --yes',
    )
    answer.add_argument("run", nargs="?", help="a run's id, or any part of it that is unique")
    answer.add_argument("step", nargs="?", help="the step that waits, or any part of its name")
    said = answer.add_mutually_exclusive_group()
    said.add_argument(
        "--yes", action="store_const", const=True, dest="yes", help="it is done, or approved"
    )
    said.add_argument(
        "--no", action="store_const", const=False, dest="yes", help="it is not, and will not be"
    )
    answer.add_argument("--text", metavar="WORDS", help="the words asked for, or a comment")


def _add_reading(commands: _Commands) -> None:
    show = _add(commands, "show", "print a run's record", "pradrill show --json")
    _run_argument(show)
    show.add_argument("--json", action="store_true", help="print it for programs")
    runs = _add(commands, "runs", "list the runs, oldest first", "pradrill runs")
    runs.add_argument("--json", action="store_true", help="print them for programs, one a line")
    report = _add(
        commands,
        "report",
        "write a run's report: a page, a PDF for auditors, or data",
        "pradrill report --format pdf --lang fr --output /tmp/report.pdf",
    )
    _run_argument(report)
    report.add_argument(
        "--format",
        choices=("html", "pdf", "junit", "csv", "json"),
        default="html",
        help="html: one self-contained page; pdf: PDF/A with the record inside; the others are "
        "for programs (default: html)",
    )
    report.add_argument(
        "--lang", choices=("fr", "en"), help="default: the plan's language, else that of $LANG"
    )
    report.add_argument(
        "--output", type=Path, metavar="FILE", help="default: reports/report.FORMAT in the run"
    )
    _add_dossier(commands)


def _add_dossier(commands: _Commands) -> None:
    dossier = _add(
        commands,
        "dossier",
        "write what all drills of a period proved, for an audit",
        "pradrill dossier --from 2026-01-01 --to 2026-12-31 --lang fr --format pdf",
    )
    dossier.add_argument(
        "--from",
        dest="first",
        metavar="DAY",
        help="first day, in UTC (default: a year before --to)",
    )
    dossier.add_argument("--to", dest="last", metavar="DAY", help="last day (default: today)")
    dossier.add_argument(
        "--service",
        dest="services",
        metavar="NAME",
        action="append",
        default=[],
        help="this service only; may be given several times (default: all)",
    )
    dossier.add_argument(
        "--lang", choices=("fr", "en"), help="default: the plan's language, else that of $LANG"
    )
    dossier.add_argument(
        "--format", choices=("html", "pdf", "json", "csv"), default="html", help="default: html"
    )
    dossier.add_argument(
        "--output", type=Path, metavar="FILE", help="default: a file in STATE/dossiers"
    )


def _run_argument(command: ArgumentParser) -> None:
    command.add_argument(
        "run", nargs="?", help="a run's id, or any part of it that is unique (default: the newest)"
    )


def _add_following(commands: _Commands) -> None:
    annotate = _add(
        commands,
        "annotate",
        "add what people say of a run: times, participants, lessons, sign-off",
        'pradrill annotate 20260310T0200 --t1 2026-03-10T02:05Z --operator "A. Martin"',
    )
    annotate.add_argument("run", help="a run's id, or any part of it that is unique")
    annotate.add_argument(
        "--file", type=Path, metavar="FILE", help="YAML or JSON (default: an editor opens)"
    )
    for mark, meaning in (("t1", "detected"), ("t2", "recovery declared"), ("t6", "accepted")):
        annotate.add_argument(f"--{mark}", metavar="INSTANT", help=f"{meaning}, with its zone")
    for option, metavar, meaning in (
        ("requester", "NAME", "who asked for the drill"),
        ("operator", "NAME", "who carried it out"),
        ("observer", "NAME", "who watched it"),
        ("approver", "NAME", "who approved it"),
        ("reviewer", "NAME", "who reviews it"),
        ("first-time", "NAME", "one of them had never done it before"),
        ("independent", "NAME", "one of them did not operate the recovery"),
        ("deviation", "TEXT", "what went otherwise than planned"),
        ("workaround", "TEXT", "what was done instead"),
        ("well", "TEXT", "lessons: what went well"),
        ("badly", "TEXT", "lessons: what did not"),
        ("plan", "TEXT", "lessons: the effect on the plan"),
        ("sign-off", "NAME,ROLE[,DATE]", "who signs it off (default: today)"),
        ("site", "TEXT", "where the primary and the standby are"),
        ("network", "TEXT", "the standby's network: segment, routes, filters"),
        ("backup", "TEXT", "which copy was restored, from where; its size and checksum"),
        ("sampled", "TEXT", "how much was looked at, of how much"),
        ("negative-control", "TEXT", "what was tried and must not work"),
        ("erased", "TEXT", "data of the drill that was erased, and how"),
        ("revoked", "TEXT", "credentials of the drill that were revoked"),
        ("retention", "TEXT", "how long the record is kept, and where"),
    ):
        annotate.add_argument(
            f"--{option}", action="append", default=[], metavar=metavar, help=meaning
        )
    annotate.add_argument(
        "--management-report", metavar="DATE", help="when it was reported to the management"
    )
    annotate.add_argument("--planned", metavar="DATE", help="the day that had been agreed on")
    findings = _add(
        commands, "findings", "list the open findings, oldest first", "pradrill findings --all"
    )
    findings.add_argument("--all", action="store_true", help="the closed ones too")
    findings.add_argument("--service", metavar="NAME", help="of one service")
    findings.add_argument("--json", action="store_true", help="print them for programs")
    _add_finding(commands)


def _add_finding(commands: _Commands) -> None:
    finding = _add(
        commands,
        "finding",
        "open a finding, show one, or close one by a run that proves it",
        "pradrill finding close F-12 --run 20260610T0200",
    )
    verbs = _commands(finding)
    opened = _add(
        verbs,
        "open",
        "open a finding",
        'pradrill finding open "the runbook names an old host" --service moodle',
        module="finding",
    )
    opened.add_argument("title", help="what is wrong, in one sentence")
    opened.add_argument(
        "--service", action="append", required=True, metavar="NAME", help="whose recovery it hurts"
    )
    opened.add_argument(
        "--severity",
        choices=("minor", "major", "critical"),
        default="major",
        help="due in 90, 30 or 7 days (default: major)",
    )
    opened.add_argument("--detail", metavar="TEXT", help="what was seen")
    opened.add_argument("--owner", metavar="NAME", help="default: the service's owner")
    opened.add_argument("--due", metavar="DATE", help="as in 2026-03-31")
    opened.add_argument("--run", metavar="RUN", help="the run that showed it")
    show = _add(verbs, "show", "show a finding", "pradrill finding show F-12", module="finding")
    close = _add(
        verbs,
        "close",
        "close a finding by naming the later run that proves it",
        "pradrill finding close F-12 --run 20260610T0200",
        module="finding",
    )
    for command in (show, close):
        command.add_argument("finding", metavar="F-N", help="a finding")
    close.add_argument(
        "--run", required=True, metavar="RUN", help="a later run of its services that PASSED"
    )
    close.add_argument("--text", metavar="WORDS", help="why that run proves it")
    for verb, command in verbs.choices.items():
        command.set_defaults(verb=verb)


def _add_register(commands: _Commands) -> None:
    register = _add(
        commands,
        "register",
        "list every attempt, and verify that nothing was changed",
        "pradrill register verify",
    )
    verbs = _commands(register)
    verify = _add(
        verbs,
        "verify",
        "say what was changed, removed or added, and where; exit code 14 if anything was, "
        "15 if all of it is acknowledged",
        "pradrill register verify --head /mnt/elsewhere/pradrill-heads.log",
        module="register",
    )
    _signers_argument(verify)
    acknowledge = _add(
        verbs,
        "acknowledge",
        "answer for the damage that verify finds now: it stays, and is told apart from any other",
        'pradrill register acknowledge --because "the disk failed on 3 May; restored from backup"',
        module="register",
    )
    acknowledge.add_argument(
        "--because", required=True, metavar="TEXT", help="what happened, in one sentence"
    )
    for command in (verify, acknowledge):
        command.add_argument(
            "--head",
            dest="published",
            action="append",
            default=[],
            metavar="FILE|HASH",
            help="heads that were published (a log, a mail, a hash), besides those in the plan's "
            "head_log: each must be in the chain",
        )
    verify.add_argument(
        "--each", action="store_true", help="verify every signature and stamp by itself: slower"
    )
    listing = _add(verbs, "list", "list the entries", "pradrill register list", module="register")
    listing.add_argument("--json", action="store_true", help="print them for programs, one a line")
    show = _add(verbs, "show", "print an entry", "pradrill register show 12", module="register")
    show.add_argument("number", type=int, help="an entry's number")
    _add(verbs, "head", "print the newest hash", "pradrill register head", module="register")
    for verb, command in verbs.choices.items():
        command.set_defaults(verb=verb)
    bundle = _add(
        commands,
        "bundle",
        "put a run's evidence into a folder that stock tools verify",
        "pradrill bundle --output /tmp/evidence",
    )
    _run_argument(bundle)
    bundle.add_argument(
        "--output", type=Path, metavar="FOLDER", required=True, help="a folder that is made"
    )
    bundled = _add(
        commands,
        "verify",
        "verify a bundle as its VERIFY.txt does; exit code 14 if it is not what was recorded",
        "pradrill verify /tmp/evidence",
    )
    bundled.add_argument("bundle", type=Path, metavar="BUNDLE", help="the bundle's folder")
    _signers_argument(bundled)
    index = _add(
        commands,
        "index",
        "write a database for queries, made anew from the files",
        "pradrill index --url postgresql:///pradrill",
    )
    index.add_argument(
        "--url", help="sqlite:///FILE or postgresql://HOST/DATABASE (default: STATE/index.sqlite)"
    )


def _signers_argument(command: ArgumentParser) -> None:
    command.add_argument(
        "--signers",
        type=Path,
        metavar="FILE",
        help="allowed_signers that you trust (default: the keys that the register names)",
    )


def _add_lab(commands: _Commands) -> None:
    lab = _add(commands, "lab", "build and use the lab's virtual machines", "pradrill lab status")
    verbs = _commands(lab)
    build = _add(verbs, "build", "build the machines' image", "pradrill lab build", module="lab")
    build.add_argument(
        "--image", type=Path, metavar="QCOW2", help="your own image, with cloud-init inside"
    )
    build.set_defaults(verb="build")
    for verb, about in (
        ("up", "start a machine and wait for its SSH"),
        ("ssh", "open a shell on a running machine, or run a command there"),
        ("down", "stop a machine, or all of them, and drop what it changed"),
    ):
        command = _add(verbs, verb, about, f"pradrill lab {verb} standby", module="lab")
        command.add_argument(
            "machine", nargs="?" if verb == "down" else None, help="name of a machine"
        )
        if verb == "ssh":
            command.add_argument("command", nargs="*", help="a command (default: a shell)")
        command.set_defaults(verb=verb)
    for verb, about in (
        ("status", "list the machines"),
        ("destroy", "remove the image and every machine"),
    ):
        _add(verbs, verb, about, f"pradrill lab {verb}", module="lab").set_defaults(verb=verb)
