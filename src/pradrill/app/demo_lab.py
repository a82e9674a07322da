"""Set up the demo's lab: a WordPress that works, its backup, and the end of its machine."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from pradrill.adapters.ansible.runner import AnsibleRunner
from pradrill.adapters.ssh.probe import SshProbe
from pradrill.adapters.standbys.lab import Machine, write_site
from pradrill.app.composition import App
from pradrill.domain.run.outcome import StepOutcome
from pradrill.domain.values.timeline import Instant, Provenance
from pradrill.engine.cancellation import Cancellation, signals_to
from pradrill.engine.context import Disruption
from pradrill.errors import ExitCode, PradrillError
from pradrill.ports import Cancelled, Play, Say
from pradrill.system import scratch

BACKUP_ADDRESS = "10.0.2.100:22"
"""Where the demo's machines find the backup server (drills/wordpress.yml says the same)."""

_MACHINES = ("backup", "primary")
_READERS = ("upload", "restore")
_WRITES_AFTER_BACKUP = 10  # seconds
_DEADLINE = 900
_RESTIC = {"restic_password": "env:PRADRILL_DEMO_RESTIC_PASSWORD"}
_DATABASE = {"wordpress_db_password": "env:PRADRILL_DEMO_DB_PASSWORD"}


class StoppedError(PradrillError):
    """A person stopped the demo before its drill."""

    exit_code = ExitCode.INTERRUPTED


class DemoLab(NamedTuple):
    """What the demo works with."""

    app: App
    playbooks: Path
    folder: Path
    marker: str
    cancelled: Cancelled
    say: Say

    def play(
        self,
        name: str,
        machine: Machine,
        secrets_: Mapping[str, str] | None = None,
        **variables: Any,
    ) -> None:
        """Run one playbook on one machine. Raises PradrillError with what failed."""
        site_folder = self.folder / machine.name
        site_folder.mkdir(mode=0o700, exist_ok=True)
        site = write_site(machine, site_folder)
        secrets = self.app.secrets
        runner = AnsibleRunner(self.app.clock, secrets.resolve, masker=secrets.masker)
        result = runner.run(
            Play(self.playbooks / f"{name}.yml", site, variables, secrets_ or {}, self.marker),
            deadline=_DEADLINE,
            cancelled=self.cancelled,
            say=self.say,
            evidence=self.folder / name,
        )
        if self.cancelled():
            raise StoppedError("the demo was stopped before its drill")
        if result.outcome is not StepOutcome.PASSED:
            raise PradrillError(f"the playbook {name} did not pass: {result.detail}")


@contextmanager
def demo_lab(app: App, playbooks: Path, say: Say, *, keep: bool) -> Iterator[DemoLab]:
    """Open a demo lab, with keys and passwords made for it; close it without a trace.

    `keep` leaves the demo's machines running, to be looked at. A signal stops the demo between
    two steps, or the playbook that runs.
    """
    folder = Path(tempfile.mkdtemp(prefix="pradrill-demo-", dir=scratch.base()))
    cancellation = Cancellation(say)
    names: list[str] = []
    try:
        with signals_to(cancellation):
            passwords = _secrets(folder)
            names = list(passwords)
            os.environ.update(passwords)
            marker = f"demo-{secrets.token_hex(8)}"
            yield DemoLab(app, playbooks, folder, marker, cancellation, say)
    finally:
        for name in names:
            os.environ.pop(name, None)
        shutil.rmtree(folder, ignore_errors=True)
        if not keep:
            put_away(app)


def set_up(demo: DemoLab) -> Machine:
    """Bring up the backup server and a primary with content, and back it up once."""
    lab = demo.app.lab
    if not lab.built:
        demo.say("building the lab's image; the next demo finds it there")
        lab.build(demo.say)

    for name in (*_MACHINES, "standby"):
        _unless_stopped(demo)
        lab.machine(name).prepare(demo.say)

    put_away(demo.app)  # what an earlier demo kept
    backup, primary = lab.machine("backup"), lab.machine("primary")
    backup.up(demo.say)
    primary.up(demo.say, links={BACKUP_ADDRESS: backup.port_file()})
    os.environ["PRADRILL_DEMO_BACKUP_HOST_KEY"] = backup.host_key
    keys = [(demo.folder / f"{who}.pub").read_text("utf-8").strip() for who in _READERS]
    demo.say("setting up the backup server")
    demo.play("demo_backup_server", backup, backup_public_keys=keys)
    demo.say("setting up the primary: Apache, PHP, MariaDB, WordPress and its content")
    demo.play("demo_primary", primary, _DATABASE)
    demo.say("backing it up with restic, over SSH")
    key = {"backup_private_key": "env:PRADRILL_DEMO_UPLOAD_KEY"}
    host_key = {"backup_host_key": backup.host_key}
    demo.play("demo_backup_job", primary, {**_RESTIC, **key}, **host_key)

    return primary


def destroy(demo: DemoLab, primary: Machine) -> Disruption:
    """Let the primary write on for a moment, then cut its power: that instant is T0."""
    demo.say(f"the primary goes on writing for {_WRITES_AFTER_BACKUP} s: this is what is lost")
    for _ in range(_WRITES_AFTER_BACKUP):
        _unless_stopped(demo)
        demo.app.clock.sleep(1)

    probe = SshProbe(demo.app.clock, demo.app.secrets.resolve)
    try:
        site = write_site(primary, demo.folder / primary.name)
        skew = probe.skew(site.hosts[0], site)
    finally:
        probe.close()

    before, after = primary.kill()
    primary.down()
    middle = before + (after - before) / 2
    demo.say(f"the primary's power is cut at {middle:%H:%M:%S.%f} UTC")
    instant = Instant(at=middle, earliest=before, latest=after, provenance=Provenance.MEASURED)

    return Disruption(instant, skew)


def put_away(app: App) -> None:
    """End the demo's machines."""
    for name in _MACHINES:
        app.lab.machine(name).down()


def _secrets(folder: Path) -> dict[str, str]:
    """Make the keys and passwords of one demo, under the names that its drill reads."""
    for who in _READERS:
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"demo {who}"]
        subprocess.run([*command, "-f", str(folder / who)], check=True)
    upload, restore = ((folder / who).read_text("utf-8") for who in _READERS)
    return {
        "PRADRILL_DEMO_RESTIC_PASSWORD": secrets.token_urlsafe(24),
        "PRADRILL_DEMO_DB_PASSWORD": secrets.token_urlsafe(24),
        "PRADRILL_DEMO_UPLOAD_KEY": upload,
        "PRADRILL_DEMO_BACKUP_KEY": restore,
    }


def _unless_stopped(demo: DemoLab) -> None:
    if demo.cancelled():
        raise StoppedError("the demo was stopped before its drill")
