"""The commands that read what runs left, add what people say of it, and hand it on."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from pradrill.cli.arguments import Commands, add, run_argument, subcommands


def add_reading(commands: Commands) -> None:
    """Declare what shows and reports runs."""
    show = add(commands, "show", "print a run's record", "pradrill show --json")
    run_argument(show)
    show.add_argument("--json", action="store_true", help="print it for programs")
    runs = add(commands, "runs", "list the runs, oldest first", "pradrill runs")
    runs.add_argument("--json", action="store_true", help="print them for programs, one a line")
    report = add(
        commands,
        "report",
        "write a run's report: a page, a PDF for auditors, or data",
        "pradrill report --format pdf --lang fr --output /tmp/report.pdf",
    )
    run_argument(report)
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


def _add_dossier(commands: Commands) -> None:
    dossier = add(
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


def add_following(commands: Commands) -> None:
    """Declare what people enter after a run."""
    annotate = add(
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
    findings = add(
        commands, "findings", "list the open findings, oldest first", "pradrill findings --all"
    )
    findings.add_argument("--all", action="store_true", help="the closed ones too")
    findings.add_argument("--service", metavar="NAME", help="of one service")
    findings.add_argument("--json", action="store_true", help="print them for programs")
    _add_finding(commands)


def _add_finding(commands: Commands) -> None:
    finding = add(
        commands,
        "finding",
        "open a finding, show one, or close one by a run that proves it",
        "pradrill finding close F-12 --run 20260610T0200",
    )
    verbs = subcommands(finding)
    opened = add(
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
    show = add(verbs, "show", "show a finding", "pradrill finding show F-12", module="finding")
    close = add(
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


def add_register(commands: Commands) -> None:
    """Declare what reads, verifies and hands on the register."""
    register = add(
        commands,
        "register",
        "list every attempt, and verify that nothing was changed",
        "pradrill register verify",
    )
    verbs = subcommands(register)
    verify = add(
        verbs,
        "verify",
        "say what was changed, removed or added, and where; exit code 14 if anything was, "
        "15 if all of it is acknowledged",
        "pradrill register verify --head /mnt/elsewhere/pradrill-heads.log",
        module="register",
    )
    _signers_argument(verify)
    acknowledge = add(
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
    listing = add(verbs, "list", "list the entries", "pradrill register list", module="register")
    listing.add_argument("--json", action="store_true", help="print them for programs, one a line")
    show = add(verbs, "show", "print an entry", "pradrill register show 12", module="register")
    show.add_argument("number", type=int, help="an entry's number")
    add(verbs, "head", "print the newest hash", "pradrill register head", module="register")
    for verb, command in verbs.choices.items():
        command.set_defaults(verb=verb)
    bundle = add(
        commands,
        "bundle",
        "put a run's evidence into a folder that stock tools verify",
        "pradrill bundle --output /tmp/evidence",
    )
    run_argument(bundle)
    bundle.add_argument(
        "--output", type=Path, metavar="FOLDER", required=True, help="a folder that is made"
    )
    bundled = add(
        commands,
        "verify",
        "verify a bundle as its VERIFY.txt does; exit code 14 if it is not what was recorded",
        "pradrill verify /tmp/evidence",
    )
    bundled.add_argument("bundle", type=Path, metavar="BUNDLE", help="the bundle's folder")
    _signers_argument(bundled)
    index = add(
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
