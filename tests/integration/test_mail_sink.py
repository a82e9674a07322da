"""Mail that wants to leave a standby is taken there and thrown away, and what it was is counted."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from pwd import getpwnam

import pytest
from tests.integration.hosts.two_hosts import TwoHosts
from tests.integration.house import edit, pradrill
from tests.integration.test_egress import AS_SERVICE, denied, nft, severities
from tests.integration.test_leases import last_record, slow_run, until

from pradrill.testing.reasons import texts

_SINK = "pradrill-mail"
_USER, _WORD = "zoe.quelconque", "confidence-7f3a"
_SERVICE = """\
import smtplib, socket
user, word = bytes.fromhex("{user}").decode(), bytes.fromhex("{word}").decode()
outcomes = []

def send(host, port, domain):
    with smtplib.SMTP(host, port, timeout=10) as server:
        to = [f"{{user}}@{{domain}}", f"{{user}}@autre.example"]
        server.sendmail(f"{{user}}@exemple.fr", to, f"Subject: {{word}}\\n\\n{{word}}\\n.\\n" * 500)
        outcomes.append(f"sent {{port}}")

def insist(does):
    try:
        with smtplib.SMTP("smtp.exemple.test", 587, timeout=10) as server:
            does(server)
    except smtplib.SMTPException as error:
        outcomes.append(type(error).__name__)

send("smtp.exemple.test", 25, "client.example")
send("2001:db8::25", 25, "client6.example")
send("{production}", 25, "client.example")
insist(lambda server: server.starttls())
insist(lambda server: server.docmd("STARTTLS"))
insist(lambda server: server.docmd("AUTH", f"PLAIN {{word}}"))
try:
    smtplib.SMTP_SSL("smtp.exemple.test", 465, timeout=10)
except OSError as error:
    outcomes.append(type(error).__name__)
open("/srv/outcomes", "w").write(" ".join(outcomes))
"""


def sinking(hosts: TwoHosts, folder: Path, command: str = "/bin/true") -> Path:
    """Write a house whose standby has a sink for mail."""
    return denied(hosts, folder, allow="{mail_sink: true}", command=command)


def sinks(hosts: TwoHosts) -> list[int]:
    """Return the processes that take mail in the standby's network."""
    here = Path(f"/proc/{hosts.standby.network}/ns/net").readlink()
    processes = subprocess.run(
        ["pgrep", "-f", "_mail"], capture_output=True, text=True, check=False
    )
    return [
        int(pid)
        for pid in processes.stdout.split()
        if Path(f"/proc/{pid}/comm").read_text().strip() == _SINK
        and Path(f"/proc/{pid}/ns/net").readlink() == here
    ]


def send(hosts: TwoHosts, to: str = "a@client.example") -> subprocess.CompletedProcess[str]:
    """Send a mail from the standby."""
    lines = (
        "import smtplib",
        "server = smtplib.SMTP('203.0.113.25', 25, timeout=5)",
        f"server.sendmail('b@exemple.fr', [{to!r}], 'x')",
    )
    return hosts.standby.run("python3", "-c", "\n".join(lines))


@contextmanager
def own_address(hosts: TwoHosts) -> Iterator[None]:
    """Give the standby an address in IPv6, and take it away."""
    words = ("2001:db8:217::1/64", "dev", "pdway")
    hosts.standby.run("ip", "address", "add", *words, "nodad")
    try:
        yield
    finally:
        hosts.standby.run("ip", "address", "delete", *words)


@contextmanager
def production_mail(hosts: TwoHosts) -> Iterator[Path]:
    """Have production's mail server listen on the open way; give the file of who came."""
    visits = hosts.production.home / "visits"
    script = (
        "import socket\n"
        f"with socket.create_server(('{hosts.way}', 25)) as server:\n"
        "    while True:\n"
        "        server.accept()[0].close()\n"
        f"        open('{visits}', 'a').write('x')\n"
    )
    inside = ("nsenter", f"--net=/proc/{hosts.production.network}/ns/net")
    with subprocess.Popen([*inside, "python3", "-c", script]) as server:
        hosts.open_way()
        try:
            until(lambda: bool(listens(hosts)), "it does not listen")
            yield visits
        finally:
            server.kill()
            hosts.close_way()
            visits.unlink(missing_ok=True)


def listens(hosts: TwoHosts) -> str:
    """Return who listens on production's port of mail."""
    return hosts.production.run("ss", "-Hltn", "sport = :25").stdout


