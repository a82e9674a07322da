"""What the checks of the shipped drills notice: the score of each, and how long a pass takes.

    .venv/bin/python tests/benchmarks/sabotage.py [--state FOLDER] [wordpress files mariadb …]

Plays the scene of each drill in the lab first; the directory's is the estate's, on a machine of the
lab. Exits with 1 when a drill catches less than 95 % of
the faults that fit it, or when twenty of them would take more than fifteen minutes.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
from argparse import Namespace
from collections.abc import Callable
from functools import partial
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
sys.path.insert(0, str(REPOSITORY))

import yaml  # noqa: E402
from tests.e2e.scenes import databases, estate, keeper  # noqa: E402 the scenes are the tests'
from tests.e2e.scenes.place import copy_drills  # noqa: E402
from tests.e2e.scenes.scene import inside  # noqa: E402

from pradrill.adapters.standbys.lab import Lab, Machine  # noqa: E402
from pradrill.app.composition import App  # noqa: E402
from pradrill.app.line_progress import LineProgress  # noqa: E402
from pradrill.app.sabotage import faults_that_fit, sabotage  # noqa: E402
from pradrill.domain.register.sabotage import SabotageEntry  # noqa: E402
from pradrill.reporting.text.sabotage import sabotage_lines  # noqa: E402

AT_LEAST = 0.95
FAULTS = 20
SECONDS = 900.0


def main() -> int:
    """Sabotage each drill, print what it came to, and tell whether the promises are kept."""
    options = arguments()
    broken = False
    played = None
    for name in options.drill:
        drills = options.state / "drills" if name == "directory" else REPOSITORY / "drills"
        app = App(Namespace(state=options.state, log=None, drills=drills))
        if SCENES[name] is not played:
            played = SCENES[name]
            os.environ.update(played(app.lab, options.state))
        plan = app.plan_of(name)
        entry = sabotage(app, plan, faults_that_fit(plan), LineProgress(app.clock.now), whole=True)
        print(*sabotage_lines(entry, whole=True), sep="\n")
        broken |= (entry.score or 0.0) < AT_LEAST or tell_time(entry) > SECONDS

    return int(broken)


def tell_time(entry: SabotageEntry) -> float:
    """Print how long twenty faults would take, and return it."""
    damages = sum(each.seconds for each in entry.faults)
    besides = (entry.ended - entry.began).total_seconds() - damages
    each = damages / len(entry.faults)
    twenty = besides + each * FAULTS
    print(
        f"{len(entry.faults)} faults of {each:.1f} s, and {besides:.0f} s for the restore and two"
    )
    print(f"undamaged copies: twenty faults take {twenty:.0f} s\n")
    return twenty


def wordpress(lab: Lab, state: Path) -> dict[str, str]:
    """Play the demo, and return the secrets that it would forget."""
    with tempfile.TemporaryDirectory() as folder:
        secrets = Path(folder) / "secrets.json"
        script = REPOSITORY / "tests/e2e/scenes/kept_demo.py"
        words = ["--state", str(state), "demo", "--keep"]
        subprocess.run([sys.executable, script, secrets, *words], check=True)
        values: dict[str, str] = json.loads(secrets.read_text("utf-8"))
    return {**values, "PRADRILL_DEMO_BACKUP_HOST_KEY": lab.machine("backup").host_key}


def files(lab: Lab, _state: Path) -> dict[str, str]:
    """Play the file server's scene."""
    built(lab)

    def live(primary: Machine) -> None:
        manifest = (REPOSITORY / "playbooks/files/manifest-files").read_text("utf-8")
        inside(primary, keeper.script("files"), stdin=manifest)

    with tempfile.TemporaryDirectory() as folder:
        return keeper.play(lab, Path(folder), live).secrets


def sqlite(lab: Lab, _state: Path) -> dict[str, str]:
    """Play the scene of an application with a database of SQLite's."""
    built(lab)

    def live(primary: Machine) -> None:
        manifest = (REPOSITORY / "playbooks/files/manifest-tables").read_text("utf-8")
        inside(primary, keeper.script("sqlite"), stdin=manifest)

    with tempfile.TemporaryDirectory() as folder:
        return keeper.play(lab, Path(folder), live).secrets


def moodle(lab: Lab, _state: Path) -> dict[str, str]:
    """Play the learning platform's scene, with the miniature of Moodle, on MariaDB."""
    built(lab)

    def live(primary: Machine) -> None:
        keeper.send(primary, REPOSITORY / "tests/e2e/scenes/moodle_mini", "/var/www/moodle")
        inside(primary, keeper.script("moodle"), "mariadb")
        job = (REPOSITORY / "playbooks/files/backup-moodle").read_text("utf-8")
        inside(primary, keeper.kit() + keeper.script("back_up_moodle"), "mariadb", stdin=job)

    with tempfile.TemporaryDirectory() as folder:
        return keeper.play(lab, Path(folder), live).secrets


def shop(lab: Lab, _state: Path) -> dict[str, str]:
    """Play the databases' scene."""
    built(lab)
    lab.machine("standby").prepare(print)
    with tempfile.TemporaryDirectory() as folder:
        return databases.play(lab, Path(folder)).secrets


def directory(lab: Lab, state: Path) -> dict[str, str]:
    """Play the estate's scene, and make of its drill one of the directory alone, in the lab."""
    built(lab)
    backups = state / "backups.b64"
    backups.write_bytes(base64.b64encode(estate.play(lab)))

    for name in ("drills", "playbooks", "inventories"):
        shutil.rmtree(state / name, ignore_errors=True)
    copy_drills(state)
    drill = yaml.safe_load((state / "drills/estate.yml").read_text("utf-8"))
    branch = drill["recover"]["directory"]
    bring = {
        "playbook": str(estate.SCRIPTS / "bring_backups.yml"),
        "vars": {"backups": str(backups)},
    }
    branch["prepare"] = [{"playbook": "../playbooks/mark_standby.yml"}, bring]
    branch["hosts"] = drill["standby"]["vm"] = "standby"
    del drill["standby"]["inventory"], drill["standby"]["hosts"]
    drill |= {"drill": "directory", "recover": {"directory": branch}}
    (state / "drills/directory.yml").write_text(yaml.safe_dump(drill), "utf-8")
    return {}


def built(lab: Lab) -> None:
    """Build the lab's image, if it is not there yet."""
    if not lab.built:
        lab.build(partial(print, flush=True))


SCENES: dict[str, Callable[[Lab, Path], dict[str, str]]] = {
    "wordpress": wordpress,
    "files": files,
    "moodle": moodle,
    "directory": directory,
    "mariadb": shop,
    "postgresql": shop,
    "sqlite": sqlite,
}


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="what the checks of the shipped drills notice")
    parser.add_argument("--state", type=Path, default=Path("/var/tmp/pradrill-sabotage"))
    parser.add_argument("drill", nargs="*", default=[*SCENES], choices=[*SCENES])
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
