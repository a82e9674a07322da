"""What a run starts on its standby is ended with it, and what it leaves running is told."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.integration.hosts.two_hosts import RESTORE, TwoHosts
from tests.integration.house import edit, pradrill, write
from tests.integration.test_leases import last_record, until
from tests.integration.test_residue_inventory import inside

from pradrill.adapters.ssh.interpreter import source
from pradrill.testing.reasons import texts

_LATER = """\
- hosts: standby
  gather_facts: false
  tasks:
    - name: put the data back, slowly
      {module}: >-
        mkdir /srv/begun; i=0; until [ -e /srv/go ] || [ $i = 600 ];
        do sleep 0.1; i=$((i+1)); done; mkdir /srv/late
"""
# It sleeps, or the end of the terminal would end what is not a daemon yet.
_DAEMON = """\
- hosts: standby
  gather_facts: false
  tasks:
    - name: put the data back
      ansible.builtin.raw: mkdir -p /srv/restored && echo data > /srv/restored/data
    - name: start something that stays
      ansible.builtin.raw: {command} sleep 0.5
"""
_STOP = """\
- hosts: standby
  gather_facts: false
  tasks:
    - name: stop the service
      ansible.builtin.raw: rm -rf /srv/restored && kill $(cat /srv/pid) && touch /srv/torn-down