def holding(word: str, *places: Path, depth: int = 20) -> list[str]:
    """Return the files of some places that hold a word; mounts below them are left alone."""
    words = ["find", *map(str, places), "-xdev", "-maxdepth", str(depth), "-type", "f"]
    grep = ["-size", "-20M", "-exec", "grep", "-lsaF", word, "{}", "+"]
    return subprocess.run(
        [*words, *grep], capture_output=True, text=True, check=False, timeout=60
    ).stdout.splitlines()


@pytest.fixture
def clean(hosts: TwoHosts) -> Iterator[TwoHosts]:
    """Give the hosts, and take away whatever is left of a packet filter."""
    yield hosts
    hosts.standby.run("nft", "flush", "ruleset")
    for pid in sinks(hosts):
        os.kill(pid, signal.SIGKILL)


def test_mail_is_taken_counted_and_thrown_away(clean: TwoHosts, tmp_path: Path) -> None:
    """Over IPv4 and IPv6, by name and address; no word and no address of it is in any file.

    Production's own mail server is out of reach all the while, and is proven to be: what proves
    it is not answered by the sink.
    """
    before = nft(clean)
    script = _SERVICE.format(
        user=_USER.encode().hex(), word=_WORD.encode().hex(), production=clean.way
    )
    with own_address(clean), production_mail(clean) as visits:
        house = sinking(clean, tmp_path / "house", command=AS_SERVICE)
        edit(house, "drills/shop.yml", "must_not_reach: [", f'must_not_reach: ["{clean.way}:25", ')
        (clean.standby.srv / "service.py").write_text(script)
        clean.standby.srv.chmod(0o777)
        result = pradrill(house, "run", "shop")
        assert result.returncode == 0, result.stdout + result.stderr
        assert not visits.exists()
    assert (clean.standby.srv / "outcomes").read_text().split() == [
        *("sent", "25", "sent", "25", "sent", "25", "SMTPNotSupportedError"),
        "ConnectionRefusedError",
    ]
    assert nft(clean) == before
    assert sinks(clean) == []

    record = last_record(house)
    reach = [each for each in record["guards"] if each["guard"] == f"must-not-reach {clean.way}:25"]
    assert {each["outcome"] for each in reach} == {"proven"}
    assert len(reach) == 3
    mail = record["egress"]["web-dr"]["mail"]
    assert not mail["gap"]
    servers = {
        f"{each['name'] or each['address']} {each['port']}": each for each in mail["servers"]
    }
    assert {name: (each["connections"], each["mails"]) for name, each in servers.items()} == {
        "smtp.exemple.test 25": (1, 1),
        "2001:db8::25 25": (1, 1),
        f"{clean.way} 25": (1, 1),
        "smtp.exemple.test 587": (3, 0),
    }
    assert servers["2001:db8::25 25"]["domains"] == [
        {"domain": "client6.example", "recipients": 1},
        {"domain": "autre.example", "recipients": 1},
    ]
    other = servers["smtp.exemple.test 587"]
    assert (other["tls"], other["logins"], other["mailless"]) == (1, 1, 3)
    tried = {
        f"{e['name'] or e['address']} {e['port']}": e
        for e in record["egress"]["web-dr"]["attempts"]
    }
    assert tried["smtp.exemple.test 587"]["count"] == 3
    assert tried["smtp.exemple.test 25"]["user"] == "nobody"
    assert tried["smtp.exemple.test 465"]["count"] == 1
    assert "egress/shop/smtp.exemple.test:25/tcp" in severities(house)
    assert not record["residue"]

    for language, sentence in (
        ("en", "The mail sink took 3 mails and threw them away."),
        ("fr", "Le puits de courrier a intercepté 3 courriels et les a jetés."),
    ):
        report = tmp_path / f"{language}.html"
        pradrill(house, "report", "--format", "html", "--lang", language, "--output", str(report))
        page = report.read_text(encoding="utf-8")
        assert sentence in page
        assert "client6.example (1)" in page
    home, shared = (tmp_path, clean.standby.home), map(Path, ("/tmp", "/var/tmp", "/dev/shm"))
    assert holding("client6.example", *home)
    assert [holding(word, *home) for word in (_USER, _WORD)] == [[], []]
    assert holding(_WORD, *shared, depth=1) == []


