"""Borg behind SSH: logins that may not delete for good, and every way in which ssh leads there."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.hosts.sshd import Sshd
from tests.sources.conftest import PASSWORD, BorgShelf, mostly_nightly, secret, short_folder

from pradrill.adapters.backups.borg import Borg
from pradrill.adapters.backups.borg_deletion import refuse_deletion
from pradrill.adapters.clock import SteadyClock
from pradrill.adapters.secrets import resolve
from pradrill.domain.declared.backup_source import BorgSource
from pradrill.errors import NotReadyError
from pradrill.ports import Bounds

BOUNDS = Bounds(60.0)
ONLY_BORG = 'case "$SSH_ORIGINAL_COMMAND" in "borg serve"*) exec borg serve --append-only;; esac;'
RUNS, SFTP = (
    f"can delete backups: the same login {opens}" for opens in ("runs other commands", "opens SFTP")
)
NOTHING = "is not known: no"
NOT = "not known: borg serve is not --append-only there"
FORCED: dict[str | None, str] = {
    "borg serve --append-only --restrict-to-path {repo}": "",
    "borg serve --append-only --restrict-to-path {folder}": "",
    "borg serve --append-only": "",
    f"{ONLY_BORG} exit 1": "",
    "borg serve --restrict-to-path {repo}": NOT,
    "borg serve --append-only --restrict-to-repository {repo}": "answers for no folder below it",
    f"{ONLY_BORG} exec /usr/lib/openssh/sftp-server": SFTP,
    f"{ONLY_BORG} eval $SSH_ORIGINAL_COMMAND": RUNS,
    None: RUNS,
}
"""What authorized_keys forces → what is right to say of it; empty: proven."""

BY_DAY = (
    "borg serve --append-only --restrict-to-path {repo}",
    f"{ONLY_BORG} exec /usr/lib/openssh/sftp-server",
    "borg serve --restrict-to-path {repo}",
)


@pytest.fixture(scope="module")
def shelf() -> Iterator[BorgShelf]:
    """Return a shelf of two backups that is only read; borg alone keeps its repository."""
    with short_folder() as folder:
        stocked = BorgShelf(folder)
        stocked.stock()
        stocked.tool("config", f"{folder}/repo", "append_only", "1")
        yield stocked


def behind(server: Sshd, shelf: BorgShelf, **changes: Any) -> Borg:
    """Return the shelf's source, behind an sshd."""
    fields = {
        "repository": f"ssh://{server.host.user}@{server.address}:{server.port}{shelf.folder}/repo",
        "password": secret(shelf.folder, PASSWORD),
        "ssh": {"known_hosts": server.known_hosts, "private_key": server.key},
        **changes,
    }
    declared = BorgSource.model_validate(fields, context={"folder": shelf.folder})
    return Borg(declared, resolve, SteadyClock())


def forces(server: Sshd, command: str) -> None:
    """Let the login's key start nothing else."""
    key = server.key.with_name("login.pub").read_text()
    quoted = command.replace('"', '\\"')
    line = f'command="{quoted}",restrict {key}' if command else key
    (server.folder / "authorized_keys").write_text(line)


def state(folder: Path) -> dict[str, bytes]:
    """Return all that a repository holds, but borg's lock."""
    return {
        str(path): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "lock" not in path.name
    }


@pytest.mark.parametrize("forced", mostly_nightly(FORCED, *BY_DAY))
def test_a_login_that_cannot_delete_for_good_is_asked_to(
    shelf: BorgShelf, another_sshd: Callable[..., Sshd], forced: str | None
) -> None:
    """What borg serve refuses is proven, unless a shell or SFTP is open beside; nothing changes."""
    server, repository = another_sshd(), shelf.folder / "repo"
    command = (forced or "").replace("{repo}", str(repository))
    forces(server, command.replace("{folder}", str(shelf.folder)))
    before = state(repository)
    source, refusal = behind(server, shelf, append_only=True), FORCED[forced]
    if refusal:
        with pytest.raises(NotReadyError, match=refusal) as error:
            source.catalogue(BOUNDS)
        assert "--append-only --restrict-to-path" in f"{error.value.hint}"
        assert behind(server, shelf).catalogue(BOUNDS).append_only is False
    else:
        catalogue = source.catalogue(BOUNDS)
        assert [point.id for point in catalogue.points] == shelf.ids
        assert catalogue.append_only is True
    assert state(repository) == before
    assert not [each.name for each in repository.iterdir() if "pradrill" in each.name]


@pytest.mark.parametrize(
    ("login", "refusal"),
    [
        ('PATH=/nowhere exec /usr/bin/rbash -c "$asked"', RUNS),
        ('PATH=/nowhere exec /usr/bin/fish -c "$asked"', RUNS),
        ('PATH=/nowhere exec /usr/bin/tcsh -fc "$asked"', RUNS),
        ("exec $asked", RUNS),
        ('echo "no such command: $asked"; exit 1', NOTHING),
        ("exit 127", NOTHING),
    ],
)
def test_a_shell_is_known_without_a_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, login: str, refusal: str
) -> None:
    """A restricted one has no expr and fish and csh no arithmetic of sh; who repeats has none."""
    tools = {"ssh": f"for asked; do :; done\n{login}\n", "sftp": "echo no >&2; exit 1\n"}
    for name, script in tools.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    declared = BorgSource.model_validate(
        {"repository": "ssh://backup@host/srv/borg", "append_only": True},
        context={"folder": tmp_path},
    )
    with pytest.raises(NotReadyError, match=refusal):
        refuse_deletion(declared, BOUNDS)


def test_only_a_server_of_borgs_can_be_asked() -> None:
    """Of a folder nothing would be proven."""
    for place in ("/srv/borg", "backup@host:/srv/borg"):
        with pytest.raises(ValueError, match="append_only can be tried"):
            BorgSource.model_validate({"repository": place, "append_only": True})
