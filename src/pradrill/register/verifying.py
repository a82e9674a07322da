"""Whether a register and its runs are what they were: every trouble at once, with its place.

Everything is read as hostile: a register can name any path and hold any bytes.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from pradrill.domain.entry import GENESIS, Entry, EntryKind, Head, RunEntry, Seals, Stamp
from pradrill.errors import RecordError
from pradrill.register.attempts import RECORD, SIGNATURE
from pradrill.register.chain import HEAD, HEAD_SIGNATURE, REGISTER, line_hash, parse_head
from pradrill.register.signing import Signer, signature_problem
from pradrill.register.stamping import stamp_problem, stated_time
from pradrill.register.tools import ToolError

RUNS = "runs"
_RUN_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,200}")
NOT_EVIDENCE = {"alive", "people", "reports"}  # lock, questions (the journal has them), derived
_PUBLISHED = re.compile(r"(?<![0-9a-f])(?:([1-9]\d{0,11}) )?([0-9a-f]{64})(?![0-9a-f])")


class Trouble(NamedTuple):
    """Something that is not what it was, and where."""

    where: str
    what: str

    def __str__(self) -> str:
        """Return it as one line that moves no cursor."""
        return "".join(c if c.isprintable() else "?" for c in f"{self.where}: {self.what}")[:600]


class Verified(NamedTuple):
    """What a verification found and what it looked at."""

    troubles: list[Trouble]
    notes: list[str]
    entries: list[Entry]
    head: Head | None
    signer: Signer | None
    """Who signed the head, as the register has it; None when nobody did."""
    runs: int
    files: int
    size: int


class Chain(NamedTuple):
    """The entries that can be read, each with its hash, and what is wrong with their order."""

    entries: list[tuple[Entry, str]]
    troubles: list[Trouble]

    def of(self, kind: EntryKind) -> Iterator[tuple[Entry, str]]:
        """Return the entries of a kind."""
        return ((entry, told) for entry, told in self.entries if entry.kind is kind)

    def seals(self) -> list[Seals]:
        """Return who signed and stamped, oldest first."""
        found = []
        for entry, _ in self.of(EntryKind.SEALS):
            try:
                found.append(Seals.model_validate(entry.body))
            except ValidationError:
                self.troubles.append(_at(entry, "it does not say who signs"))
        return found

    def signers(self) -> str:
        """Return the allowed_signers file of every key that the chain names."""
        lines = [
            str(Signer(seals.principal or "", seals.public_key))
            for seals in self.seals()
            if seals.public_key
        ]
        return "".join(f"{line}\n" for line in dict.fromkeys(lines))

    def signer(self) -> Signer | None:
        """Return who signs now."""
        seals = (self.seals() or [Seals()])[-1]
        if seals.principal is None or seals.public_key is None:
            return None
        return Signer(seals.principal, seals.public_key)

    def authorities(self) -> str:
        """Return the certificates (PEM) of every authority that the chain names."""
        return "".join(dict.fromkeys(s.authority_ca for s in self.seals() if s.authority_ca))


def verify(
    state: Path,
    *,
    signers: str | None = None,
    published: Sequence[str] = (),
    each: bool = False,
    runs: Sequence[str] | None = None,
) -> Verified:
    """Compare a state directory with its register; raises RecordError when there is none.

    `signers`: allowed_signers that the reader trusts, instead of the keys that the chain names;
    then everything must be signed. `published`: texts that hold heads. `each`: verify every
    signature and stamp by itself; otherwise the head's and the newest, because they and the hashes
    hold the rest. `runs`: only these are there, as in a bundle; otherwise all of them must be.
    """
    content = _read(state / REGISTER)
    head_text = _read(state / HEAD)
    if content is None and head_text is None:
        raise RecordError(f"there is no register in {state}", hint="Name the folder with --state.")
    chain = read_chain(content or b"")
    troubles = chain.troubles
    head = _verify_head(chain, content, head_text, troubles)
    allowed = chain.signers() if signers is None else signers
    if head_text is not None and (signers is not None or chain.signer() is not None):
        _verify_head_signature(state, head_text, allowed, troubles)
    for text in published:
        troubles += _verify_published(chain, text)
    looked = _Runs(state / RUNS, troubles, signers=allowed if each else None)
    for entry, told in chain.of(EntryKind.RUN):
        if runs is None or entry.body.get("run_id") in runs:
            looked.verify(entry, told)
    _verify_stamps(chain, troubles, each=each, of=None if runs is None else looked.entries)
    for missing in sorted(set(runs or ()) - looked.seen):
        troubles.append(Trouble(f"{RUNS}/{missing}", "the register has no entry for this run"))
    return Verified(
        troubles,
        [*_notes(chain), *looked.strangers()],
        [entry for entry, _ in chain.entries],
        head,
        chain.signer() if (state / HEAD_SIGNATURE).is_file() else None,
        len(looked.seen),
        looked.files,
        looked.size,
    )


def read_chain(content: bytes) -> Chain:
    """Read the entries of a register, and say where the chain is broken."""
    troubles: list[Trouble] = []
    entries: list[tuple[Entry, str]] = []
    number, previous = 0, GENESIS
    *lines, rest = content.split(b"\n")
    for place, line in enumerate(lines, 1):
        told = line_hash(line + b"\n")
        where = f"{REGISTER}:{place}"
        try:
            entry = Entry.model_validate_json(line)
        except ValidationError:
            troubles.append(Trouble(where, "this line is no entry: it was edited or damaged"))
            number, previous = number + 1, told
            continue
        if entry.number > number + 1:
            one = entry.number == number + 2
            gone = (
                f"entry {number + 1} is"
                if one
                else f"entries {number + 1} to {entry.number - 1} are"
            )
            troubles.append(Trouble(where, f"before entry {entry.number}, {gone} missing"))
        elif entry.number <= number:
            what = f"entry {entry.number} stands after entry {number}: the order was changed"
            troubles.append(Trouble(where, what))
        elif entry.previous != previous:
            what = f"entry {entry.number} carries another hash than that of line {place - 1}"
            troubles.append(Trouble(where, f"{what}: one of both was edited"))
        entries.append((entry, told))
        number, previous = entry.number, told
    if rest:
        what = "the last line is cut off: by a crash, or the end was removed"
        troubles.append(Trouble(f"{REGISTER}:{len(lines) + 1}", what))
    return Chain(entries, troubles)


def _verify_head(
    chain: Chain, content: bytes | None, text: bytes | None, troubles: list[Trouble]
) -> Head | None:
    if content is None:
        troubles.append(Trouble(REGISTER, "the register is missing"))
    if text is None:
        troubles.append(Trouble(HEAD, "the head is missing"))
        return None
    try:
        head = parse_head(text)
    except ValueError:
        troubles.append(Trouble(HEAD, "it does not hold a number and a hash"))
        return None
    last, told = chain.entries[-1] if chain.entries else (None, GENESIS)
    newest = last.number if last else 0
    if told == head.sha256 and newest == head.number:
        return head
    if newest < head.number:
        gone = f"the register ends with entry {newest}, its head is entry {head.number}"
        troubles.append(Trouble(REGISTER, f"{gone}: the end was removed"))
    elif newest == head.number:
        troubles.append(Trouble(HEAD, f"entry {newest} is not the one that the head names"))
    else:
        more = f"the register goes on to entry {newest}, its head is entry {head.number}"
        troubles.append(Trouble(HEAD, f"{more}: a crash, or entries by another hand"))
    return head


def _verify_head_signature(state: Path, head: bytes, signers: str, troubles: list[Trouble]) -> None:
    signature = _read(state / HEAD_SIGNATURE)
    if signature is None:
        troubles.append(Trouble(HEAD_SIGNATURE, "the head is not signed, and a key is named"))
        return
    problem = signature_problem(head, signature, signers)
    if problem is not None:
        troubles.append(Trouble(HEAD_SIGNATURE, f"the signature {problem}"))


def _verify_published(chain: Chain, text: str) -> Iterator[Trouble]:
    by_hash = {told: entry.number for entry, told in chain.entries}
    matches = list(_PUBLISHED.finditer(text))
    if not matches:
        yield Trouble("--head", "no head was found in it; one is a number and a hash")
    for match in matches:
        number, told = match.groups()
        if told not in by_hash:
            what = "was published and is not in the register: the end was removed or changed"
            yield Trouble("--head", f"entry {number or '?'}, {told}, {what}")
        elif number is not None and int(number) != by_hash[told]:
            yield Trouble("--head", f"{told} is entry {by_hash[told]}, not {number}")


def _verify_stamps(
    chain: Chain, troubles: list[Trouble], *, each: bool, of: set[str] | None
) -> None:
    """Verify the newest stamp, or those of the entries with these hashes, or each."""
    stamps = list(chain.of(EntryKind.STAMP))
    if of is not None:
        stamps = [(entry, told) for entry, told in stamps if entry.previous in of]
    elif not each:
        stamps = stamps[-1:]
    for entry, _ in stamps:
        try:
            stamp = Stamp.model_validate(entry.body)
            response = stamp.der()
        except ValueError:
            troubles.append(_at(entry, "it holds no stamp"))
            continue
        if stamp.sha256 != entry.previous:
            troubles.append(_at(entry, "the stamp is of another entry than the one before"))
            continue
        problem = stamp_problem(stamp.sha256, response, chain.authorities())
        if problem is not None:
            troubles.append(_at(entry, f"the stamp {problem}"))


def _notes(chain: Chain) -> Iterator[str]:
    for entry, _ in chain.of(EntryKind.DAMAGE):
        yield f"entry {entry.number} says: {entry.body.get('found')}"
    for entry, _ in chain.of(EntryKind.RUN):
        if entry.body.get("unsigned"):
            yield f"run {entry.body.get('run_id')} is not signed: {entry.body['unsigned']}"


class _Runs:
    """The folders of runs, compared with their entries."""

    def __init__(self, folder: Path, troubles: list[Trouble], *, signers: str | None) -> None:
        self.folder = str(folder)
        self.troubles = troubles
        self.signers = signers
        self.seen: set[str] = set()
        self.entries: set[str] = set()
        self.files = self.size = 0

    def verify(self, entry: Entry, told: str) -> None:
        """Compare a run's files with its entry: each is there, unchanged, and there is no other."""
        self.entries.add(told)
        try:
            run = RunEntry.model_validate(entry.body)
        except ValidationError:
            self.troubles.append(_at(entry, "it does not describe a run"))
            return
        if not _RUN_ID.fullmatch(run.run_id):
            self.troubles.append(_at(entry, "it names a run that cannot be"))
            return
        self.seen.add(run.run_id)
        folder = f"{self.folder}/{run.run_id}"
        there = {path for path, _ in tree(folder)}
        if not there and not os.path.isdir(folder):  # noqa: PTH112 said 4,000 times
            what = f"the run of entry {entry.number} is missing"
            self.troubles.append(Trouble(f"{RUNS}/{run.run_id}", what))
            return
        named = {RECORD: run.record_sha256} | {str(file.path): file.sha256 for file in run.files}
        for path, expected in named.items():
            self._verify_file(run.run_id, path, expected, there)
        for path in sorted(there - named.keys()):
            if path.split("/")[0] not in NOT_EVIDENCE:
                what = f"was added after entry {entry.number}"
                self.troubles.append(Trouble(f"{RUNS}/{run.run_id}/{path}", what))
        if self.signers is not None and SIGNATURE in named:
            self._verify_signature(run.run_id, self.signers)

    def _verify_file(self, run_id: str, path: str, told: str, there: set[str]) -> None:
        where = f"{RUNS}/{run_id}/{path}"
        if path not in there:
            self.troubles.append(Trouble(where, "is missing"))
            return
        found = self._hash(f"{self.folder}/{run_id}/{path}")
        if found is None:
            self.troubles.append(Trouble(where, "cannot be read as a file"))
        elif found != told:
            self.troubles.append(Trouble(where, f"was changed: {found}, not {told}"))

    def _hash(self, path: str) -> str | None:
        try:
            file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return None
        with open(file, "rb", buffering=0) as opened:  # noqa: PTH123 a descriptor, not a path
            status = os.fstat(file)
            if not stat.S_ISREG(status.st_mode):
                return None
            self.files += 1
            self.size += status.st_size
            try:
                return hashlib.file_digest(opened, "sha256").hexdigest()
            except OSError:
                return None

    def _verify_signature(self, run_id: str, signers: str) -> None:
        folder = Path(self.folder, run_id)
        record, signature = _read(folder / RECORD), _read(folder / SIGNATURE)
        if record is not None and signature is not None:
            problem = signature_problem(record, signature, signers)
            if problem is not None:
                where = f"{RUNS}/{run_id}/{SIGNATURE}"
                self.troubles.append(Trouble(where, f"the signature {problem}"))

    def strangers(self) -> list[str]:
        """Tell the sealed runs that no entry names; return notes on those without a record."""
        notes = []
        try:
            names = sorted(e.name for e in os.scandir(self.folder) if not e.name.startswith("."))
        except OSError:
            return []
        for name in names:
            if name in self.seen:
                continue
            if Path(self.folder, name, RECORD).exists():
                what = (
                    "is sealed and has no entry: a crash (any command enters it), or it was added"
                )
                self.troubles.append(Trouble(f"{RUNS}/{name}", what))
            else:
                notes.append(f"{RUNS}/{name} has no record: it is running, or has crashed")
        return notes


def tree(
    folder: str, below: str = "", *, all_of_it: bool = False
) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Return what in a folder is no folder; links are not followed, a run's reports are left out.

    `all_of_it`: nothing is left out.
    """
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            if below or all_of_it or entry.name not in NOT_EVIDENCE:
                yield from tree(entry.path, f"{below}{entry.name}/", all_of_it=all_of_it)
        else:
            yield f"{below}{entry.name}", entry


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes() if path.is_file() else None
    except OSError:
        return None


def _at(entry: Entry, what: str) -> Trouble:
    return Trouble(f"{REGISTER}: entry {entry.number}", what)


def stamped(entry: Entry) -> str:
    """Return the time that a stamp's authority states, for people."""
    try:
        at = stated_time(Stamp.model_validate(entry.body).der())
    except (ValueError, ToolError):
        return "at an unreadable time"
    return f"{at:%Y-%m-%d %H:%M:%S UTC}" if at else "at an unreadable time"