@pytest.mark.nightly
def test_a_killed_run_leaves_no_sink_and_a_killed_sink_no_proof(
    clean: TwoHosts, tmp_path: Path
) -> None:
    """The next command ends what is left, and what was counted until then is in the record."""
    before = nft(clean)
    house = sinking(clean, tmp_path / "house")
    with slow_run(clean, house, tmp_path / "tmp") as process:
        assert send(clean).returncode == 0
        (sink,) = sinks(clean)
        status = Path(f"/proc/{sink}/status").read_text()
        assert re.search(rf"Uid:\t{getpwnam('nobody').pw_uid}\t", status)
        limits = Path(f"/proc/{sink}/limits").read_text()
        assert re.search("Max file size +0 +0 ", limits)  # it may write no file at all
        assert re.search("Max core file size +0 +0 ", limits)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert send(clean, "c@autre.example").returncode == 0
    assert sinks(clean) == [sink]
    result = pradrill(house, "runs")
    assert "was killed; its standby was torn down" in result.stderr, result.stderr
    (clean.standby.srv / "go").touch()
    assert nft(clean) == before
    assert sinks(clean) == []
    mail = last_record(house)["egress"]["web-dr"]["mail"]
    (server,) = mail["servers"]
    assert (server["mails"], mail["gap"]) == (2, False)
    assert {each["domain"] for each in server["domains"]} == {"client.example", "autre.example"}


@pytest.mark.nightly
def test_a_sink_that_is_ended_proves_nothing_more(clean: TwoHosts, tmp_path: Path) -> None:
    """Mail is refused from then on; the record says that it is not known what would have gone."""
    try_it = "timeout 5 bash -c ': > /dev/tcp/203.0.113.25/25' && touch /srv/reached; true"
    command = f"pkill -9 {_SINK}; sleep 0.2; {try_it}"
    house = sinking(clean, tmp_path / "house", json.dumps(f"bash -c {shlex.quote(command)}"))
    result = pradrill(house, "run", "shop")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "reached" not in clean.standby.touched()
    record = last_record(house)
    assert record["egress"]["web-dr"]["mail"]["gap"]
    assert any("it is not proven that the mail sink stood" in e for e in texts(record["limits"]))
    screen = " ".join(pradrill(house, "show").stdout.split())
    assert "No mail is known to have come to the mail sink. It is not proven" in screen
    assert "was handed no mail" not in screen


@pytest.mark.nightly
def test_a_stopped_sink_is_residue_and_is_ended(clean: TwoHosts, tmp_path: Path) -> None:
    """It does not answer to its end, which is seen, told, and not the last word."""
    house = sinking(clean, tmp_path / "house", f"pkill -STOP {_SINK}")
    result = pradrill(house, "run", "shop")
    assert result.returncode == 13, result.stdout + result.stderr
    assert any("what takes mail" in each for each in texts(last_record(house)["residue"]))
    assert sinks(clean) == []


@pytest.mark.nightly
def test_a_flushed_table_is_no_proof_that_no_mail_went_out(clean: TwoHosts, tmp_path: Path) -> None:
    """The run is FAILED, and of mail it is said what is not known; production then answers."""
    house = sinking(clean, tmp_path / "house", "nft flush ruleset")
    with production_mail(clean):
        edit(house, "drills/shop.yml", "must_not_reach: [", f'must_not_reach: ["{clean.way}:25", ')
        result = pradrill(house, "run", "shop")
    assert result.returncode == 10, result.stdout + result.stderr
    record = last_record(house)
    assert any("production was within reach" in each for each in texts(record["reasons"]))
    assert record["egress"]["web-dr"]["mail"]["gap"]
    assert "was handed no mail" not in pradrill(house, "show").stdout
    assert sinks(clean) == []


@pytest.mark.nightly
def test_many_clients_at_once_are_bounded_and_told(clean: TwoHosts, tmp_path: Path) -> None:
    """Those that are too many are turned away at once, counted, and a limit of the report."""
    script = (
        "import socket\n"
        "held = [socket.create_connection(('203.0.113.25', 25), 5) for _ in range(200)]\n"
        "codes = [one.recv(3) for one in held]\n"
        "assert codes.count(b'220') == 32 and codes.count(b'421') == 168, codes\n"
    )
    house = sinking(clean, tmp_path / "house", "python3 /srv/service.py")
    (clean.standby.srv / "service.py").write_text(script)
    result = pradrill(house, "run", "shop")
    assert result.returncode == 0, result.stdout + result.stderr
    record = last_record(house)
    mail = record["egress"]["web-dr"]["mail"]
    assert (mail["turned_away"], mail["servers"][0]["connections"]) == (168, 200)
    assert any("168 were turned away" in each for each in texts(record["limits"]))
