"""What was not proven is not touched, by anything: on two real hosts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.hosts.two_hosts import TwoHosts
from tests.integration.house import edit, pradrill, write

from pradrill.adapters.clock import SteadyClock
from pradrill.adapters.secrets import resolve
from pradrill.adapters.ssh.probe import SshProbe
from pradrill.domain.run.host import HostFacts, MarkerFault
from pradrill.domain.run.outcome import GuardOutcome
from pradrill.engine.guards import marker_guard
from pradrill.testing.reasons import texts

REPOSITORY = Path(__file__).parents[2]
LIVE = "a live database"


def attempt(house: Path) -> tuple[int, dict[str, Any], str]:
    """Run the drill; return its exit code, its record, and what it said."""
    result = pradrill(house, "run", "shop")
    assert "Traceback" not in result.stdout + result.stderr
    record = json.loads(pradrill(house, "show", "--json").stdout)
    return result.returncode, record, result.stdout + result.stderr


def not_run(record: dict[str, Any]) -> dict[str, str | None]:
    """Return the playbooks that never began, and why."""
    return {each["name"]: each["not_run"] for each in record["not_executed"] if each["playbook"]}


def guards(record: dict[str, Any], name: str) -> list[tuple[str | None, str]]:
    """Return in which phases a guard was looked at, and what it found."""
    return [(g["phase"], g["outcome"]) for g in record["guards"] if g["guard"] == name]


def put_live_data(hosts: TwoHosts) -> None:
    """Put something on the standby that its teardown playbook would destroy."""
    (hosts.standby.srv / "restored").mkdir()
    (hosts.standby.srv / "restored" / "data").write_text(LIVE)


def assert_untouched(hosts: TwoHosts) -> None:
    """Nothing has appeared or gone on either machine."""
    assert hosts.standby.touched() == ["restored"]
    assert (hosts.standby.srv / "restored" / "data").read_text() == LIVE
    assert hosts.production.touched() == ["live"]


def nothing(_hosts: TwoHosts) -> None:
    """Leave the standby without a marker."""


def copied(hosts: TwoHosts) -> None:
    """Put another machine's marker there."""
    hosts.standby.marker.write_text("f0" * 16 + "\n")


def link(hosts: TwoHosts) -> None:
    """Point the marker at the machine-id: valid on any machine that it is copied to."""
    hosts.standby.marker.symlink_to("/etc/machine-id")


def link_to_a_file_beside(hosts: TwoHosts) -> None:
    """Point the marker at a good file in the same folder."""
    beside = hosts.standby.etc_pradrill / "real"
    beside.write_text(f"{hosts.standby.machine_id}\n")
    hosts.standby.marker.symlink_to("real")


def hard_link(hosts: TwoHosts) -> None:
    """Make the marker another name of a file."""
    beside = hosts.standby.etc_pradrill / "real"
    beside.write_text(f"{hosts.standby.machine_id}\n")
    os.link(beside, hosts.standby.marker)


def others(hosts: TwoHosts) -> None:
    """Let others write the marker."""
    hosts.standby.marker.write_text(f"{hosts.standby.machine_id}\n")
    hosts.standby.marker.chmod(0o646)


def group(hosts: TwoHosts) -> None:
    """Let a group write the marker."""
    hosts.standby.marker.write_text(f"{hosts.standby.machine_id}\n")
    hosts.standby.marker.chmod(0o664)


def owned(hosts: TwoHosts) -> None:
    """Give the marker to somebody."""
    hosts.standby.marker.write_text(f"{hosts.standby.machine_id}\n")
    os.chown(hosts.standby.marker, 65_534, 0)


def folder(hosts: TwoHosts) -> None:
    """Put a folder there."""
    hosts.standby.marker.mkdir()


def fifo(hosts: TwoHosts) -> None:
    """Put a pipe there that nobody writes into."""
    os.mkfifo(hosts.standby.marker)


