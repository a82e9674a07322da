"""Hash what Ansible takes in without the drill naming it: roles, tasks, templates, variables.

A proof holds for these too. Hashed is what lies beside a playbook and is named in its text, or in
the text of what it names in turn; all of it, once one of these texts builds a name at run time.
That is any file and folder, whatever its kind: a script, a schema, an archive. Variables and
plugins, which Ansible takes by itself, are always hashed. What it takes from elsewhere (the user's
and the system's roles and collections) is not seen.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from pradrill.config.fingerprint import hashed
from pradrill.domain.run.run_plan import Around

_TAKEN = (
    *("group_vars", "host_vars", "library", "module_utils", "collections"),
    *("action_plugins", "callback_plugins", "connection_plugins", "filter_plugins"),
    *("lookup_plugins", "test_plugins", "vars_plugins", "strategy_plugins", "become_plugins"),
    *("shell_plugins", "cache_plugins", "inventory_plugins"),
)
"""Beside a playbook: Ansible looks into these by itself."""
_NAMED = ("roles", "tasks", "handlers", "templates", "files", "vars")
BESIDE_INVENTORY = ("group_vars", "host_vars")
_MOST, _LARGEST = 2_000, 32 << 20  # files, and bytes of all of them
_MOST_WORDS = 20
_WORD = re.compile(r"[\w.-]+")
_PATH = re.compile(r"[\w.+@~/-]+")
_QUOTED = re.compile(r"(?<=['\"])[^'\"\n{}]+(?=['\"])")
"""What can be a file's name or path; one with a space in it is quoted."""
_SOURCE = re.compile(r"\b(?:src|dir)\s*[:=]\s*['\"]?([\w.+@~-]+)['\"]?\s*(?:$|[,}])", re.MULTILINE)
"""A folder that is named without a slash."""
_WRITTEN = re.compile(
    r"\b(?:dest|creates|removes|chdir)\s*[:=]\s*(?:'[^'\n]*'|\"[^\"\n]*\"|[^\s,}]+)"
)
"""A path that is written to, or is the standby's."""
_TEXTS = {".yml", ".yaml", ".json", ".j2", ""}
"""Kinds of files that can name others that Ansible then takes in."""
_COMMENT = re.compile(r"^[ \t]*#.*$", re.MULTILINE)
_BUILT = re.compile(
    r"fileglob|first_found|filetree"
    r"|(?:include|import)_\w+\s*[:=].*\{\{"
    r"|\b(?:src|file|role|script|vars_files|\w+_from)\s*[:=]\s*['\"]?[^\s'\"]*\{\{"
    r"|\blookup\(\s*['\"][\w.]*(?:file|template|vault)['\"]\s*,\s*[^\s'\"]"
    r"|\}\}[^\s'\"]*\.(?:ya?ml|j2)\b"
    r"|\bsrc\s*[:=][ \t]*+['\"]?[./]*+(?:files|templates)?/?['\"]?[ \t\r]*$",
    re.MULTILINE,
)
"""A name that cannot be read in the text: put together from variables, or a whole folder."""


class _Looked:
    """What was found so far, within bounds."""

    def __init__(self) -> None:
        self.contents: dict[Path, bytes] = {}
        self._size = 0
        self._passed: dict[str, None] = {}
        self._left: list[Path] = []

    def read(self, path: Path) -> bytes:
        """Return a file's content; nothing, and a word on why, of what is left out."""
        if path in self.contents:
            return self.contents[path]

        try:
            status = path.lstat()
            if not stat.S_ISREG(status.st_mode):
                self._passed[f"{path} is a link or no file, and was not followed"] = None
                return b""
            if len(self.contents) >= _MOST or self._size + status.st_size > _LARGEST:
                self._left.append(path)
                return b""

            content = path.read_bytes()
        except OSError as error:
            self._passed[f"{path} cannot be read: {error.strerror}"] = None
            return b""

        self._size += len(content)
        self.contents[path] = content

        return content

    def left_out(self) -> Iterator[str]:
        """Say what was left out, in a few words."""
        yield from list(self._passed)[:_MOST_WORDS]
        if len(self._passed) > _MOST_WORDS:
            yield f"and so {len(self._passed) - _MOST_WORDS} more"

        if self._left:
            bound = f"at most {_MOST} files and {_LARGEST >> 20} MB are hashed"
            yield f"{bound}: {self._left[0]} and {len(self._left) - 1} others are not"


