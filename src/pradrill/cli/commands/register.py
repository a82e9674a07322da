"""`pradrill register`: every attempt, in a chain, and whether anything of it was changed."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

from pradrill.app.author import user
from pradrill.app.reading import StateReader, state_folder, warn
from pradrill.app.settle import swept
from pradrill.cli.arguments import add, signers_argument, subcommands
from pradrill.cli.json_output import json_argument, print_json, print_line
from pradrill.cli.typed import plain
from pradrill.domain.register.entry import Acknowledgement, Entry, EntryKind
from pradrill.domain.register.sabotage import SabotageEntry
from pradrill.errors import ExitCode, UsageError
from pradrill.register.verification.acknowledge import acknowledge
from pradrill.register.verification.verify import RegisterVerification, stamped, verify
from pradrill.reporting.language import formats as wording
from pradrill.reporting.text.sabotage import score_line

_WIDTH = 96


EXAMPLE = "pradrill register verify"


def arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    verbs = subcommands(parser)
    verify = add(
        verbs,
        "verify",
        "say what was changed, removed or added, and where; exit code 14 if anything was, "
        "15 if all of it is acknowledged",
        "pradrill register verify --head /mnt/elsewhere/pradrill-heads.log",
    )

    signers_argument(verify)
    acknowledge = add(
        verbs,
        "acknowledge",
        "answer for the damage that verify finds now: it stays, and is told apart from any other",
        'pradrill register acknowledge --because "the disk failed on 3 May; restored from backup"',
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
    add(verbs, "list", "list the entries", "pradrill register list")
    show = add(verbs, "show", "print an entry", "pradrill register show 12")
    show.add_argument("number", type=int, help="an entry's number")
    add(verbs, "head", "print the newest hash", "pradrill register head")
    for verb, command in verbs.choices.items():
        command.set_defaults(verb=verb)
        json_argument(command, "print it for programs; entries one a line")


def run(args: Namespace) -> int:
    """Carry out one of the verbs."""
    verbs = {
        "verify": _verify,
        "acknowledge": _acknowledge,
        "list": _list,
        "show": _show,
        "head": _head,
    }
    return verbs[args.verb](args)


def _verify(args: Namespace) -> int:
    """Verify, changing nothing; 0 when all is what it was, 14 when not, 15 when that is known."""
    verification = verify(
        state_folder(args),
        signers=read_text(args.signers) if args.signers else None,
        published=_heads(args),
        each=args.each,
        trusted=() if args.signers else StateReader(args).trusted(required=True),
    )
    return tell(verification, args)


def tell(result: RegisterVerification, args: Namespace, **facts: Path) -> int:
    """Print what a verification found; return its exit code. `facts`: more of it for programs."""
    if args.json:
        print_json(args, {**facts, **result.facts})
        return result.exit_code

    for trouble in result.troubles:
        print(trouble)

    for trouble, remark in result.acknowledged:
        statement = remark.said
        who = f"acknowledged in entry {remark.number}, {remark.at:%Y-%m-%d}, by {statement.by}"
        print(f"{trouble}\n    {wording.line(f'{who}: {statement.because}', 400)}")

    for note in result.notes:
        print(f"note: {wording.line(note, 300)}")

    for entry in reversed(result.entries):
        if entry.kind is EntryKind.STAMP:
            print(f"the newest stamp is of entry {entry.number - 1}: {stamped(entry)}")
            break

    if result.signer is None:
        print("nobody signed this: whoever holds it could have made it anew")
    else:
        print(f"signed by {result.signer.principal}, {result.signer.fingerprint}: a key you know?")

    counts = f"{len(result.entries)} entries, {result.runs} runs, {result.files} files"
    besides = (
        f", besides {len(result.acknowledged)} that are acknowledged" if result.acknowledged else ""
    )
    if result.troubles:
        print(
            f"{counts}: something was changed or removed; troubles: {len(result.troubles)}{besides}"
        )
    else:
        print(f"{counts}: nothing was changed{besides}")
        print(f"head: {result.head}")

    return result.exit_code


def _acknowledge(args: Namespace) -> int:
    """Enter who answers for the damage that there is, and why."""
    app = swept(StateReader(args))
    because = plain(args.because).strip()
    if not because:
        raise UsageError(
            "why the damage is acknowledged is not said", hint="Give it in a sentence."
        )

    entry = acknowledge(
        app.register,
        app.clock.now(),
        by=user(),
        because=because,
        published=_heads(args),
        trusted=app.trusted(required=True),
    )
    if entry is None:
        raise UsageError(
            "there is no damage that could be acknowledged and is not yet",
            hint="See what there is: pradrill register verify.",
        )

    if args.json:
        print_json(args, entry.model_dump(mode="json"))
        return ExitCode.PASSED

    for wrong in Acknowledgement.model_validate(entry.body).damage:
        print(f"{wording.line(f'{wrong.where}: {wrong.what}', 600)}")
    print(f"acknowledged by {user()} in entry {entry.number}: it stays, and is told as known")

    return ExitCode.PASSED


def _list(args: Namespace) -> int:
    app = swept(StateReader(args))
    for entry in app.register.entries():
        if args.json:
            print_line(args, entry.model_dump(mode="json"))
        else:
            line = f"{entry.number:>5}  {entry.at:%Y-%m-%d %H:%M:%S}  {entry.kind:<15}  "
            print(line + wording.line(_about(entry), _WIDTH))
    return ExitCode.RECORD if app.in_doubt else ExitCode.PASSED


def _about(entry: Entry) -> str:
    """Say in a few words what an entry is about; its body may hold anything."""
    body = entry.body
    if entry.kind is EntryKind.RUN:
        how = body.get("refusal") or body.get("verdict")
        counts_for_nothing = ", rehearsal" if body.get("rehearsal") else ""
        return (
            f"{body.get('run_id')}: {body.get('state')}, {how}, code {body.get('exit_code')}"
            f"{counts_for_nothing}"
        )
    if entry.kind is EntryKind.INCIDENT:
        return f"{body.get('incident') or body.get('title')}: {body.get('stage')}"
    if entry.kind is EntryKind.TEARDOWN:
        left = body.get("left") or ["nothing"]
        return f"{body.get('run_id')}: left now: {'; '.join(map(str, left))}"
    if entry.kind is EntryKind.SABOTAGE:
        with suppress(ValidationError):
            return score_line(SabotageEntry.model_validate(body))

    keys = (
        *(
            "service",
            "due",
            "rule",
            "drill",
            "run_id",
            "finding",
            "title",
            "found",
            "because",
            "kind",
        ),
        *("mark", "name", "text", "principal", "public_key", "authority", "sha256"),
    )

    words = [f"{key} {body[key]}" for key in keys if body.get(key)]
    return ", ".join([*words, "rehearsal"] if body.get("rehearsal") else words)


def _show(args: Namespace) -> int:
    app = StateReader(args)
    for entry in app.register.entries():
        if entry.number == args.number:
            print_json(args, entry.model_dump(mode="json"))
            return ExitCode.RECORD if app.doubt() else ExitCode.PASSED
    raise UsageError(
        f"the register has no entry {args.number}", hint="List them: pradrill register list."
    )


def _head(args: Namespace) -> int:
    app = StateReader(args)
    head = app.register.head()
    if head is None:
        raise UsageError("the register has no entry yet", hint="Launch a run: pradrill run DRILL.")
    if args.json:
        print_json(args, head.model_dump(mode="json"))
    else:
        print(head)
    return ExitCode.RECORD if app.doubt() else ExitCode.PASSED


def read_text(path: Path) -> str:
    """Read a file that the command line names; raises UsageError."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error


def _heads(args: Namespace) -> list[str]:
    """Return the published heads: those that are given, and those in the plan's own log."""
    log, text = StateReader(args).published()
    if text.strip() and not args.json:
        print(f"each head in {log} was looked for")
    elif log is not None:
        warn(f"no head is looked for: {log} is not there, or holds none")
    return [*map(_published, args.published), *([text] if text.strip() else [])]


def _published(text: str) -> str:
    """Return the heads that an option gives: the content of a file, or the words themselves."""
    return read_text(Path(text)) if Path(text).exists() else text
