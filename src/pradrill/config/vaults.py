"""Find files that Ansible Vault encrypted, and hold the password that a drill names for them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from pathlib import Path

from pradrill.config.loader import Document
from pradrill.config.once import once
from pradrill.config.problems import Problem
from pradrill.domain.declared.drill import Drill
from pradrill.errors import ConfigurationError
from pradrill.system.in_memory import piped

Resolve = Callable[[str], str]
"""Fetches a secret by its name."""

_LARGEST = 1 << 20  # bytes that are looked at of a file
_VAULTED = re.compile(rb"\$ANSIBLE_VAULT;|!vault\b")
_BESIDE = ("group_vars", "host_vars")
_READ = {"", ".yml", ".yaml", ".json"}
_COPIES = {".bak", ".old", ".orig", ".retry", ".swp", ".pyc", ".pyo", ".txt", ".cfg"}
"""No host's name ends so."""
_NAMED = ("vars", "tasks", "handlers")
_HINT = (
    "Name its password under standby, as in vault_password: file:/etc/pradrill/vault (mode 0600), "
    'or "command:pass show vault".'
)
_passwords: ContextVar[tuple[str, ...]] = ContextVar("vault passwords", default=())


def unlock(drill: Drill, resolve: Resolve | None) -> None:
    """Let the inventories that are read from here on be decrypted with the drill's passwords.

    Raises NotReadyError when one cannot be had.
    """
    names = drill.standby.vault_passwords
    _passwords.set(tuple(map(resolve, names)) if resolve else ())


def unlocked() -> tuple[str, ...]:
    """Return the passwords of the drill that is read."""
    return _passwords.get()


@contextmanager
def vault_words(folder: Path, passwords: Sequence[str]) -> Iterator[list[str]]:
    """Give the words that tell an Ansible tool passwords; they go through pipes in `folder`."""
    with ExitStack() as pipes:
        paths = [
            pipes.enter_context(piped(folder / f"vault-{number}", password))
            for number, password in enumerate(passwords)
        ]
        yield [word for path in paths for word in ("--vault-password-file", str(path))]


def refused(path: Path, answer: str) -> ConfigurationError | None:
    """Return the error for an inventory that Ansible could not decrypt, if that is why."""
    if "no vault secrets found" in answer:
        message = f"the inventory {path} is encrypted with Ansible Vault, and no password is named"
        return ConfigurationError(message, hint=_HINT)
    if re.search(r"Decryption failed|vault password", answer):
        return ConfigurationError(
            f"the inventory {path} does not open with the vault password of the drill",
            hint="Where vault ids have different ones, name each, as vault_password: [file:…, "
            "file:…]. Try it: ansible-inventory --list --ask-vault-pass -i THE_INVENTORY.",
        )

    return None


def vault_problems(document: Document, drill: Drill) -> Iterator[Problem]:
    """Refuse what is encrypted while no password is named; every file at once."""
    if not drill.standby.vault_passwords:
        playbooks = tuple(dict.fromkeys(drill.playbooks()))
        for path, line in _vaulted(drill.standby.inventories, playbooks):
            yield Problem(
                path, line, "", f"encrypted with Ansible Vault, and {document.file.name} names no "
                "password", _HINT
            )  # fmt: skip


def vaulted_files(drill: Drill) -> tuple[Path, ...]:
    """Return the files of a drill in which Ansible Vault has encrypted something."""
    playbooks = tuple(dict.fromkeys(drill.playbooks()))
    return tuple(path for path, _ in _vaulted(drill.standby.inventories, playbooks))


@once
def _vaulted(
    inventories: tuple[Path, ...], playbooks: tuple[Path, ...]
) -> tuple[tuple[Path, int], ...]:
    """Return each file that is encrypted, and the line where that begins."""
    vaulted = []
    for path in dict.fromkeys(_looked_at(inventories, playbooks)):
        try:
            with path.open("rb") as file:
                content = file.read(_LARGEST)
        except OSError:  # told elsewhere
            continue

        if hit := _VAULTED.search(content):
            vaulted.append((path, content.count(b"\n", 0, hit.start()) + 1))
    return tuple(vaulted)


def _looked_at(inventories: tuple[Path, ...], playbooks: tuple[Path, ...]) -> Iterator[Path]:
    """Yield playbooks, inventories, the variables beside them, and the files that plays name."""
    for inventory in inventories:
        yield from _below(inventory)
        yield from _variables_beside(inventory)

    for playbook in playbooks:
        yield playbook
        yield from _variables_beside(playbook)
        text = playbook.read_text("utf-8", "replace") if playbook.is_file() else ""
        for name in _NAMED:
            for path in _below(playbook.parent / name):
                if path.name in text:
                    yield path


def _variables_beside(path: Path) -> Iterator[Path]:
    """Yield the files of variables that Ansible reads there: a copy under another name is none."""
    for name in _BESIDE:
        folder = path.parent / name
        yield from (each for each in _below(folder) if _is_read(each.relative_to(folder)))


def _is_read(path: Path) -> bool:
    """Tell it by a name; what is no folder's is called as its host, which may have dots."""
    if path.name.startswith(".") or path.name.endswith("~"):
        return False
    is_copy = path.suffix in _COPIES or not _READ.isdisjoint(path.suffixes)
    return path.suffix in _READ or (len(path.parts) == 1 and not is_copy)


def _below(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from sorted(each for each in path.rglob("*") if each.is_file())
    elif path.is_file():
        yield path