def around(
    playbooks: Iterable[Path], inventories: Collection[Path], excluded: Collection[Path]
) -> Around:
    """Look at what lies beside playbooks and inventories; what is `excluded` is hashed already."""
    inputs = _Looked()
    beside: dict[Path, list[Path]] = {}
    for playbook in playbooks:
        beside.setdefault(playbook.parent, []).append(playbook)

    for inventory in inventories:
        _take(inputs, (inventory.parent / name for name in BESIDE_INVENTORY))
        if inventory.is_dir():
            _take(inputs, [inventory])

    for folder, plays in beside.items():
        _take(inputs, (folder / name for name in _TAKEN))
        _follow(inputs, folder, plays)

    fresh = sorted(
        (path, sha256) for path, sha256 in inputs.contents.items() if path not in excluded
    )

    return Around(
        files=tuple(hashed(path, content) for path, content in fresh),
        left_out=tuple(inputs.left_out()),
        inventories=tuple(inventories),
    )


def _take(inputs: _Looked, folders: Iterable[Path]) -> None:
    for folder in folders:
        for path in _below(folder):
            inputs.read(path)


def _follow(inputs: _Looked, folder: Path, plays: Iterable[Path]) -> None:
    """Take in what the plays' texts name, and what the texts of that name."""
    waiting = dict(_nameable(folder))
    words: set[str] = set()

    built = False
    fresh = list(plays)
    while fresh:
        farther: dict[Path, None] = {}
        for path in fresh:
            waiting.pop(path, None)
            text = _COMMENT.sub("", inputs.read(path).decode("utf-8", "replace"))
            words.update(word.strip(".-") for word in _WORD.findall(text))
            built = built or _BUILT.search(text) is not None
            if path.suffix in _TEXTS:
                farther.update(dict.fromkeys(_farther(text, (path.parent, folder), inputs)))

        near = [path for path, names in waiting.items() if built or names & words]
        fresh = [*dict.fromkeys([*near, *farther])]


def _farther(text: str, bases: tuple[Path, Path], inputs: _Looked) -> Iterator[Path]:
    """Yield the files that a text names by their path: a folder's, when one of them is built."""
    text = _WRITTEN.sub("", text)
    names = {*_PATH.findall(text), *_QUOTED.findall(text)}
    folders = {name for name in names if "/" in name} | set(_SOURCE.findall(text))
    for base in dict.fromkeys(bases):
        there = {
            *(path.name for path in base.iterdir()),
            ".",
            "..",
        }  # most words of a text are no file's name
        for name in sorted(names):
            path = base / name.lstrip("/")
            if name.startswith(f"{bases[1]}/"):
                path = Path(name)
            elif name.lstrip("/").partition("/")[0] not in there:
                continue

            path = Path(os.path.normpath(path))
            if path.is_dir() and name in folders and not bases[1].is_relative_to(path):
                yield from (file for file in _below(path) if file not in inputs.contents)
            elif path.is_file() and path not in inputs.contents:
                yield path


def _nameable(folder: Path) -> Iterator[tuple[Path, set[str]]]:
    """Yield every file that a play of the folder can name, with the names that it goes by."""
    for kind in _NAMED:
        for path in _below(folder / kind):
            parts = path.relative_to(folder).parts[1:]
            yield path, {parts[0]} if kind == "roles" and parts else {*parts, path.stem}

    for path in sorted(folder.glob("*.y*ml")):
        yield path, {path.name}


def _below(folder: Path) -> Iterator[Path]:
    """Yield every file in a folder, in order, and every link without following it."""
    if folder.is_symlink():
        yield folder
        return

    for here, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in {"__pycache__", ".git"})
        links = [name for name in folders if Path(here, name).is_symlink()]
        yield from (Path(here, name) for name in sorted([*files, *links]))