"""
_QUIET = "</dev/null >/dev/null 2>&1"
_APART = "unshare --mount --propagation unchanged"
_STAYS = (
    "sh -c 'i=0; until [ -e /srv/go ] || [ $i = 600 ]; do sleep 0.1; i=$((i+1)); done;"
    f" mkdir /srv/late' {_QUIET}"
)


def nothing_comes(hosts: TwoHosts) -> None:
    """Let what may still go on write its data, and see that it does not."""
    (hosts.standby.srv / "go").touch()
    time.sleep(1)
    assert "late" not in hosts.standby.touched()


def test_a_restore_that_its_deadline_cuts_writes_nothing_afterwards(
    hosts: TwoHosts, tmp_path: Path
) -> None:
    """It is ended before the teardown, and looked for once more."""
    house = hosts.house(tmp_path)
    write(house, "playbooks/restore.yml", _LATER.format(module="ansible.builtin.raw"))
    edit(house, "drills/shop.yml", "restore.yml, deadline: 2m", "restore.yml, deadline: 12s")
    result = pradrill(house, "run", "shop")
    assert result.returncode in {10, 12}, result.stdout + result.stderr
    assert "torn-down" in hosts.standby.touched()
    assert "begun" in hosts.standby.touched()
    assert last_record(house)["residue"] == []
    nothing_comes(hosts)


def test_a_killed_run_writes_nothing_after_its_teardown(hosts: TwoHosts, tmp_path: Path) -> None:
    """The next command ends on the standby what kill -9 left there: a module of Ansible's too."""
    house = hosts.house(tmp_path)
    write(house, "playbooks/restore.yml", _LATER.format(module="ansible.builtin.shell"))
    process = subprocess.Popen(
        [sys.executable, "-m", "pradrill", "--state", str(house / "state"), "run", "shop"],
        cwd=house,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    until((hosts.standby.srv / "begun").exists, "the restore has not begun")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    result = pradrill(house, "runs")
    assert "was killed; its standby was torn down" in result.stderr, result.stderr
    assert "begun" in hosts.standby.touched()
    assert last_record(house)["residue"] == []
    nothing_comes(hosts)


def test_what_stays_behind_a_drill_is_ended_and_told(hosts: TwoHosts, tmp_path: Path) -> None:
    """A drill that passes and leaves processes behind has left residue: 13, each by its name.

    Whatever has started them: a playbook, a check, a reading. What has dropped its environment is
    not known as the run's: it is told all the same, and left alone. None of it hides in a mount
    namespace, a root or process numbers of its own, nor behind the name of a login or of a daemon
    that ran before.
    """
    house = hosts.house(tmp_path)
    bare = f"env -i setsid /srv/aged 150 {_QUIET} &"
    inside(hosts, f"cp /bin/sleep /srv/aged; {bare} echo $! > /srv/pid; sleep 0.5")
    commands = (
        "cp /bin/sleep /srv/hidden;",
        f"env -i setsid {_APART} /srv/hidden 90 {_QUIET} &",
        "mkdir /srv/root; cp /bin/sleep /srv/root/rooted; cp /bin/sleep /srv/root/jailed;",
        "cp /bin/sleep /srv/root/caged;",
        "cp --parents $(ldd /bin/sleep | grep -o '/[^ ]*') /srv/root;",
        f"env -i setsid {_APART} --root=/srv/root /rooted 90 {_QUIET} &",
        f"env -i setsid unshare --root=/srv/root /jailed 90 {_QUIET} &",
        f"env -i setsid {_APART} --net --root=/srv/root /caged 90 {_QUIET} &",
        f"env -i setsid {_APART} --pid --fork --mount-proc sleep 90 {_QUIET} &",
        f"cp /bin/sleep /srv/sshd; env -i setsid /srv/sshd 90 {_QUIET} &",
        f"setsid /srv/aged 150 {_QUIET} &",
        f"setsid {_STAYS} &",
        f"(setsid {_STAYS} & );",
        f"(nohup {_STAYS} & );",
        f"env -i setsid sh -c 'exec nice sleep 90' {_QUIET} &",
    )
    write(house, "playbooks/restore.yml", _DAEMON.format(command=" ".join(commands)))
    write(
        house,
        "drills/checks/shop/test_shop.py",
        f"""\
        def test_it_answers(host):
            \"\"\"The machine answers.\"\"\"
            host.run("setsid tail -f /dev/null {_QUIET} &")
            assert host.check_output("echo yes") == "yes"
        """,
    )
    reading = f"setsid timeout 90 sleep 90 {_QUIET} & sleep 0.5; date -u -d -5min +%FT%TZ"
    edit(house, "drills/shop.yml", "date -u -d -5min +%FT%TZ", reading)
    result = pradrill(house, "run", "shop")
    assert result.returncode == 13, result.stdout + result.stderr
    residue = texts(last_record(house)["residue"])
    ended = [left.split()[2] for left in residue if left.endswith("still ran, and was ended")]
    assert ended.count("sh") == 3, residue
    assert {"sh", "tail", "timeout", "aged"} <= set(ended), residue
    assert hosts.standby.goes_on((hosts.standby.srv / "pid").read_text().strip()), "that of before"
    others = [left.split()[2] for left in residue if left.endswith("was not there before")]
    names = ["caged", "hidden", "jailed", "rooted", "sleep", "sshd", "unshare"]
    assert sorted(others) == names, residue
    nothing_comes(hosts)


_HELPERS = """
cp /bin/sleep /srv/window; cp /bin/sleep /srv/screened; cp /bin/sleep /srv/own
mount -t tmpfs own /var/spool; mkdir -p /var/spool/cron/atjobs /var/spool/cron/atspool
echo 1 > /var/spool/cron/atjobs/.SEQ; chown -R daemon: /var/spool/cron/at*
/usr/sbin/atd
tmux -L pradrill new-session -d '/srv/own 300'
screen -dmS pradrill /srv/own 300
"""
_NO_HELPERS = """
tmux -L pradrill kill-server; screen -S pradrill -X quit; umount -l /var/spool
for each in $(pidof atd); do
  [ /proc/$each/ns/mnt -ef /proc/self/ns/mnt ] && kill $each
done; true
"""
_HANDED = """\
- hosts: standby
  gather_facts: false
  tasks:
    - name: have the standby's own helpers start something
      ansible.builtin.raw: |
        tmux -L pradrill new-window -d '/srv/window 90'
        tmux -L pradrill run-shell -b '/srv/own 90'
        screen -S pradrill -X screen /srv/screened 90
        echo 'rm /var/spool/cron/at*/*0*; exec sleep 90' | env -i at now
        mkdir /srv/restored; sleep 1
"""


@pytest.mark.nightly
@pytest.mark.skipif(
    not all(shutil.which(each, path="/usr/bin:/usr/sbin") for each in ("tmux", "screen", "atd")),
    reason="tmux, screen or at is not installed",
)
def test_what_a_helper_of_before_was_given_to_start_is_told(
    hosts: TwoHosts, tmp_path: Path
) -> None:
    """By tmux, screen or at it carries no mark, and its parent goes on: what they had stays theirs.

    A job whose file is gone while it runs is one that somebody has queued meanwhile.
    """
    house = hosts.house(tmp_path)
    inside(hosts, _HELPERS)
    try:
        write(house, "playbooks/restore.yml", _HANDED)
        result = pradrill(house, "run", "shop")
        assert result.returncode == 13, result.stdout + result.stderr
        residue = texts(last_record(house)["residue"])
        assert all(each.endswith("was not there before") for each in residue), residue
        assert sorted(each.split()[2] for each in residue) == ["screened", "sh", "sleep", "window"]

        write(house, "playbooks/restore.yml", RESTORE)
        result = pradrill(house, "run", "shop")
        assert result.returncode == 0, result.stdout + result.stderr
    finally:
        inside(hosts, _NO_HELPERS)


_OWN = "/user.slice/user-0.slice/user@0.service"
_OTHERS = "/user.slice/user-1001.slice/user@1001.service"
_TOLD = {  # name → where systemd has it
    "job": "/system.slice/cron.service",  # what cron has started, and nobody waits for
    "queued": "/system.slice/atd.service",
    "atd": "/system.slice/atd.service",  # by its name alone
    "left": "/system.slice/ssh.service",  # a login without pam_systemd
    "scope": "/user.slice/user-0.slice/session-4.scope",
    "transient": f"{_OWN}/app.slice/run-u5.service",
    "made-up": f"{_OWN}/app.slice/shop.service",  # systemd-run --user --unit=shop
    "orphan": f"{_OWN}/app.slice/tmux.scope",  # of a user's systemd, which is its first process
    "pane": f"{_OWN}/app.slice/app-tmux.slice/tmux-spawn-5a.scope",  # of this login's user
    "conmon": f"{_OTHERS}/user.slice/libpod-conmon-5a.scope",  # a restore's, as another user
    "containerd-shim": "/system.slice/containerd.service",
    "login": "/user.slice/user-0.slice/session-7.scope",  # by its name alone
    "grouped": "/system.slice/made.service",  # a group that root has made, and systemd never began
}
_SPARED = {
    "nginx": "/system.slice/nginx.service",
    "systemd": f"{_OWN}/init.scope",
    "dbus-daemon": f"{_OWN}/app.slice/dbus.service",
    "cron": "/system.slice/cron.service",
    "anacron": "/system.slice/anacron.service",  # begun anew by its timer
    "rotate": "/system.slice/cron-daily.service",  # a job of systemd-cron
    "login ": "/user.slice/user-0.slice/session-8.scope",  # at a console
    "tmux: server": "/user.slice/user-1001.slice/session-5.scope",  # another's, who is at work
    "bash": f"{_OTHERS}/app.slice/app-tmux.slice/tmux-spawn-5b.scope",  # that one's window
}


@pytest.mark.nightly
def test_what_others_had_started_by_a_service_is_not_the_services(tmp_path: Path) -> None:
    """Cron, at, sshd, a container engine and a user's systemd keep what a restore gave them.

    A service that was begun anew meanwhile, a login's bus and as many containers are nobody's; nor
    is what another user has begun in a login of his own.
    """
    places = {**_TOLD, **_SPARED, "containerd-shim ": _TOLD["containerd-shim"]}
    manager = 10 + list(places).index("systemd")  # a user's
    (tmp_path / "run/0/systemd/transient").mkdir(parents=True)
    (tmp_path / "run/0/systemd/transient/shop.service").touch()
    for pid, (name, place) in enumerate(places.items(), 10):
        parent = manager if _OWN in place and name != "systemd" else 1
        (tmp_path / f"{pid}").mkdir()
        fields = f"S {parent} 1 {pid} 0 0 0 {'0 ' * 12}{900 - pid}"
        (tmp_path / f"{pid}/stat").write_text(f"{pid} ({name.strip()}) {fields}")
        (tmp_path / f"{pid}/cgroup").write_text(f"0::{place}\n")
        folder = "/srv" if name in _TOLD else "/usr/bin" if name == "login " else "/usr/sbin"
        (tmp_path / f"{pid}/exe").symlink_to(f"{folder}/{name.strip()}")
    script: dict[str, Any] = {"__name__": "script"}
    exec(source("remote_strays.py"), script)  # noqa: S102 ours; nothing imports it
    script.update(PROC=str(tmp_path), RUN=f"{tmp_path}/run", UNITS=f"{tmp_path}/units")
    (tmp_path / "units").mkdir()
    for unit in {Path(place).name for place in places.values()} - {"made.service"}:
        (tmp_path / f"units/invocation:{unit}").symlink_to("none")
    (tmp_path / str(os.getpid())).mkdir()
    group = "0::/user.slice/user-0.slice/session-3.scope\n"  # of this login
    (tmp_path / f"{os.getpid()}/cgroup").write_text(group)
    request = {"mark": "M", "run": "r", "since": 1.0, "daemons": ["cron", "containerd-shim"]}
    processes = script["look"](request)
    assert len(processes) == len(places)
    strays = [processes[pid]["name"] for pid in script["others"](request, processes)]
    assert sorted(strays) == sorted(_TOLD)


@pytest.mark.parametrize("is_written", [True, False])
def test_a_job_that_cron_waits_for_is_told_when_jobs_came_or_went(
    tmp_path: Path, *, is_written: bool
) -> None:
    """Of cron's own jobs, which nobody has touched, one that runs is the standby's.

    A cron that takes logins for its jobs (PAM), as Red Hat's, has another user's in that one's own.
    """
    processes = {
        10: (1, "cron", 1),
        11: (10, "cron", 900),
        12: (11, "sleep", 900),
        13: (12, "x", 901),
    }
    for pid, (parent, name, start) in processes.items():
        (tmp_path / f"{pid}").mkdir()
        fields = f"S {parent} 1 {pid} 0 0 0 {'0 ' * 12}{start}"
        (tmp_path / f"{pid}/stat").write_text(f"{pid} ({name}) {fields}")
        (tmp_path / f"{pid}/cgroup").write_text("0::/user.slice/user-33.slice/session-7.scope\n")
        (tmp_path / f"{pid}/exe").symlink_to(
            f"/usr/sbin/{name}" if name == "cron" else f"/bin/{name}"
        )
    (tmp_path / str(os.getpid())).mkdir()
    group = "0::/user.slice/user-0.slice/session-3.scope\n"  # of this login
    (tmp_path / f"{os.getpid()}/cgroup").write_text(group)
    (tmp_path / "cron.d").mkdir()
    began = time.time() - (100 if is_written else 0)
    script: dict[str, Any] = {"__name__": "script"}
    exec(source("remote_strays.py"), script)  # noqa: S102 ours; nothing imports it
    script.update(PROC=str(tmp_path), JOBS=(str(tmp_path / "absent"), str(tmp_path / "cron.d")))
    script["boot"] = lambda: began
    request = {"mark": "M", "run": "r", "since": 5.0, "daemons": ["cron"]}
    pids = script["others"](request, script["look"](request))
    assert pids == ([12] if is_written else [])

    (tmp_path / "11/stat").write_text(f"11 (sh) S 1 1 11 0 0 0 {'0 ' * 12}900")  # cron begun anew
    (tmp_path / "11/cgroup").write_text("0::/system.slice/cron.service\n")
    pids = script["others"](request, script["look"](request))
    assert pids == ([11] if is_written else [])


def test_what_a_service_of_before_has_let_go_is_told(tmp_path: Path) -> None:
    """A script of a web server's puts a worker into the background; its own children are its."""
    place = "0::/system.slice/apache2.service\n"
    for pid, (parent, name, start) in {
        20: (1, "apache2", 1),
        21: (20, "apache2", 900),
        22: (1, "worker", 900),
        23: (1, "nginx", 900),  # begun anew
        24: (1, "libvirtd", 900),  # likewise, beside what it had left there
    }.items():
        (tmp_path / f"{pid}").mkdir()
        fields = f"S {parent} 1 {pid} 0 0 0 {'0 ' * 12}{start}"
        (tmp_path / f"{pid}/stat").write_text(f"{pid} ({name}) {fields}")
        cgroup = place.replace("apache2", "nginx") if name == "nginx" else place
        (tmp_path / f"{pid}/cgroup").write_text(cgroup)
        (tmp_path / f"{pid}/exe").symlink_to(f"/usr/sbin/{name}")
        (tmp_path / f"{pid}/environ").write_text("A=b\0SYSTEMD_EXEC_PID=24\0")  # all inherit it
    script: dict[str, Any] = {"__name__": "script"}
    exec(source("remote_strays.py"), script)  # noqa: S102 ours; nothing imports it
    script["PROC"] = str(tmp_path)
    request = {"mark": "M", "run": "r", "since": 5.0, "daemons": ["apache2"]}
    assert script["others"](request, script["look"](request)) == [22]


def test_many_processes_are_looked_at_once_each(tmp_path: Path) -> None:
    """A host that runs hundreds, and has begun hundreds since, is not read once for every pair."""
    for pid in range(100, 400):
        (tmp_path / f"{pid}").mkdir()
        fields = f"S 1 1 {pid} 0 0 0 {'0 ' * 12}{1 if pid < 250 else 900}"
        (tmp_path / f"{pid}/stat").write_text(f"{pid} (p{pid}) {fields}")
        (tmp_path / f"{pid}/cgroup").write_text(f"0::/system.slice/s{pid % 150}.service\n")
    script: dict[str, Any] = {"__name__": "script"}
    exec(source("remote_strays.py"), script)  # noqa: S102 ours; nothing imports it
    script["PROC"] = str(tmp_path)
    request = {"mark": "M", "run": "r", "since": 5.0, "daemons": [f"p{n}" for n in range(100, 250)]}
    processes = script["look"](request)
    read, files = script["read"], []

    def note(pid: int, name: str) -> Any:
        files.append(name)
        return read(pid, name)

    script["read"] = note
    assert len(script["others"](request, processes)) == 150
    assert len(files) < 10 * len(processes)


def test_a_call_of_itself_without_end_is_looked_through_at_once(tmp_path: Path) -> None:
    """A script that calls itself lies thousands deep: of each all above it were gone through."""
    first = 5_000_000  # more than any process has here
    for pid in range(first, first + 1_500):
        (tmp_path / f"{pid}").mkdir()
        fields = f"S {1 if pid == first else pid - 1} 1 {pid} 0 0 0 {'0 ' * 12}900"
        (tmp_path / f"{pid}/stat").write_text(f"{pid} (sh) {fields}")
    (tmp_path / f"{first}/environ").write_text(f"M=r:{first}")
    script: dict[str, Any] = {"__name__": "script"}
    exec(source("remote_strays.py"), script)  # noqa: S102 ours; nothing imports it
    script["PROC"] = str(tmp_path)
    request = {"mark": "M", "run": "r", "since": 5.0, "daemons": [], "commands": False}
    processes = script["look"](request)
    began = time.process_time()
    assert len(script["ours"](request, processes)) == 1_500
    assert time.process_time() - began < 2


def test_a_process_is_new_by_the_clock_of_its_start() -> None:
    """A container of LXC's has an uptime of its own, and starts since its host's boot."""
    script: dict[str, Any] = {"__name__": "script"}
    exec(source("remote_strays.py"), script)  # noqa: S102 ours; nothing imports it
    script["PROC"] = "/proc"
    before = script["before"]()["uptime"]
    time.sleep(0.05)
    with subprocess.Popen(["sleep", "60"]) as process:
        request = {"mark": "M", "run": "r", "since": before}
        start = script["process"](process.pid, request)["start"] / script["TICKS"]
        process.kill()
    assert before < start < script["uptime"]()
    assert abs(script["boot"]() + script["uptime"]() - time.time()) < 1
    script["open"] = None  # nothing of /proc but a process's own
    assert script["uptime"]() > start


def test_what_a_containers_own_systemd_begins_is_the_containers(tmp_path: Path) -> None:
    """A service that was begun anew in it has new mounts where it has a /tmp of its own."""
    place = "0::/lxc.payload.web/{}\n"
    for pid, (parent, name, start, group) in {
        30: (29, "systemd", 1, "init.scope"),
        31: (30, "apache2", 900, "system.slice/apache2.service"),
    }.items():
        (tmp_path / f"{pid}/ns").mkdir(parents=True)
        (tmp_path / f"{pid}/ns/mnt").write_text("")
        fields = f"S {parent} 1 {pid} 0 0 0 {'0 ' * 12}{start}"
        (tmp_path / f"{pid}/stat").write_text(f"{pid} ({name}) {fields}")
        (tmp_path / f"{pid}/cgroup").write_text(place.format(group))
    (tmp_path / "self/ns").mkdir(parents=True)
    (tmp_path / "self/ns/mnt").write_text("")
    (tmp_path / "units").mkdir()
    script: dict[str, Any] = {"__name__": "script"}
    exec(source("remote_strays.py"), script)  # noqa: S102 ours; nothing imports it
    script.update(PROC=str(tmp_path), UNITS=f"{tmp_path}/units")
    request = {"mark": "M", "run": "r", "since": 5.0, "daemons": []}
    assert script["others"](request, script["look"](request)) == []


def test_a_table_of_crons_may_have_a_name_like_ats(tmp_path: Path) -> None:
    """Of cron.d/atop nothing was seen: at's own folders alone change by themselves."""
    script: dict[str, Any] = {"__name__": "script"}
    exec(source("remote_strays.py"), script)  # noqa: S102 ours; nothing imports it
    folder = tmp_path / "cron.d"
    folder.mkdir()
    (folder / "atop").touch()
    (folder / "atjobs").mkdir()
    time.sleep(0.1)
    began = time.time() - 0.05
    script["boot"] = lambda: began
    (folder / "atjobs/a").touch()
    assert not script["have_changed"]((str(folder),), 0.0)
    (folder / "atop").write_text("* * * * * root true")
    assert script["have_changed"]((str(folder),), 0.0)


def test_one_program_more_below_a_keeper_is_told_also_after_a_boot(tmp_path: Path) -> None:
    """Supervisor's own programs are begun anew as often as it likes, and are its service's.

    After another boot than that of the first look all is new, however short that one was.
    """
    for pid, (parent, name, start) in {
        20: (1, "supervisord", 1),
        21: (20, "shop", 900),
        22: (20, "shop", 901),
        23: (20, "restored", 902),
        24: (1, "early", 2),
    }.items():
        (tmp_path / f"{pid}").mkdir()
        fields = f"S {parent} 1 {pid} 0 0 0 {'0 ' * 12}{start}"
        (tmp_path / f"{pid}/stat").write_text(f"{pid} ({name}) {fields}")
        cgroup = "/init.scope" if name == "early" else "/system.slice/supervisor.service"
        (tmp_path / f"{pid}/cgroup").write_text(f"0::{cgroup}\n")
        (tmp_path / f"{pid}/exe").symlink_to(f"/usr/bin/{name}")
    script: dict[str, Any] = {"__name__": "script"}
    exec(source("remote_strays.py"), script)  # noqa: S102 ours; nothing imports it
    script["PROC"] = str(tmp_path)
    here = script["before"]()
    assert here["daemons"] == [
        *("early", "supervisord", "supervisord/restored", "supervisord/shop", "supervisord/shop")
    ]
    request = {"mark": "M", "run": "r", "since": 5.0, "daemons": ["supervisord/shop"] * 2}
    for boot, pids in ("", [23]), (here["boot"], [23]), ("another", [23, 24]):
        its = script["of_this_boot"]({**request, "boot": boot})
        assert sorted(script["others"](its, script["look"](its))) == pids
    assert script["of_this_boot"]({**request, "since": None, "boot": "another"})["since"] is None


def test_a_quiet_drill_does_not_wait_and_ends_nobody_elses(hosts: TwoHosts, tmp_path: Path) -> None:
    """A service that its teardown stops is left to it; a login of somebody's is no residue."""
    house = hosts.house(tmp_path)
    service = f"setsid sh -c 'echo $$ > /srv/pid; exec sleep 300' {_QUIET} &"
    write(house, "playbooks/restore.yml", _DAEMON.format(command=service))
    write(house, "playbooks/teardown.yml", _STOP)
    server = hosts.standby.server
    words = ("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null")
    ssh = ["ssh", *words, "-i", str(server.key), "-p", str(server.port)]
    run = subprocess.Popen(
        [sys.executable, "-m", "pradrill", "--state", str(house / "state"), "run", "shop"],
        cwd=house,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until((hosts.standby.etc_pradrill / "lease").exists, "the drill has not begun")
    with subprocess.Popen(
        [*ssh, f"{server.host.user}@{server.address}", "sleep 300"],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as login:
        assert run.wait(240) == 0
        assert login.poll() is None
        login.kill()
    assert "torn-down" in hosts.standby.touched()
    look = next(step for step in last_record(house)["steps"] if step["kind"] == "residue")
    assert look["seconds"] < 2.9
