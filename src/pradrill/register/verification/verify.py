"""Verify that a register and its runs are what they were: every trouble at once, with its place.

Everything is read as hostile: a register can name any path and hold any bytes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from pradrill.domain.register.entry import GENESIS, Acknowledged, Entry, EntryKind, Head, Stamp
from pradrill.domain.register.sabotage import SabotageEntry
from pradrill.domain.register.symptom import Symptom
from pradrill.errors import ExitCode, RecordError
from pradrill.register.chain.lines import HEAD, HEAD_SIGNATURE, LOCK, REGISTER, parse_head
from pradrill.register.chain.walk import Chain, Trouble, at_entry, read_chain
from pradrill.register.sealing.keys import key_troubles
from pradrill.register.sealing.signing import Signer, newest, signature_problem
from pradrill.register.sealing.stamping import stamp_problem, stated_time
from pradrill.register.verification.remarks import notes_on
from pradrill.register.verification.run_files import RUNS, RunFiles, read
from pradrill.system.durable_files import unchanging
from pradrill.system.tools import ToolError

_PUBLISHED = re.compile(r"(?<![0-9a-f])(?:([1-9]\d{0,11}) )?([0-9a-f]{64})(?![0-9a-f])")


class RegisterVerification(NamedTuple):
    """What a verification found and what it looked at."""

    troubles: list[Trouble]
    """What nobody answers for."""
    acknowledged: list[tuple[Trouble, Acknowledged]]
    """Damage that the register has an acknowledgement of: exactly as it is still there."""
    notes: list[str]
    entries: list[Entry]
    head: Head | None
    signer: Signer | None
    """Who signed the head, as the register has it; None when nobody did."""
    runs: int
    files: int
    size: int

    @property
    def exit_code(self) -> ExitCode:
        """Return 0 when all is what it was, 14 when not, 15 when that is acknowledged."""
        if self.troubles:
            return ExitCode.RECORD
        return ExitCode.ACKNOWLEDGED if self.acknowledged else ExitCode.PASSED

    @property
    def facts(self) -> dict[str, Any]:
        """Return what was found as data, for programs."""
        return {
            "exit_code": self.exit_code.value,
            "head": self.head and self.head.model_dump(mode="json"),
            "signer": self.signer and {**self.signer._asdict(), "key": self.signer.fingerprint},
            "counts": {"entries": len(self.entries), "runs": self.runs, "files": self.files},
            "troubles": [{"where": each.where, "what": each.what} for each in self.troubles],
            "acknowledged": [
                {"where": each.where, "what": each.what, "entry": remark.number}
                for each, remark in self.acknowledged
            ],
            "notes": self.notes,
        }


def verify(  # noqa: PLR0913 each is another thing that a reader may know or want
    state: Path,
    *,
    signers: str | None = None,
    now: str | None = None,
    published: Sequence[str] = (),
    each: bool = False,
    runs: Sequence[str] | None = None,
    only: bool = False,
    trusted: Collection[str] | None = None,
    strict: bool | None = None,
) -> RegisterVerification:
    """Compare a state directory with its register; raises RecordError when it has none.

    `signers`: allowed_signers that the reader trusts, instead of the keys that the chain names;
    then everything must be signed. `now`: those of them who may sign the head, if not all; of the
    keys that the chain names it is the newest. `published`: texts that hold heads. `each`: verify
    every signature and stamp by itself; otherwise the head's and the newest, because they and the
    hashes hold the rest. `runs`: only these are there, as in a bundle; otherwise all must be.
    `only`: others may be there and are not looked at. `trusted`: the public keys of the settings,
    of which one must be the key that the chain names. `strict`: no reason excuses a record without
    a signature; so it is where signers are given, unless told otherwise.
    """
    with unchanging(state / LOCK):
        content, head_text = read(state / REGISTER), read(state / HEAD)
        signature = read(state / HEAD_SIGNATURE)
    if content is None and head_text is None:
        raise RecordError(f"there is no register in {state}", hint="Name the folder with --state.")

    chain = read_chain(content or b"")
    troubles = chain.troubles
    head = _verify_head(chain, content, head_text, troubles)

    allowed = chain.signers() if signers is None else signers
    if head_text is not None and (signers is not None or chain.signer() is not None):
        by = now if now is not None else newest(allowed) if signers is None else allowed
        _verify_head_signature(signature, head_text, by, troubles)

    troubles += key_troubles(
        chain, strict=signers is not None if strict is None else strict, trusted=trusted
    )
    for text in published:
        troubles += _verify_published(chain, text)

    run_files = RunFiles(state / RUNS, troubles, signers=allowed if each else None)
    for entry, sha256 in chain.of(EntryKind.RUN):
        if runs is None or entry.body.get("run_id") in runs:
            run_files.verify(entry, sha256)

    _verify_sabotages(chain, troubles)
    _verify_stamps(chain, troubles, each=each, of=None if runs is None else run_files.entries)
    for missing in sorted(set(runs or ()) - run_files.run_ids):
        troubles.append(Trouble(f"{RUNS}/{missing}", Symptom.RUN_UNKNOWN.text()))
    notes = [*notes_on(chain), *([] if only else run_files.strangers())]
    acknowledgements = chain.acknowledgements()
    answered = {
        t: acknowledgements[t.wrong] for t in troubles if t.lasts and t.wrong in acknowledgements
    }

    return RegisterVerification(
        [trouble for trouble in troubles if trouble not in answered],
        [(trouble, answered[trouble]) for trouble in troubles if trouble in answered],
        notes,
        [entry for entry, _ in chain.entries],
        head,
        chain.signer() if signature is not None else None,
        len(run_files.run_ids),
        run_files.files,
        run_files.size,
    )


def _verify_head(
    chain: Chain, content: bytes | None, text: bytes | None, troubles: list[Trouble]
) -> Head | None:
    if content is None:
        troubles.append(Trouble(REGISTER, Symptom.REGISTER_MISSING.text()))
    if text is None:
        troubles.append(Trouble(HEAD, Symptom.HEAD_MISSING.text()))
        return None

    try:
        head = parse_head(text)
    except ValueError:
        troubles.append(Trouble(HEAD, Symptom.NO_HEAD.text()))
        return None

    last, sha256 = chain.entries[-1] if chain.entries else (None, GENESIS)
    newest = last.number if last else 0
    if sha256 == head.sha256 and newest == head.number:
        return head

    if newest < head.number:
        what = Symptom.END_REMOVED.text(newest=newest, head=head.number)
        troubles.append(Trouble(REGISTER, what))
    elif newest == head.number:
        troubles.append(Trouble(HEAD, Symptom.OTHER_HEAD.text(newest=newest)))
    else:
        what = Symptom.HEAD_BEHIND.text(newest=newest, head=head.number)
        troubles.append(Trouble(HEAD, what))

    return head


def _verify_head_signature(
    signature: bytes | None, head: bytes, signers: str, troubles: list[Trouble]
) -> None:
    if signature is None:
        troubles.append(Trouble(HEAD_SIGNATURE, Symptom.HEAD_UNSIGNED.text()))
        return
    problem = signature_problem(head, signature, signers)
    if problem is not None:
        troubles.append(Trouble(HEAD_SIGNATURE, Symptom.SIGNATURE.text(problem=problem)))


def _verify_published(chain: Chain, text: str) -> Iterator[Trouble]:
    by_hash = {sha256: entry.number for entry, sha256 in chain.entries}
    matches = list(_PUBLISHED.finditer(text))
    if not matches:
        yield Trouble("--head", Symptom.NO_HEAD_PUBLISHED.text())

    for match in matches:
        number, sha256 = match.groups()
        if sha256 not in by_hash:
            what = Symptom.PUBLISHED_MISSING.text(entry=number or "?", sha256=sha256)
            yield Trouble("--head", what)
        elif number is not None and int(number) != by_hash[sha256]:
            moved = {"sha256": sha256, "entry": by_hash[sha256], "number": number}
            yield Trouble("--head", Symptom.PUBLISHED_MOVED.text(**moved))


def _verify_sabotages(chain: Chain, troubles: list[Trouble]) -> None:
    """Read each sabotage: one whose faults and checks contradict each other has no score."""
    for entry, _ in chain.of(EntryKind.SABOTAGE):
        try:
            SabotageEntry.model_validate(entry.body)
        except ValidationError:
            troubles.append(at_entry(entry, Symptom.NO_SABOTAGE.text()))


def _verify_stamps(
    chain: Chain, troubles: list[Trouble], *, each: bool, of: set[str] | None
) -> None:
    """Verify the newest stamp, or those of the entries with these hashes, or each."""
    stamps = list(chain.of(EntryKind.STAMP))
    if of is not None:
        stamps = [(entry, sha256) for entry, sha256 in stamps if entry.previous in of]
    elif not each:
        stamps = stamps[-1:]

    for entry, _ in stamps:
        try:
            stamp = Stamp.model_validate(entry.body)
            response = stamp.der()
        except ValueError:
            troubles.append(at_entry(entry, Symptom.NO_STAMP.text()))
            continue
        if stamp.sha256 != entry.previous:
            troubles.append(at_entry(entry, Symptom.OTHER_STAMP.text()))
            continue

        problem = stamp_problem(stamp.sha256, response, chain.authorities())
        if problem is not None:
            troubles.append(at_entry(entry, Symptom.STAMP.text(problem=problem)))


def stamped(entry: Entry) -> str:
    """Return the time that a stamp's authority states, for people."""
    try:
        at = stated_time(Stamp.model_validate(entry.body).der())
    except (ValueError, ToolError):
        return "at an unreadable time"
    return f"{at:%Y-%m-%d %H:%M:%S UTC}" if at else "at an unreadable time"
