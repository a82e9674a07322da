"""Read files of checksums, whoever wrote them: by their lines, not by their names.

The restores read them with the same functions (playbooks/files/fetch-backup; a test compares them),
so those use the standard library alone.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from pradrill.errors import NotReadyError
from pradrill.ports import Folder, FolderEntry

_MOST = 16 << 20
_TITLES = {"md5": "MD5"}

# ---------------------------------------------------------------- the restores have this, too

LENGTHS = {32: "md5", 40: "sha1", 56: "sha224", 64: "sha256", 96: "sha384", 128: "sha512"}
WORD = r"(?:sha-?(?:1|224|256|384|512)|md5)"
BESIDE = re.compile(rf"(?is)(.+)\.{WORD}(?:sums?)?(?:\.txt)?")
OF_MANY = re.compile(rf"(?i)(?:{WORD}(?:[_-]?sums?)?|(?:check)?sums?)(?:\.txt)?")
PLAIN = re.compile(r"(\\?)([0-9a-fA-F]{16,})(?: [ *]|[ \t]+\*?)(.+)", re.DOTALL)
TAGGED = re.compile(r"(\\?)([A-Za-z0-9/-]+) ?\((.+)\) ?= ?([0-9a-fA-F]+)", re.DOTALL)
BARE = re.compile(r"[0-9a-fA-F]{32,}")
ESCAPED = {"n": "\n", "r": "\r"}
UNREADABLE = ("", "")


def is_sums(name: str) -> bool:
    """Tell whether a file is one of checksums, by what it is called."""
    return bool(BESIDE.fullmatch(name) or OF_MANY.fullmatch(name))


def lines_of(text: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield the name and the sum (algorithm, digest) of each line that tells of a file.

    A sum that is none is UNREADABLE; the name is empty where the line has none.
    """
    for raw in text.lstrip("\ufeff").split("\n"):
        line = raw.rstrip("\r")
        if tagged := TAGGED.fullmatch(line):
            escape, tag, name, digest = tagged.groups()
            algorithm = tag.lower().replace("sha2-", "sha").replace("-", "")
        elif plain := PLAIN.fullmatch(line):
            escape, digest, name = plain.groups()
            algorithm = LENGTHS.get(len(digest), "")
        elif BARE.fullmatch(line.strip()):
            escape, digest, name = "", line.strip(), ""
            algorithm = LENGTHS.get(len(digest), "")
        else:
            continue
        if escape:
            name = re.sub(r"\\(.)", lambda sign: ESCAPED.get(sign[1], sign[1]), name)
        is_known = LENGTHS.get(len(digest)) == algorithm
        yield "" if name == "-" else name, (algorithm, digest.lower()) if is_known else UNREADABLE


def sums_in(text: str, top: str, names: Collection[str]) -> dict[str, tuple[str, str]]:
    """Return the sum of each name in a list that lies in the folder `top`; the strongest counts.

    A whole path from elsewhere is one of `names` by its last part, or none.
    """
    sums: dict[str, tuple[str, str]] = {}
    for name, one in lines_of(text):
        path = posixpath.normpath(name)
        if path.startswith("/"):
            inside = path.startswith(top.rstrip("/") + "/")
            last = posixpath.basename(path)
            path = posixpath.relpath(path, top) if inside else last if last in names else "."
        if path not in (".", "..") and not path.startswith("../"):
            stronger = len(one[1]) >= len(sums.get(path, UNREADABLE)[1])
            sums[path] = one if stronger else sums[path]
    return sums


def sum_beside(text: str, name: str) -> tuple[str, str]:
    """Return what the file beside a file says of that one; UNREADABLE when it says nothing."""
    known_as = ("", posixpath.basename(name))
    its = [one for path, one in lines_of(text) if posixpath.basename(path) in known_as]
    return max(its, key=lambda one: len(one[1]), default=UNREADABLE)


# ---------------------------------------------------------------- until here


class Sum(NamedTuple):
    """What a file's bytes must add up to."""

    algorithm: str
    """As hashlib has it; empty: what is written there cannot be read."""

    digest: str

    @property
    def title(self) -> str:
        """Return the algorithm as people write it."""
        return _TITLES.get(self.algorithm, self.algorithm.upper().replace("SHA", "SHA-"))

    def new(self) -> hashlib._Hash:
        """Return what computes it."""
        return hashlib.new(self.algorithm or "sha256", usedforsecurity=False)


UNREAD = Sum(*UNREADABLE)


def beside(entries: Sequence[FolderEntry]) -> Mapping[str, Sequence[FolderEntry]]:
    """Return the files → those that tell of the one file alone."""
    files = {entry.name for entry in entries if not entry.is_folder}
    neighbours: dict[str, list[FolderEntry]] = {}
    for entry in entries:
        match = BESIDE.fullmatch(entry.name)
        if match and match[1] in files and not entry.is_folder:
            neighbours.setdefault(match[1], []).append(entry)

    return neighbours


def listed(folder: Folder, top: str, entries: Sequence[FolderEntry]) -> dict[str, Sum]:
    """Return the names that the lists in a folder tell of, and what they say."""
    alone = {each for several in beside(entries).values() for each in several}
    names = {entry.name for entry in entries}
    sums: dict[str, Sum] = {}
    for entry in entries:
        if not entry.is_folder and is_sums(entry.name) and entry not in alone:
            for name, one in sums_in(_text(folder, top, entry), top, names).items():
                if len(one[1]) >= len(sums.get(name, UNREAD).digest):
                    sums[name] = Sum(*one)

    return sums


def all_sums(
    folder: Folder, top: str, entries: Sequence[FolderEntry], of: Collection[str] | None = None
) -> Mapping[str, Sum]:
    """Return the sum of everything that has one; what lies beside a file alone governs.

    Those files are read for the names in `of` only; None: for all.
    """
    sums = listed(folder, top, entries)
    for name, its in beside(entries).items():
        if of is None or name in of:
            readings = [Sum(*sum_beside(_text(folder, top, entry), name)) for entry in its]
            sums[name] = max(readings, key=lambda one: len(one.digest))

    return sums


def _text(folder: Folder, top: str, entry: FolderEntry) -> str:
    """Return a file's text; empty when it is none, or closed: then it proves nothing."""
    if entry.size > _MOST:
        return ""
    try:
        with folder.read(f"{top.rstrip('/')}/{entry.name}") as pieces:
            return b"".join(pieces).decode("utf-8", "surrogateescape")
    except NotReadyError:
        return ""
