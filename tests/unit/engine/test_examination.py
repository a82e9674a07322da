"""What the doctor says of the way that a restore takes to its backups."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.support.bench import Bench

from pradrill.domain.run.backup_access import KEYED_PLAYBOOKS, PLAYBOOKS
from pradrill.domain.run.guard_mending import MendingPlaces
from pradrill.domain.run.host import HostState
from pradrill.domain.run.outcome import Phase
from pradrill.domain.run.precondition import Concern, Holding, Precondition
from pradrill.domain.run.record import Refusal
from pradrill.domain.run.run_plan import PlannedPlaybook
from pradrill.engine.examination import Examination
from pradrill.testing import HOST, FakeProbe, a_run_plan, fake_tools

REPOSITORY = "/srv/backup/wiki"
RESTIC = {"files_source": "restic", "restic_repository": REPOSITORY}
SERVER = {"backup_host": "192.0.2.30", "restic_repository": "sftp:backup:/srv/restic"}
KEY = "ssh-ed25519 AAAA"


def step(
    playbook: str,
    values: Mapping[str, Any],
    phase: Phase = Phase.RESTORE,
    secrets: Mapping[str, str] | None = None,
) -> PlannedPlaybook:
    """Return a step of the run."""
    return PlannedPlaybook(
        phase=phase,
        name=playbook,
        hosts=(HOST,),
        deadline="1h",
        playbook=Path("/pra/playbooks") / playbook,
        vars=dict(values),
        secrets=dict(secrets or {}),
    )


def of_backups(folder: Path, *steps: PlannedPlaybook, present: str = "") -> list[Precondition]:
    """Return what is said of the backups; the standby has the one path."""
    probe = FakeProbe(states=[HostState(present=(present,))])
    places = MendingPlaces(Path("/pra/known_hosts"), None, becomes=False)
    plan = a_run_plan(steps=steps)
    examination = Examination(plan, fake_tools(probe=probe), places, folder, "doctor")
    return [each for each in examination.preconditions() if each.about is Concern.BACKUPS]


def test_a_repository_of_the_controller_alone_is_missed_on_the_standby(tmp_path: Path) -> None:
    """The restore opens a local path there: said by the doctor, before a run fails of it."""
    restore = step("restore_files.yml", {**RESTIC, "backup_host": ""})
    (missing,) = of_backups(tmp_path, restore)
    assert (missing.holding, missing.host) == (Holding.FAILS, HOST)
    assert f"{REPOSITORY} is not on {HOST}" in missing.says
    assert "--backup-key" in str(missing.hint)
    (there,) = of_backups(tmp_path, restore, present=REPOSITORY)
    assert there.holding is Holding.HOLDS
    (later,) = of_backups(tmp_path, step("mount.yml", {}, Phase.PREPARE), restore)
    assert later.holding is Holding.REMARK, "a step before it may mount it"


@pytest.mark.parametrize(
    ("playbook", "values", "fails"),
    [
        ("restore_files.yml", {"files_source": "tar", "backup_folder": "/srv/d"}, True),
        ("restore_files.yml", {**RESTIC, "files_source": "borg"}, False),
        ("restore_files.yml", {"restic_repository": "s3:example/wiki"}, False),
        ("restore_postgresql_pgbackrest.yml", {"pgbackrest_options": {"repo1-path": "/p"}}, True),
        (
            "restore_postgresql_pgbackrest.yml",
            {"pgbackrest_options": {"repo1-path": "/p", "repo1-type": "s3"}},
            False,
        ),
        ("own.yml", {"backup_folder": "/srv/d"}, False),
        ("own.yml", {"backup_folder": "/srv/d", "backup_host": ""}, True),
        ("own.yml", {"repository": "/srv/d", "backup_host": ""}, False),
        ("restore_files.yml", {**SERVER, "backup_host_key": KEY}, False),
        ("restore_files.yml", {**SERVER, "backup_host_key": ""}, True),
        ("restore_files.yml", SERVER, True),
        ("restore_wordpress.yml", SERVER, True),
        ("own.yml", SERVER, False),
    ],
)
def test_only_variables_of_the_restores_that_ship_are_judged(
    playbook: str, values: dict[str, Any], fails: bool, tmp_path: Path
) -> None:
    """A path that is not there, a server without key; what other playbooks mean is theirs."""
    answers = of_backups(tmp_path, step(playbook, values))
    assert [each.holding for each in answers] == ([Holding.FAILS] if fails else [])


def test_a_server_without_host_key_is_said_with_what_prints_it(tmp_path: Path) -> None:
    """The restore would end with no more than EOF. A key among the secrets is one."""
    (bad,) = of_backups(tmp_path, step("restore_files.yml", {**SERVER, "backup_port": 2222}))
    assert "backup_host_key is empty" in bad.says
    assert "ssh-keyscan -p 2222 -t ed25519 192.0.2.30 | cut -d' ' -f2,3" in str(bad.hint)
    secrets = {"backup_host_key": "env:KEY"}
    assert not of_backups(tmp_path, step("restore_files.yml", SERVER, secrets=secrets))


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({**RESTIC, "backup_host": ""}, f"{REPOSITORY} is not on {HOST}"),
        (SERVER, "backup_host_key is empty"),
    ],
)
def test_a_run_refuses_what_the_doctor_finds(values: dict[str, Any], why: str) -> None:
    """Before anything was done: the restore would fail of it."""
    restore = step("restore_files.yml", values)
    steps = [
        restore if each.phase is Phase.RESTORE else each
        for each in a_run_plan().steps
        if each.phase is not Phase.PREPARE or not each.works
    ]
    bench = Bench(plan=a_run_plan(steps=tuple(steps)))
    record = bench.run()
    assert record.refusal is Refusal.NOT_READY
    assert why in str(record.reasons[0])
    assert not bench.runner.plays


def test_the_restores_that_take_a_standbys_own_path_are_these() -> None:
    """A new playbook with backup_host: "" is judged, too."""
    folder = Path(__file__).parents[3] / "playbooks"
    texts = {path.name: path.read_text("utf-8") for path in folder.glob("restore_*.yml")}
    assert {name for name in texts if '    backup_host: ""\n' in texts[name]} == PLAYBOOKS
    assert {name for name in texts if "    backup_host_key:" in texts[name]} == KEYED_PLAYBOOKS