@pytest.mark.parametrize(
    ("mark", "reason"),
    [
        (nothing, "/etc/pradrill/standby is missing"),
        (copied, "names another machine"),
        (link, "/etc/pradrill/standby is a link"),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_a_standby_without_its_own_marker_is_not_touched(
    hosts: TwoHosts, tmp_path: Path, mark: Callable[[TwoHosts], None], reason: str
) -> None:
    """Exit 4, no prepare, no restore, no teardown, and the record says that it was never proven."""
    house = hosts.house(tmp_path)
    prepare = "prepare: [{playbook: ../playbooks/prepare.yml}]\nrestore: ["
    edit(house, "drills/shop.yml", "restore: [", prepare)
    play = (house / "playbooks/restore.yml").read_text().replace("/srv/restored", "/srv/prepared")
    write(house, "playbooks/prepare.yml", play)
    put_live_data(hosts)
    hosts.standby.marker.unlink()
    mark(hosts)
    code, record, output = attempt(house)
    assert (code, record["verdict"]) == (4, "INCONCLUSIVE")
    assert reason in output
    assert reason in str(record["reasons"])
    assert not_run(record) == dict.fromkeys(("prepare", "restore", "teardown"), "never proven")
    assert_untouched(hosts)


@pytest.fixture
def look(hosts: TwoHosts, tmp_path: Path) -> Iterator[Callable[[], HostFacts]]:
    """Return what asks the standby for its facts, over SSH."""
    probe = SshProbe(SteadyClock(), resolve)
    server = hosts.standby.server
    site = server.site(tmp_path, tmp_path)
    yield lambda: probe.facts(server.host, site)
    probe.close()


@pytest.mark.parametrize(
    ("mark", "fault"),
    [
        (link, MarkerFault.LINK),
        (link_to_a_file_beside, MarkerFault.LINK),
        (hard_link, MarkerFault.SHARED),
        (others, MarkerFault.WRITABLE),
        (group, MarkerFault.WRITABLE),
        (owned, MarkerFault.OWNER),
        (folder, MarkerFault.NOT_A_FILE),
        (fifo, MarkerFault.NOT_A_FILE),
    ],
    ids=lambda each: getattr(each, "__name__", str(each)),
)
def test_only_a_file_of_roots_own_is_a_marker(
    hosts: TwoHosts,
    look: Callable[[], HostFacts],
    mark: Callable[[TwoHosts], None],
    fault: MarkerFault,
) -> None:
    """A link, a shared file, one that others can write, no file at all: each has its reason."""
    assert marker_guard(look()).outcome is GuardOutcome.PROVEN
    hosts.standby.marker.unlink()
    mark(hosts)
    facts = look()
    assert (facts.marker, facts.marker_fault) == (None, fault)
    assert marker_guard(facts).outcome is GuardOutcome.REFUSED


@pytest.mark.parametrize("mode", [0o777, 0o775])
def test_a_folder_that_others_write_holds_no_marker(
    hosts: TwoHosts, look: Callable[[], HostFacts], mode: int
) -> None:
    """A good file in /etc/pradrill proves nothing while others can put one there."""
    hosts.standby.etc_pradrill.chmod(mode)
    try:
        facts = look()
    finally:
        hosts.standby.etc_pradrill.chmod(0o755)
    assert (facts.marker_fault, facts.marker_fault_at) == (MarkerFault.WRITABLE, "/etc/pradrill")


def test_a_marker_is_read_whole(hosts: TwoHosts, look: Callable[[], HostFacts]) -> None:
    """Its content comes back as it is, and an empty file is not a missing one."""
    for content in ("0123\n\nby hand; $(rm -rf /)\n", ""):
        hosts.standby.marker.write_text(content)
        assert look().marker == content
    hosts.standby.marker.unlink()
    assert (look().marker, look().marker_fault) == (None, None)


def test_the_playbook_makes_a_marker_that_is_one(
    hosts: TwoHosts, look: Callable[[], HostFacts], tmp_path: Path
) -> None:
    """Whatever lay there, a link or a file of others, and what it led to is left as it was."""
    house = hosts.house(tmp_path)
    command: list[str | Path] = [Path(sys.executable).parent / "ansible-playbook"]
    marking = REPOSITORY / "playbooks/mark_standby.yml"
    command += ["-i", "inventory.yml", "-l", "web-dr", marking]
    victim = hosts.standby.etc_pradrill / "victim"
    victim.write_text("as it was")
    hosts.standby.marker.unlink()
    hosts.standby.marker.symlink_to("victim")
    (hosts.standby.etc_pradrill / "standby.new").symlink_to("victim")
    variables = {**os.environ, "ANSIBLE_HOST_KEY_CHECKING": "False"}
    result = subprocess.run(
        command, cwd=house, env=variables, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout
    assert marker_guard(look()).outcome is GuardOutcome.PROVEN
    assert victim.read_text() == "as it was"


def test_production_in_reach_keeps_the_teardown_away_too(hosts: TwoHosts, tmp_path: Path) -> None:
    """Only guards have run, so there is nothing to put back: the live database stays."""
    house = hosts.house(tmp_path)
    put_live_data(hosts)
    hosts.open_way()
    code, record, output = attempt(house)
    assert (code, record["verdict"]) == (12, "INCONCLUSIVE")
    assert "production answers" in output
    assert not_run(record) == {"restore": "never proven", "teardown": "never proven"}
    assert "not run: never proven" in pradrill(house, "show").stdout
    page = tmp_path / "report.html"
    pradrill(house, "report", "--format", "html", "--output", str(page))
    assert "A guard was not proven" in page.read_text("utf-8")
    assert_untouched(hosts)


def test_a_name_that_does_not_resolve_proves_no_isolation(hosts: TwoHosts, tmp_path: Path) -> None:
    """A misspelt endpoint is unproven, whatever the way to production; the hint says what to do."""
    house = hosts.house(tmp_path)
    put_live_data(hosts)
    edit(house, "drills/shop.yml", hosts.endpoint, "db.prod.exmple.invalid:3306")
    code, record, output = attempt(house)
    assert (code, record["verdict"]) == (12, "INCONCLUSIVE")
    assert "the name does not resolve there" in output
    guard = "must-not-reach db.prod.exmple.invalid:3306"
    assert guards(record, guard) == [("prepare", "unproven")]
    assert_untouched(hosts)


def test_production_as_the_standby_is_not_touched(hosts: TwoHosts, tmp_path: Path) -> None:
    """The inventory leads to the primary, marked or not: key, id and address are the primary's."""
    house = hosts.house(tmp_path)
    standby, production = hosts.standby.server, hosts.production.server
    text = (house / "inventory.yml").read_text()
    for what in ("address", "key", "port"):
        text = text.replace(str(getattr(standby, what)), str(getattr(production, what)))
    (house / "inventory.yml").write_text(text)
    hosts.production.marker.write_text(f"{hosts.production.machine_id}\n")
    code, record, output = attempt(house)
    assert code == 4
    assert "shares its host key, machine-id" in output
    assert not_run(record) == dict.fromkeys(("restore", "teardown"), "never proven")
    assert hosts.production.touched() == ["live"]


def test_a_key_that_is_not_pinned_is_not_touched(hosts: TwoHosts, tmp_path: Path) -> None:
    """Another key than the pinned one answers: nothing runs there."""
    house = hosts.house(tmp_path)
    put_live_data(hosts)
    pins = (house / "known_hosts").read_text()
    standby, production = (
        host.server.host_key.split()[1] for host in (hosts.standby, hosts.production)
    )
    (house / "known_hosts").write_text(pins.replace(standby, production))
    code, record, output = attempt(house)
    assert code == 4
    assert "is not the pinned one" in output
    assert not_run(record)["teardown"] == "never proven"
    assert_untouched(hosts)


@pytest.mark.parametrize(
    ("primary", "code", "outcome"),
    [
        ("", 4, "unproven"),
        ("    primary: none\n", 0, "waived"),
        ("    primary: {addresses: [10.1.2.3]}\n", 0, "proven"),
    ],
)
def test_a_standby_is_told_apart_from_a_primary_or_not_drilled(
    hosts: TwoHosts, tmp_path: Path, primary: str, code: int, outcome: str
) -> None:
    """Nothing to compare with is not proven; `primary: none` is said in record and page one."""
    house = hosts.house(tmp_path)
    plan = (house / "drills/plan.yml").read_text().partition("    primary:")[0]
    (house / "drills/plan.yml").write_text(plan + primary)
    exit_code, record, output = attempt(house)
    assert exit_code == code, output
    assert guards(record, "not-primary-of-shop") == [("readiness", outcome)]
    if outcome == "unproven":
        assert "or write primary: none" in output
        assert hosts.standby.touched() == []
    if outcome == "waived":
        assert any("primary: none" in limit for limit in texts(record["limits"]))
        for language, sentence in (
            ("en", "Nothing told the standby apart"),
            ("fr", "Rien ne distinguait la machine de secours"),
        ):
            page = tmp_path / f"{language}.html"
            pradrill(house, "report", "--format", "html", "--lang", language, "--output", str(page))
            assert sentence in page.read_text("utf-8")
    if outcome == "proven":
        seen_of = [g for g in record["guards"] if g["guard"] == "not-primary-of-shop"]
        (detail,) = texts(guard["detail"] for guard in seen_of)
        assert detail == "differs; not compared: host key, machine-id"


OPENS = """
    - name: open the way
      ansible.builtin.raw: ip link set pdway up
"""


def test_a_restore_that_opens_the_way_to_production_fails(hosts: TwoHosts, tmp_path: Path) -> None:
    """Looked at again once services run: FAILED, with a critical finding, and torn down."""
    house = hosts.house(tmp_path)
    with (house / "playbooks/restore.yml").open("a") as file:
        file.write(OPENS)
    code, record, _output = attempt(house)
    assert (code, record["verdict"]) == (10, "FAILED")
    guard = f"must-not-reach {hosts.endpoint}"
    assert guards(record, guard) == [
        ("prepare", "proven"),
        ("verify", "refused"),
        ("teardown", "refused"),
    ]
    assert "within reach of web-dr" in str(record["reasons"])
    lines = pradrill(house, "findings", "--json").stdout.splitlines()
    findings = [json.loads(line) for line in lines]
    assert any(guard in each["key"] and each["severity"] == "critical" for each in findings)
    page = tmp_path / "report.html"
    pradrill(house, "report", "--format", "html", "--output", str(page))
    assert "Production was within reach of the standby" in page.read_text("utf-8")
    assert hosts.standby.touched() == ["torn-down"]
    assert hosts.production.touched() == ["live"]


def killed_in_the_restore(house: Path, hosts: TwoHosts) -> None:
    """Start the drill and kill it without a word once its restore has begun to write."""
    edit(
        house,
        "playbooks/restore.yml",
        "echo data > /srv/restored/data",
        "echo data > /srv/restored/data && sleep 3",
    )
    run = subprocess.Popen(
        [sys.executable, "-m", "pradrill", "--state", str(house / "state"), "run", "shop"],
        cwd=house,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    end = time.monotonic() + 60
    while not (hosts.standby.srv / "restored" / "data").exists() and time.monotonic() < end:
        time.sleep(0.05)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()


def recovered(house: Path) -> tuple[dict[str, Any], str]:
    """Let the next command find the killed run; return its record and what was said."""
    edit(house, "drills/shop.yml", "unattended: true", "unattended: false")
    result = pradrill(house, "due", "--run")
    assert "Traceback" not in result.stderr
    return json.loads(pradrill(house, "show", "--json").stdout), result.stderr


def test_a_killed_run_is_torn_down_on_what_is_proven_anew(hosts: TwoHosts, tmp_path: Path) -> None:
    """The recovering command proves identity and marker by itself, then tears down."""
    house = hosts.house(tmp_path)
    killed_in_the_restore(house, hosts)
    record, _ = recovered(house)
    assert record["state"] == "CRASHED"
    assert hosts.standby.touched() == ["torn-down"]
    assert guards(record, "marker")[-1] == ("teardown", "proven")
    assert guards(record, "same-machine") == [("teardown", "proven")]
    assert record["residue"] == []


def test_a_killed_runs_standby_that_lost_its_marker_is_left_alone(
    hosts: TwoHosts, tmp_path: Path
) -> None:
    """What the journal says of guards is the past: unproven now, it is told and not touched."""
    house = hosts.house(tmp_path)
    killed_in_the_restore(house, hosts)
    hosts.standby.marker.unlink()
    record, output = recovered(house)
    assert record["state"] == "CRASHED"
    assert hosts.standby.touched() == ["restored"]
    assert not_run(record)["teardown"] == "never proven"
    assert texts(record["residue"]) == ("web-dr: not torn down: never proven",)
    assert "was torn down" not in output


def test_another_machine_with_the_killed_runs_key_is_left_alone(
    hosts: TwoHosts, tmp_path: Path
) -> None:
    """Copies of one image share their key: another standby in its place is not torn down."""
    house = hosts.house(tmp_path)
    killed_in_the_restore(house, hosts)
    (hosts.standby.home / "machine-id").write_text("ab" * 16 + "\n")
    hosts.standby.marker.write_text("ab" * 16 + "\n")
    try:
        record, _ = recovered(house)
    finally:
        (hosts.standby.home / "machine-id").write_text(f"{hosts.standby.machine_id}\n")
    assert guards(record, "marker")[-1] == ("teardown", "proven")
    assert guards(record, "same-machine") == [("teardown", "refused")]
    assert hosts.standby.touched() == ["restored"]
    assert texts(record["residue"]) == ("web-dr: not torn down: never proven",)
