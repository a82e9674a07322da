"""Read files of checksums, whoever wrote them: by their lines, not by their names.

The restores read them with the same functions (playbooks/files/fetch-backup; a test compares them),
so those use the standard library alone.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pradrill.errors import NotReadyError
from pradrill.ports import Folder, FolderEntry

_MOST = 16 << 20
_TITLES = {"md5": "MD5", "blake2b": "BLAKE2b", "blake2s": "BLAKE2s"}

# ---------------------------------------------------------------- the restores have this, too

KINDS = {
    32: ("md5", "blake2b"),
    40: ("sha1", "blake2b"),
    56: ("sha224", "sha3_224", "sha512_224", "blake2b"),
    64: ("sha256", "sha3_256", "sha512_256", "blake2b", "blake2s"),
    96: ("sha384", "sha3_384", "blake2b"),
    128: ("sha512", "blake2b", "sha3_512"),
}
"""Digits of a sum -> what may have made it, the likeliest first; BLAKE2b makes any length."""
OTHER = (
    r"(?:b3|blake3|xxh(?:ash|32|64|128|3)?|crc(?:32c?)?|sfv|hashdeep|whirlpool|tiger|md4|sm3"
    r"|rmd(?:160)?|ripemd[_-]?(?:160)?)"
)
"""Sums that are not known here; some are as long as those that are."""
WORD = rf"(?:sha(?:3|2)?[_-]?(?:1|224|256|384|512(?:[_-]?(?:224|256))?)|md5|b2|blake2[bs]?|{OTHER})"
SIGNED = r"(?:\.txt)?(?:\.(?:asc|sig|sign|gpg|minisig))?"
BESIDE = re.compile(rf"(?is)(.+)\.(?:{WORD}(?:sums?)?|checksums?){SIGNED}")
OF_OTHERS = re.compile(rf"(?is)(?:.*\.)?{OTHER}(?:[_-]?sums?)?{SIGNED}")
OF_MANY = re.compile(rf"(?i)\.?(?:{WORD}(?:[_-]?sums?)?|(?:check)?sums?){SIGNED}")
PLAIN = re.compile(r"[ \t]*(\\?)([0-9a-fA-F]{16,})(?: [ *]|[ \t]+\*?)(.+)", re.DOTALL)
TAGGED = re.compile(r"(\\?)([A-Za-z0-9/-]+) ?\((.+)\) ?= ?([0-9a-fA-F]+)", re.DOTALL)
BARE = re.compile(r"[0-9a-fA-F]{32,}")
ESCAPED = {"n": "\n", "r": "\r"}
PACKED = ("", ".gz", ".xz", ".bz2", ".zst")
UNREADABLE = ("", "")
NO_HOMES: Mapping[str, bool] = {}


def is_sums(name: str) -> bool:
    """Tell whether a file is one of checksums, or their signature, by what it is called."""
    name = posixpath.basename(name)
    return bool(BESIDE.fullmatch(name) or OF_MANY.fullmatch(name))


def kinds_of(digest: str, tag: str = "") -> tuple[str, ...]:
    """Return what may have made a sum: one when its tag says so, none when no such sum is known."""
    kinds = KINDS.get(len(digest), ())
    called = re.sub("[_/-]", "", tag.lower().replace("sha2-", "sha"))
    called = re.sub(rf"{4 * len(digest)}$", "", called) if "blake2" in called else called
    kinds = tuple(each for each in kinds if called in ("", each.replace("_", "")))
    return tuple(each for each in kinds if each in hashlib.algorithms_available)


def new_hash(kind: str, digest: str) -> hashlib._Hash:
    """Return what computes sums of that kind that are as long as this one."""
    is_blake = kind.startswith("blake2")  # of which older Pythons take no such word
    options: dict[str, Any] = {} if is_blake else {"usedforsecurity": False}
    if kind == "blake2b":
        options["digest_size"] = len(digest) // 2
    return hashlib.new(kind, **options)


def below(name: str, top: str) -> str:
    """Return a name from that folder on; itself, where it lies elsewhere."""
    return re.sub(rf"\A{re.escape(top)}", "", name)


def lines_of(text: str, path: str = "") -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield the name and the sum (algorithm, digest) of each line that tells of a file.

    A sum that is none, or one of the others by its list's name, is UNREADABLE; the name is empty
    where the line has none.
    """
    is_other = bool(OF_OTHERS.fullmatch(posixpath.basename(path)))
    for raw in re.split("[\n\0]", text.lstrip("\ufeff")):
        line, tag = raw.rstrip("\r"), ""
        if tagged := TAGGED.fullmatch(line):
            escape, tag, name, digest = tagged.groups()
        elif plain := PLAIN.fullmatch(line):
            escape, digest, name = plain.groups()
        elif BARE.fullmatch(line.strip()):
            escape, digest, name = "", line.strip(), ""
        else:
            continue
        if escape:
            name = re.sub(r"\\(.)", lambda sign: ESCAPED.get(sign[1], sign[1]), name)
        kinds = () if is_other else kinds_of(digest, tag)
        yield "" if name == "-" else name, (kinds[0], digest.lower()) if kinds else UNREADABLE


def place_of(name: str, top: str, names: Collection[str], above: str = "") -> str:
    """Return which file a list in the folder `top` means, from there; empty: one of elsewhere.

    Whoever made it may have stood in the folder above, or elsewhere; or have written backslashes,
    blanks behind a name, or a size before it.
    """
    top, path = top.rstrip("/") + "/", posixpath.normpath(name)
    bare = re.sub(r"^\d+ +(?=.)", "", name.rstrip())
    for each in (name, name.rstrip(), bare, bare.replace("\\", "/")):
        full = posixpath.normpath(re.sub("^[A-Za-z]:(?=/)", "", each))
        last = posixpath.basename(full) if full.startswith("/") else full
        ways = (below(full, top), below(full, posixpath.basename(top[:-1]) + "/"), last)
        if there := [way for way in ways if above + way in names]:
            return there[0]

    path = below(path, top)
    return "" if path in (".", "..") or path.startswith(("../", "/")) else path


