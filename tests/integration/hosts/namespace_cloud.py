"""A cloud in seconds: playbooks that make a host in a namespace from cloud-init's files.

Run as a script it is what the playbooks run: `make`, `destroy`, `list`. A machine is a folder with
its tag; it is there before the machine is, as a definition on a hypervisor would be.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import yaml
from tests.integration.hosts.machines import propagation

_ROOT = Path(__file__).parents[3]

_OWN = """
mount --bind "$1/machine-id" /etc/machine-id
mount --bind "$1/etc-pradrill" /etc/pradrill
mount --bind "$1/srv" /srv
shift
exec "$@"
"""
_PLAY = """\
- hosts: localhost
  gather_facts: false
  tasks:
    - name: {name}
      ansible.builtin.command:
        argv: [{python}, -m, tests.integration.hosts.namespace_cloud, {verb}, {cloud}, {words}]
        chdir: {root}
      register: cloud
    - name: hand back
      ansible.builtin.set_stats:
        data: {{{value}: "{{{{ cloud.stdout | from_json }}}}"}}
        per_host: false
"""
_WORDS = {
    "make": ("pradrill_addresses", "'{{ pradrill_expires }}', '{{ pradrill_machines | to_json }}'"),
    "destroy": ("pradrill_ended", "'-'"),
    "list": ("pradrill_listing", "'-'"),
}
STANDBY = """\
standby:
  machines: [web-dr]
  provision: {playbook: ../playbooks/make.yml, deadline: 1m}
  destroy: {playbook: ../playbooks/destroy.yml, deadline: 1m}
  listing: {playbook: ../playbooks/list.yml, deadline: 1m}
"""


def write_cloud(house: Path) -> Path:
    """Let a house's drill be on a machine that is made for it; return where machines are."""
    cloud = house / "cloud"
    cloud.mkdir()
    for verb, (value, words) in _WORDS.items():
        play = _PLAY.format(
            name=verb,
            python=sys.executable,
            root=_ROOT,
            verb=verb,
            cloud=cloud,
            words=f"'{{{{ pradrill_tag }}}}', {words}",
            value=value,
        )
        (house / f"playbooks/{verb}.yml").write_text(play, "utf-8")
    drill = (house / "drills/shop.yml").read_text("utf-8").splitlines(keepends=True)
    text = "".join(line for line in drill if not line.startswith(("standby:", "teardown:")))
    (house / "drills/shop.yml").write_text(text + STANDBY, "utf-8")
    return cloud


def remove_all(cloud: Path) -> None:
    """Leave no machine, whosever."""
    for tag in {(each / "tag").read_text() for each in cloud.iterdir()}:
        destroy(cloud, tag)


def make(cloud: Path, tag: str, expires: str, machines: str) -> dict[str, object]:
    """Make machines; return their addresses."""
    return {each["name"]: _machine(cloud, tag, expires, each) for each in json.loads(machines)}


def _machine(cloud: Path, tag: str, expires: str, seed: dict[str, str]) -> dict[str, object]:
    home = cloud / seed["machine"]
    home.mkdir()
    (home / "tag").write_text(tag)
    (home / "expires").write_text(expires)
    _pause(cloud, "defined")

    user_data = yaml.safe_load(Path(seed["user_data"]).read_text("utf-8"))
    for part in ("etc-pradrill", "srv"):
        (home / part).mkdir()
    Path("/etc/pradrill").mkdir(exist_ok=True)
    (home / "machine-id").write_text(f"{secrets.token_hex(16)}\n")
    (home / "key").write_text(user_data["ssh_keys"]["ed25519_private"])
    (home / "key").chmod(0o600)
    keys = user_data["users"][0]["ssh_authorized_keys"]
    (home / "authorized_keys").write_text("\n".join(keys) + "\n")

    holder = _start(home, "unshare", "--net", "sleep", "3600")
    address = _link(home, holder)
    wrap = ["nsenter", f"--net=/proc/{holder}/ns/net", "unshare", "--mount", *propagation()]
    wrap += ["sh", "-ec", _OWN, "sh", str(home)]
    for command in user_data["bootcmd"]:
        subprocess.run([*wrap, *command], check=True, capture_output=True)
    settings = {
        "HostKey": home / "key",
        "AuthorizedKeysFile": home / "authorized_keys",
        "PidFile": "none",
        "UsePAM": "no",
        "StrictModes": "no",
        "PasswordAuthentication": "no",
        "UseDNS": "no",
        "MaxSessions": 50,
        "MaxStartups": 100,
        "Subsystem": "sftp internal-sftp",
    }
    (home / "sshd_config").write_text("".join(f"{k} {v}\n" for k, v in settings.items()))
    Path("/run/sshd").mkdir(exist_ok=True)
    _start(home, *wrap, "/usr/sbin/sshd", "-D", "-e", "-f", str(home / "sshd_config"))
    _pause(cloud, "started")
    return {"address": address, "port": 22}


