"""Secrets stay secret: planted in every channel, in every phase, and looked for everywhere."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import quote

import pytest
from tests.integration.hosts.two_hosts import TwoHosts
from tests.integration.house import edit, pradrill, seal_with_a_key, write

from pradrill.system import scratch

PLAY = "play-Vuz7&kofe/1"
SETTINGS = "settings-Rab3'rimo\"2"
NUMBER = "48151623420815"
CANARY = "canary-Hof5-lute-3"
COMMAND = "command-Tis8-wapo-4"
KEY = "first-line-Gax6-peru\nsecond-line-Nud2-joba"
ROW = "alice@exemple.fr"
SECRETS = (PLAY, SETTINGS, NUMBER, CANARY, COMMAND, *KEY.splitlines())

RESTORE = """\
- hosts: standby
  gather_facts: false
  tasks:
    - name: put the data and the settings back
      ansible.builtin.shell:
        cmd: |
          mkdir -p /srv/restored; cat > /srv/restored/settings
          echo "ERROR:  23505: twice"; echo "DETAIL:  Key (email)=(alice@exemple.fr) exists."
        stdin: "DB_PASSWORD={{ settings }}\\n"
    - name: print {{ play }} and more
      ansible.builtin.debug:
        msg: ["{{ play }}", "{{ play | b64encode }}", "{{ ('x' ~ play) | b64encode }}",
              "{{ play | urlencode }}", "{{ key }}", "{{ number }}", "{{ command }}"]
    - name: hand back
      ansible.builtin.set_stats:
        per_host: false
        data:
          nested: {deep: "{{ [{play: number | int}] }}", text: "a {{ settings }} b"}
          number: "{{ number | int }}"
"""
TEARDOWN = """\
- hosts: standby
  gather_facts: false
  tasks:
    - name: remove what was restored
      ansible.builtin.raw: cat /srv/restored/settings; rm -rf /srv/restored
    - name: fail with it
      ansible.builtin.fail: {msg: "{{ key }} and {{ command }}"}
"""
CHECK = '''\
def test_settings(host):
    """The settings are right."""
    settings = host.file("/srv/restored/settings").content_string
    assert settings == "nothing" + "x" * 300 + settings
'''


@pytest.fixture
def house(hosts: TwoHosts, tmp_path: Path) -> Path:
    """Return a house whose drill names a secret of each kind, and whose register is signed."""
    folder = hosts.house(tmp_path / "house")
    seal_with_a_key(folder)
    write(folder, "playbooks/restore.yml", RESTORE)
    write(folder, "playbooks/teardown.yml", TEARDOWN)
    write(folder, "drills/checks/shop/test_shop.py", CHECK)
    for name, value in (("settings", SETTINGS), ("canary", CANARY), ("key", KEY)):
        (folder / name).write_text(f"{value}\n")
        (folder / name).chmod(0o600)
    (folder / "vault").write_text(f"#!/bin/sh\necho nonsense {PLAY} >&2\necho '{COMMAND}'\n")
    (folder / "vault").chmod(0o700)
    secrets = (
        f"{{play: 'env:SHOP_PLAY', number: 'env:SHOP_NUMBER', settings: 'file:{folder}/settings', "
        f"key: 'file:{folder}/key', command: 'command:{folder}/vault'}}"
    )
    edit(folder, "drills/shop.yml", "restore.yml,", f"restore.yml, secrets: {secrets},")
    edit(folder, "drills/shop.yml", "teardown.yml}", f"teardown.yml, secrets: {secrets}}}")
    edit(
        folder,
        "drills/shop.yml",
        '  newest_data: {command: "date -u -d -5min +%FT%TZ"}\n',
        '  newest_data: {command: "cat /srv/restored/settings >&2; exit 3"}\n'
        f"  canary: {{command: 'cat /srv/restored/settings', expect: 'file:{folder}/canary'}}\n",
    )
    edit(folder, "drills/shop.yml", "deadline: 1m", "deadline: 4s")
    return folder


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Return an environment with the secrets that are read from it, and folders of our own."""
    temporary = folder.parent / "tmp"
    temporary.mkdir(exist_ok=True)
    variables = {"SHOP_PLAY": PLAY, "SHOP_NUMBER": NUMBER, "TMPDIR": str(temporary)}
    return {**os.environ, **variables, **more}


def forms(secret: str) -> Iterator[bytes]:
    """Yield how a secret would stand in a file."""
    raw = secret.encode()
    yield raw
    yield json.dumps(secret)[1:-1].encode()
    yield quote(secret).encode()
    yield raw.hex().encode()
    for before in range(3):
        whole = base64.b64encode(b"x" * before + raw)
        yield whole[4 if before else 0 : -4]


def secrets_in(content: bytes) -> list[str]:
    """Return the secrets, and the row, that stand in something."""
    return [each for each in (*SECRETS, ROW) if any(form in content for form in forms(each))]


def tell_tales(*folders: Path) -> dict[str, list[str]]:
    """Return what each file below the folders tells, but for those that the test made to tell."""
    ours = {"settings", "canary", "key", "vault", "restore.yml"}
    files = [path for folder in folders for path in folder.rglob("*") if path.name not in ours]
    files = [path for path in files if path.is_file()]
    leaks = {str(path): secrets_in(path.read_bytes()) for path in files}
    return {path: what for path, what in leaks.items() if what}


