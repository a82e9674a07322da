"""The schedule on machines that systemd has started: the package's timer, service and user."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.e2e.scenes.scene import OTHER, inside, say

from pradrill.adapters.standbys.lab import Lab, Machine

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.nightly,
    pytest.mark.skipif(os.geteuid() != 0, reason="the package is built as root"),
]
_SCENE = Path(__file__).parent / "scenes" / "controller"
_EARS = """
cat > /root/ears.py
cat > /run/systemd/system/ears.service <<'UNIT'
[Service]
ExecStart=/usr/bin/python3 /root/ears.py
UNIT
systemctl daemon-reload && systemctl start ears
until [ -f /run/heard ]; do sleep 0.2; done
"""
_AT_ONCE = """
install -d /etc/systemd/system/pradrill.timer.d
printf '[Timer]\\nRandomizedDelaySec=0\\n' > /etc/systemd/system/pradrill.timer.d/at-once.conf
systemctl daemon-reload
"""
_SET_CLOCK = 'date -s "$(date -d "$1" +"%F %H"):$2" > /dev/null; date +%s'
_FIRED = """
property() { systemctl show -P "$1" pradrill.service; }
for _ in $(seq 1500); do
  began=$(date -d "$(property ExecMainStartTimestamp)" +%s)
  if [ "$began" -ge "$1" ] && [ "$(property ActiveState)" != activating ]; then
    property Result
    exit
  fi
  sleep 1
done
exit 1
"""


class TwoMachines(NamedTuple):
    """A controller with the package, and the standby that it reaches by SSH."""

    controller: Machine
    standby: Machine

    def house(self, folder: str, user: str = "root") -> None:
        """Let a user of the controller have a house of drills, and log in on the standby."""
        script = (_SCENE / "house.sh").read_text("utf-8")
        become = ("setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--reset-env")
        words = (*become, "bash", "-s", folder, self.standby.host_key)
        key = inside(self.controller, 'cd /; exec "$@"', *words, stdin=script).splitlines()[-1]
        inside(self.standby, 'echo "$1" >> /root/.ssh/authorized_keys', key)

    def set_clocks(self, day: str, minute: str) -> str:
        """Put both clocks at a minute of this hour on a day; wait for the service to end.

        Return what systemd says of its end.
        """
        inside(self.standby, _SET_CLOCK, day, minute)
        start = inside(self.controller, _SET_CLOCK, day, minute)
        return inside(self.controller, _FIRED, start, deadline=1600)

    def mark(self, *, standby: bool) -> None:
        """Mark the standby as one, or take its mark away."""
        script = "mkdir -p /etc/pradrill && cp /etc/machine-id /etc/pradrill/standby"
        inside(self.standby, script if standby else "rm -f /etc/pradrill/standby")

    def status(self, *words: str) -> dict[str, Any]:
        """Return what `pradrill status` says of the services, by name."""
        script = 'pradrill "$@" status --json || true'
        status = json.loads(inside(self.controller, script, *words))
        return {service["service"]: service["word"] for service in status["services"]}

    def pings(self) -> list[str]:
        """Return what the health check was told since it was asked last."""
        return inside(self.controller, "cat /run/heard; : > /run/heard").split()


@pytest.fixture(scope="module")
def two(lab: Lab, dist: Path) -> Iterator[TwoMachines]:
    """Start both, and install the package on the controller; what PDFs need is not there."""
    machines = TwoMachines(lab.machine("controller"), lab.machine("standby"))
    for machine in machines:
        machine.prepare(say)
        machine.down()
    machines.standby.up(say)
    machines.controller.up(say, links={OTHER: machines.standby.port_file()})
    deb = max(dist.glob("pradrill_*.deb"), key=lambda path: path.stat().st_mtime)
    with deb.open("rb") as file:
        command = [*machines.controller.ssh_command(), "cat > /root/pradrill.deb"]
        subprocess.run(command, stdin=file, check=True, timeout=300)
    inside(machines.controller, "dpkg --force-depends -i /root/pradrill.deb 2>&1")
    inside(machines.controller, _EARS, stdin=(_SCENE / "ears.py").read_text("utf-8"))
    yield machines
    for machine in machines:
        machine.down()


def test_the_timer_runs_what_is_due_and_its_failure_is_heard(two: TwoMachines) -> None:
    """As root, hardened: refused and heard of, the day after it passes, with both tools' backups.

    borg's lock is written where its repository is mounted; all else goes into the state.
    """
    two.house("/etc/pradrill")
    where = ("--drills", "/etc/pradrill/drills")
    install = 'pradrill "$@" schedule install --yes'
    assert "it is installed" in inside(two.controller, install, *where)
    assert "installed already" in inside(two.controller, install, *where)
    show = inside(two.controller, 'pradrill "$@" schedule show', *where)
    assert "called by pradrill.timer" in show
    inside(two.controller, _AT_ONCE)

    two.mark(standby=False)
    assert two.set_clocks("now", "59:55") == "exit-code"
    assert two.pings() == ["/start", "/fail"]
    assert inside(two.controller, "systemctl is-failed pradrill.service") == "failed"
    assert two.status(*where) == {"shop": "never tested", "mail": "never tested"}
    monitor = 'pradrill "$@" status --monitor; echo $?'
    assert inside(two.controller, monitor, *where).splitlines()[-1] == "1"  # a warning

    two.mark(standby=True)
    # as if the machine had been off for a day: what was missed is caught up with at once
    assert two.set_clocks("tomorrow", "05:00") == "success", inside(
        two.controller, "journalctl -u pradrill.service -o cat --no-pager"
    )
    assert two.pings() == ["/start", "/ok"]
    assert two.status(*where) == {"shop": "proven", "mail": "proven"}
    assert inside(two.standby, "ls /srv") == ""
    assert inside(two.controller, "stat -c %a:%U /var/lib/pradrill") == "700:root"

    assert "is removed" in inside(two.controller, 'pradrill "$@" schedule remove', *where)
    assert inside(two.controller, "systemctl list-timers pradrill.timer --no-legend") == ""


def test_the_service_runs_as_the_user_whose_the_state_is(two: TwoMachines) -> None:
    """With that user's key and known_hosts, in a home that it only reads: proven."""
    inside(
        two.controller,
        "useradd --create-home drills; install -d -o drills /srv/house"
        "; install -d -m 0700 -o drills /srv/state; umount /mnt/backup || true"
        "; mkdir -p /mnt/backup; mount -t tmpfs -o uid=drills none /mnt/backup",
    )
    two.house("/srv/house", "drills")
    two.mark(standby=True)
    where = ("--drills", "/srv/house/drills", "--state", "/srv/state")
    assert "User=drills" in inside(two.controller, 'pradrill "$@" schedule install --yes', *where)
    inside(two.controller, "systemctl start pradrill.service", deadline=1600)
    assert two.status(*where) == {"shop": "proven", "mail": "proven"}
    owners = inside(two.controller, "find /srv/state -not -user drills; ls -A /home/drills")
    assert ".ansible" not in owners
    assert "/srv/state" not in owners.replace("/srv/state/status.index", "")