def _pause(cloud: Path, moment: str) -> None:
    """Say how far it has come, and wait there when the test wants it."""
    with suppress(FileNotFoundError):
        if (cloud.parent / "pause").read_text().strip() == moment:
            (cloud.parent / "reached").touch()
            time.sleep(600)


def _start(home: Path, *words: str) -> int:
    """Start a process that outlives the play: it carries no mark of the run."""
    with (home / "log").open("ab") as log:
        process = subprocess.Popen(
            words,
            env={"PATH": os.environ["PATH"]},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    with (home / "pids").open("a") as pids:
        pids.write(f"{process.pid}\n")
    return process.pid


def _link(home: Path, holder: int) -> str:
    """Link it to this machine, by addresses of its own; return its own."""
    token = secrets.token_hex(4)
    here, there = f"pdc{token}", f"pdd{token}"
    (home / "link").write_text(here)
    third, fourth = int(token[:2], 16), int(token[2:4], 16) & 0xFC
    inside = ("nsenter", f"--net=/proc/{holder}/ns/net")
    for _ in range(100):  # until unshare has made its network
        if Path(f"/proc/{holder}/ns/net").readlink() != Path("/proc/self/ns/net").readlink():
            break
        time.sleep(0.02)
    address = f"10.218.{third}.{fourth + 2}"
    for words in (
        ("ip", "link", "add", here, "type", "veth", "peer", "name", there),
        ("ip", "link", "set", there, "netns", str(holder)),
        ("ip", "address", "add", f"10.218.{third}.{fourth + 1}/30", "dev", here),
        ("ip", "link", "set", here, "up"),
        (*inside, "ip", "address", "add", f"{address}/30", "dev", there),
        (*inside, "ip", "link", "set", there, "up"),
        (*inside, "ip", "link", "set", "lo", "up"),
    ):
        subprocess.run(words, check=True, capture_output=True)
    return address


def destroy(cloud: Path, tag: str) -> list[str]:
    """End the machines that carry the tag; return their names."""
    names = []
    for home in sorted(cloud.iterdir()):
        if (home / "tag").read_text() != tag:
            continue
        with suppress(FileNotFoundError):
            for pid in (home / "pids").read_text().split():
                with suppress(ProcessLookupError):
                    os.killpg(int(pid), signal.SIGKILL)
        with suppress(FileNotFoundError):
            link = (home / "link").read_text()
            subprocess.run(["ip", "link", "delete", link], capture_output=True, check=False)
        shutil.rmtree(home)
        names.append(home.name)
    return names


def listing(cloud: Path, tag: str) -> list[dict[str, str]]:
    """Return the machines that carry the tag; of an empty one, all."""
    machines = [
        {
            "machine": home.name,
            "tag": (home / "tag").read_text(),
            "expires": (home / "expires").read_text(),
        }
        for home in sorted(cloud.iterdir())
    ]
    return [each for each in machines if tag in {"", each["tag"]}]


def main(verb: str, cloud: Path, tag: str, *more: str) -> None:
    """Do what a playbook asks for, and print what it hands back."""
    answer: object
    if verb == "make":
        answer = make(cloud, tag, *more)
    elif verb == "destroy":
        answer = destroy(cloud, tag)
    else:
        answer = listing(cloud, tag)
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