@contextmanager
def watched(folder: Path) -> Iterator[dict[str, list[str]]]:
    """Look at the arguments of all processes, and at the environments that were not given by us.

    The command of this house has the one that it was started in, as its forks have until they are
    another program.
    """
    given = b"\0".join(map(os.fsencode, command(folder)))
    leaks: dict[str, list[str]] = {}
    over = Event()

    def look() -> None:
        while not over.wait(0.05):
            for entry in Path("/proc").glob("[0-9]*"):
                if int(entry.name) == os.getpid():
                    continue
                for name in ("cmdline", "environ"):
                    try:
                        content = (entry / name).read_bytes()
                        words = (entry / "cmdline").read_bytes()
                    except OSError:
                        continue
                    if name == "environ" and words.startswith(given):
                        continue
                    if what := secrets_in(content):
                        leaks[f"{name} of {words[:200]!r}"] = what

    thread = Thread(target=look)
    thread.start()
    try:
        yield leaks
    finally:
        over.set()
        thread.join()


def command(folder: Path) -> list[str]:
    """Return how a command begins in a house."""
    return [sys.executable, "-m", "pradrill", "--state", str(folder / "state")]


def start(folder: Path, *words: str) -> subprocess.Popen[bytes]:
    """Start the command in a house."""
    return subprocess.Popen(
        [*command(folder), *words],
        cwd=folder,
        env=environment(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def folders_of_runs(folder: Path) -> set[Path]:
    """Return the folders of this house's runs that lie in memory, or in the system's /tmp."""
    places = (Path("/dev/shm"), Path("/run"), Path("/tmp"), folder.parent / "tmp")
    names = [scratch.prefix(run.name) for run in (folder / "state/runs").iterdir()]
    return {path for place in places for name in names for path in place.glob(f"{name}*")}


def test_nothing_that_a_run_writes_or_starts_tells_a_secret(house: Path, tmp_path: Path) -> None:
    """Playbook, check, reading, canary and teardown all tell, and fail; then every report."""
    with watched(house) as leaks:
        running = start(house, "run", "shop")
        out, err = running.communicate(timeout=120)
    assert running.returncode == 10, err
    assert not secrets_in(out + err), (out + err).decode()
    assert not leaks
    for form in ("html", "pdf", "junit", "csv", "json"):
        result = pradrill(
            house, "report", "--format", form, "--output", str(tmp_path / f"r.{form}")
        )
        assert result.returncode == 0, result.stderr
    result = pradrill(house, "bundle", "--output", str(tmp_path / "bundle"))
    assert result.returncode == 0, result.stderr
    for words in (("show", "--json"), ("show",), ("runs", "--json"), ("register", "list")):
        result = pradrill(house, *words)
        assert not secrets_in((result.stdout + result.stderr).encode()), words
    assert not tell_tales(tmp_path)
    assert not folders_of_runs(house)
    record: Any = json.loads(pradrill(house, "show", "--json").stdout)
    steps = {step["name"]: step for step in record["steps"]}
    values = steps["restore"]["values"]
    assert values == {
        "nested": {"deep": [{"********": "********"}], "text": "a ******** b"},
        "number": "********",
    }
    assert "********" in str(record["checks"])
    assert "********" in str(steps["read the recovery point"]["detail"])
    assert "********" in str(steps["teardown"]["detail"])
    assert pradrill(house, "register", "verify").returncode == 0


def test_a_killed_run_leaves_no_secret_on_a_disk_and_none_in_memory_once_it_is_swept(
    house: Path, tmp_path: Path
) -> None:
    """Nothing has time to tidy up; the next command finds the run's folders by its id."""
    wait = "    - name: hang\n      ansible.builtin.command: sleep 60\n"
    edit(house, "playbooks/restore.yml", "    - name: hand back", f"{wait}    - name: hand back")
    running = start(house, "run", "shop")
    journal = house / "state"
    end = time.monotonic() + 60
    while not list(journal.rglob("events.jsonl")) or "more" not in events(journal):
        assert running.poll() is None, running.communicate()
        assert time.monotonic() < end
        time.sleep(0.1)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    assert not tell_tales(tmp_path)
    assert folders_of_runs(house)
    environ = environment(house)
    result = pradrill(house, "runs", environment=environ)
    assert "its standby was not left as declared (teardown ended failed" in result.stderr
    assert not secrets_in((result.stdout + result.stderr).encode())
    assert not folders_of_runs(house)
    assert not tell_tales(tmp_path)
    assert pradrill(house, "register", "verify", environment=environ).returncode == 0


def events(state: Path) -> str:
    """Return what the restore has told of itself."""
    return "".join(path.read_text("utf-8") for path in state.rglob("events.jsonl"))


def test_secrets_that_cannot_be_used_are_found_before_anything_is_touched(
    hosts: TwoHosts, house: Path
) -> None:
    """All at once, each with its remedy; exit 4, and no value is told."""
    (house / "settings").chmod(0o644)
    (house / "canary").unlink()
    (house / "key").write_text("\n")
    (house / "vault").write_text(f"#!/bin/sh\necho '{COMMAND}'\nexit 9\n")
    environ = environment(house, SHOP_NUMBER="passed")
    del environ["SHOP_PLAY"]
    result = pradrill(house, "run", "shop", environment=environ)
    assert result.returncode == 4, result.stdout + result.stderr
    output = result.stdout + result.stderr + pradrill(house, "show", "--json").stdout
    for part in (
        f"the secret file {house}/settings can be read by others",
        f"chmod 600 {house}/settings",
        f"the secret file {house}/canary cannot be read",
        f"the secret file:{house}/key is empty",
        f"the secret command:{house}/vault cannot be had: its command ended with exit code 9",
        "the environment variable SHOP_PLAY is not set",
        "the secret env:SHOP_NUMBER is also a name in the plan or in a record",
    ):
        assert part in output, part
    assert COMMAND not in output
    assert hosts.standby.touched() == []