def sums_in(
    text: str,
    top: str,
    names: Collection[str],
    path: str = "",
    homes: Mapping[str, bool] = NO_HOMES,
) -> dict[str, tuple[str, str]]:
    """Return the sum of each name that a list at `path` below `top` tells of; the strongest counts.

    All of it tells of one folder: the nearest that holds a file of its, its own or one above that
    is not in `homes`, which have lists themselves. When none does, all is missing from its own:
    unless that holds other files, as one of a tree does that has somebody else's list.
    """
    lines, levels = [*lines_of(text, path)], [posixpath.dirname(path)]
    while levels[-1]:
        levels.append(posixpath.dirname(levels[-1]))

    places: list[tuple[str, str, tuple[str, str]]] = []
    for folder in [each for each in levels if each == levels[0] or each not in homes] + levels[:1]:
        above = f"{folder}/".lstrip("/")
        where = f"{top.rstrip('/')}/{above}"
        places = [(above, place_of(name, where, names, above), one) for name, one in lines]
        if any(above + place in names and not is_sums(place) for _, place, _ in places):
            break
    else:
        if homes.get(levels[0]):
            return {}

    sums: dict[str, tuple[str, str]] = {}
    for above, place, one in places:
        if place and len(one[1]) >= len(sums.get(above + place, UNREADABLE)[1]):
            sums[above + place] = one
    return sums


def spelling_of(name: str) -> str:
    """Return a name in one form: others take letters apart, wrote Latin-1, or know no capitals."""
    raw = os.fsencode(name)
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return unicodedata.normalize("NFC", text).lower()


def respelled(
    sums: dict[str, tuple[str, str]], names: Collection[str]
) -> dict[str, tuple[str, str]]:
    """Return sums by the names that are there, where one alone has one other form alone."""
    absent = by_spelling(each for each in sums if each not in names)
    if not absent:
        return sums
    there = by_spelling(each for each in names if each not in sums)
    ways = {}
    for spelling, entries in absent.items():
        files = there.get(spelling, [])
        if len(entries) == 1 and len(files) == 1:
            ways[entries[0]] = files[0]
    return {ways.get(each, each): one for each, one in sums.items()}


def by_spelling(names: Iterable[str]) -> dict[str, list[str]]:
    """Return the names of each form."""
    forms: dict[str, list[str]] = {}
    for each in names:
        forms.setdefault(spelling_of(each), []).append(each)
    return forms


def homes_of(lists: Collection[str], names: Collection[str]) -> dict[str, bool]:
    """Return the folders in which lists lie -> one is below the top, and holds other files."""
    homes = {posixpath.dirname(each) for each in lists}
    deep = homes - {""}
    places = {posixpath.dirname(each) for each in names if deep and not is_sums(each)}
    return {each: each in deep and each in places for each in homes}


def sum_beside(text: str, name: str, path: str = "") -> tuple[str, str]:
    """Return what the file beside a file says of that one; UNREADABLE when it says nothing."""
    name = posixpath.basename(name)
    its = [
        one
        for each, one in lines_of(text, path)
        if not each or place_of(f"/{each}", "", {name}) == name
    ]
    return max(its, key=lambda one: len(one[1]), default=UNREADABLE)


def missing_of(sums: Collection[str], names: Collection[str]) -> list[str]:
    """Return what a folder's sums tell of and is not there, nor was packed since."""
    return sorted(each for each in sums if not any(each + end in names for end in PACKED))


# ---------------------------------------------------------------- until here


class Sum(NamedTuple):
    """What a file's bytes must add up to."""

    algorithm: str
    """As hashlib has it; empty: what is written there cannot be read."""

    digest: str

    @property
    def title(self) -> str:
        """Return the algorithm as people write it."""
        title = self.algorithm.upper().replace("_", "-")
        return _TITLES.get(self.algorithm, re.sub(r"^SHA(?!3-)", "SHA-", title))

    def new(self) -> hashlib._Hash:
        """Return what computes it."""
        return new_hash(self.algorithm or "sha256", self.digest)

    def others(self) -> tuple[Sum, ...]:
        """Return what else may have made it."""
        kinds = kinds_of(self.digest) if self.algorithm else ()
        return tuple(Sum(each, self.digest) for each in kinds if each != self.algorithm)


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
    lists = [
        entry
        for entry in entries
        if not entry.is_folder and is_sums(entry.name) and entry not in alone
    ]
    homes = homes_of([entry.name for entry in lists], names)
    sums: dict[str, tuple[str, str]] = {}
    for entry in lists:
        text = _text(folder, top, entry)
        for name, one in sums_in(text, top, names, entry.name, homes).items():
            if len(one[1]) >= len(sums.get(name, UNREADABLE)[1]):
                sums[name] = one

    return {name: Sum(*one) for name, one in respelled(sums, names).items()}


def all_sums(
    folder: Folder, top: str, entries: Sequence[FolderEntry], of: Collection[str] | None = None
) -> Mapping[str, Sum]:
    """Return the sum of everything that has one; what lies beside a file alone governs.

    Those files are read for the names in `of` only; None: for all.
    """
    sums = listed(folder, top, entries)
    for name, its in beside(entries).items():
        if of is None or name in of:
            readings = [
                Sum(*sum_beside(_text(folder, top, entry), name, entry.name)) for entry in its
            ]
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
