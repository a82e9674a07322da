"""Check that a dump is whole: its checksum, its compression's, its format's end.

Sound is only what a checksum covers: without one, a changed byte may look like any other.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Callable, Iterator, Mapping

from pradrill.adapters.backups.dumps import checksums, contents, kinds
from pradrill.adapters.backups.dumps.checksums import Sum
from pradrill.adapters.backups.dumps.contents import Content
from pradrill.adapters.backups.dumps.unpacking import TooLargeError, Unpacked, UnpackError
from pradrill.domain.run.backup_integrity import Checked, Soundness
from pradrill.domain.run.host_answers import last_line
from pradrill.errors import NotReadyError
from pradrill.ports import Bounds, Folder
from pradrill.system.command import run

_UNSURE = "it is complete, but nothing would tell a changed byte"
_METHOD = "reading the whole dump"
_FEW = 100  # pieces of a file that has some lines

_Judge = Callable[[Unpacked, Bounds], Content]


def check_file(
    folder: Folder, path: str, its: Sum | None, bounds: Bounds, *, is_part: bool = False
) -> Checked:
    """Read one file: its checksum if there is one, what it is packed in, what it is."""
    judge = _one_of_several if is_part else contents.judge
    return _check(folder, path, its, bounds, judge=judge)


def _check(folder: Folder, path: str, its: Sum | None, bounds: Bounds, *, judge: _Judge) -> Checked:
    digest = (its or checksums.UNREAD).new()
    with folder.read(path) as pieces:
        unpacked = Unpacked(_digested(pieces, digest, bounds))
        try:
            unpacked.raise_failure()
            content = judge(unpacked, bounds)
            unpacked.raise_failure()
        except TooLargeError:
            content = Content()
        except UnpackError as error:
            content = Content("" if judge is _one_of_several else str(error))

        unpacked.exhaust()  # so that the digest covers what a tool did not want to read
    if its and its.algorithm and digest.hexdigest() != its.digest:
        others = (each for each in its.others() if _adds_up(folder, path, each, bounds))
        other = next(others, None)
        if other is None:
            return Checked(Soundness.DAMAGED, _METHOD, f"its {its.title} is not the one beside it")
        its = other

    if content.damage:
        return Checked(Soundness.DAMAGED, _METHOD, content.damage)
    return _proven(content, unpacked, its)


def _proven(content: Content, unpacked: Unpacked, its: Sum | None) -> Checked:
    """Return how far something would tell a changed byte in what shows no damage."""
    if content.doubt:
        return Checked(Soundness.UNPROVEN, _METHOD, content.doubt)
    if its and its.algorithm:
        return Checked(Soundness.SOUND, f"{_METHOD}, {its.title}")
    if its:
        return Checked(
            Soundness.UNPROVEN, _METHOD, "what is beside it is no checksum that is read here"
        )
    if content.is_complete and unpacked.checksummed:
        return Checked(Soundness.SOUND, f"{_METHOD}, {unpacked.packing}'s checksum")

    why = _UNSURE if content.is_complete else "nothing in it marks its end, and it has no checksum"
    if unpacked.closed:
        why = f"it is {unpacked.closed}, which is not read here, and it has no checksum"
    return Checked(Soundness.UNPROVEN, _METHOD, f"{why}; write its SHA-256 beside it")


def _adds_up(folder: Folder, path: str, its: Sum, bounds: Bounds) -> bool:
    """Tell whether a file has that sum; it is read once more."""
    digest = its.new()
    with folder.read(path) as pieces:
        for _ in _digested(pieces, digest, bounds):
            pass
    return digest.hexdigest() == its.digest


def check_folder(folder: Folder, path: str, beside: Mapping[str, Sum], bounds: Bounds) -> Checked:
    """Read every file of a dump folder; all of them must be among its checksums."""
    files = dict(kinds.walk(folder, path))
    data = sorted(each for each in files if not checksums.is_sums(each))
    kind = kinds.of_folder(files)
    if kind.problem or not data:
        return Checked(Soundness.DAMAGED, _METHOD, kind.problem or "it is empty")

    name = path.rpartition("/")[2]
    sums = dict(checksums.all_sums(folder, path, kinds.by_path(files)))
    sums |= {
        each.removeprefix(f"{name}/"): digest
        for each, digest in beside.items()
        if each.startswith(f"{name}/")
    }
    if missing := checksums.missing_of(sums, files):
        return Checked(Soundness.DAMAGED, _METHOD, f"{last_line(missing[0])} is missing")

    places = kinds.places_of_jobs(files)
    unsummed, doubts = 0, []
    for each in data:
        is_summed = each in sums and sums[each].algorithm != ""
        unsummed += not is_summed
        # Of no maker are a job's own dumps and archives; a tree has files that are neither.
        above, _, its = each.rpartition("/")
        is_of_tree = kinds.is_note(its) or above not in {"", *places}
        judge = _unpacks if kind.maker else _of_tree if is_of_tree else _part
        if kinds.is_part(each, files):
            judge = _one_of_several
        checked = _check(folder, f"{path}/{each}", sums.get(each), bounds, judge=judge)
        if checked.soundness is Soundness.DAMAGED:
            return Checked(Soundness.DAMAGED, _METHOD, f"{last_line(each)}: {checked.detail}")
        if checked.soundness is Soundness.UNPROVEN and is_summed:
            doubts.append(f"{last_line(each)}: {checked.detail}")

    if damage := _by_its_tool(folder, path, kind.maker, bounds):
        return Checked(Soundness.DAMAGED, _METHOD, damage)
    if unsummed:
        doubts.insert(0, f"{unsummed} files have no checksum; write SHA256SUMS into the folder")
    if doubts:
        return Checked(Soundness.UNPROVEN, _METHOD, doubts[0])

    titles = sorted({sums[each].title for each in data})
    return Checked(Soundness.SOUND, f"{_METHOD}, {' or '.join(titles)} of each of its files")


def _by_its_tool(folder: Folder, path: str, maker: str, bounds: Bounds) -> str:
    """Return why the tool that loads a folder would not; empty: it would, or it was not asked."""
    here = folder.local(path)
    if maker == "pg_dump" and here is not None:
        words = ["pg_restore", "-f", "/dev/null", str(here)]
        reply = run(words, bounds, extra={}, package="postgresql-client")
        return contents.archive_of(reply, bounds).damage
    if maker == "mydumper":  # the restore looks for the same
        with folder.read(f"{path}/metadata") as pieces:
            text = b"".join(itertools.islice(pieces, _FEW))
        if not re.search(rb"(?i)finished dump at", text):
            return "mydumper did not come to its end: its metadata file does not say so"
    return ""


def _unpacks(unpacked: Unpacked, _bounds: Bounds) -> Content:
    """See that a part of a dump unpacks; what it means only the whole tells."""
    unpacked.exhaust()
    return Content(is_complete=True)


def _one_of_several(unpacked: Unpacked, _bounds: Bounds) -> Content:
    """Read a part of a file that was split: where it ends, and how the next begins, is no fault."""
    unpacked.exhaust()
    return Content()


def _of_tree(unpacked: Unpacked, bounds: Bounds) -> Content:
    """Judge a file of a tree: some are empty, or filled with zeros, and meant to be."""
    return (_part if unpacked.head.strip(b"\0") else _unpacks)(unpacked, bounds)


def _part(unpacked: Unpacked, bounds: Bounds) -> Content:
    """Judge what lies in a job's own folder; a log there may hold a tool's words."""
    content = contents.judge(unpacked, bounds)
    return content if contents.is_sql(unpacked.head) else content._replace(doubt="")


def _digested(pieces: Iterator[bytes], digest: hashlib._Hash, bounds: Bounds) -> Iterator[bytes]:
    for piece in pieces:
        if bounds.cancelled():
            raise NotReadyError("reading the dump was stopped before its end")
        digest.update(piece)
        yield piece
