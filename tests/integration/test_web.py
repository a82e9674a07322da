"""`pradrill web` over plain HTTP: who gets in, what is answered, and how it ends."""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.web_server import GoingRun, WebServer, web_server
from tests.support.status_house import StatusHouse

from pradrill.cli import main
from pradrill.domain.register.entry import EntryKind
from pradrill.testing import a_finding

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>\x1b[31m\u202e'
PLACES = ("/", "/runs", "/findings?all=1", "/coverage", "/dossier")
DERIVED = {"status.index"}
"""What `pradrill status` keeps for itself, and may be lost."""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> StatusHouse:
    """Return services with runs, hostile words, and what commands would end or enter."""
    house = StatusHouse(tmp_path_factory.mktemp("web"), ["moodle", "wiki"])
    house.run("moodle", "P", 10)
    record = house.run("wiki", "F", 5, reasons=(HOSTILE,), residue=(HOSTILE,))
    finding = a_finding(title=HOSTILE, detail=HOSTILE, services=("moodle",))
    house.register.append(EntryKind.FINDING, finding, finding.opened)

    GoingRun(house.state).journal.close()  # its process died: commands tear it down
    late = house.state / "runs" / record.run_id.replace("wiki", "late")
    late.mkdir()  # a crash kept it out of the register: commands enter it
    content = record.model_copy(update={"run_id": late.name}).model_dump_json()
    (late / "record.json").write_text(content)
    (late / "alive").touch()
    return house


@pytest.fixture(scope="module")
def server(house: StatusHouse) -> Iterator[WebServer]:
    """Return a server that looks at it, once for all tests, and its cookie."""
    with web_server(house.state, house.drills) as opened:
        opened.enter()
        yield opened


def runs(house: StatusHouse) -> list[str]:
    """Return the ids of the runs, oldest first."""
    return sorted(path.parent.name for path in (house.state / "runs").glob("*/record.json"))


def test_without_the_token_nothing_is_told(server: WebServer, house: StatusHouse) -> None:
    """No page, no event and no name of the state is answered without the cookie."""
    run_id = runs(house)[0]
    for path in (*PLACES, f"/runs/{run_id}", f"/runs/{run_id}/report", f"/runs/{run_id}/events"):
        for cookie in ("", f"pradrill-{server.port}=wrong", f"pradrill-{server.port}=é"):
            answer = server.ask(path, cookie=cookie)
            assert answer.status == http.client.UNAUTHORIZED, path
            assert "moodle" not in answer.text
            assert "Exemple" not in answer.text


def test_the_token_is_exchanged_for_a_cookie(server: WebServer) -> None:
    """A wrong token opens nothing; the right one gives a cookie that is another secret."""
    path = server.address.removeprefix(server.base)
    token = path.partition("token=")[2]
    for wrong in ("", "x", token[:-1], f"{token}x", "%00", "%C3%A9"):
        assert server.ask(f"/open?token={wrong}", cookie="").status == http.client.UNAUTHORIZED

    answer = server.ask(path, cookie="")
    assert answer.status == http.client.SEE_OTHER
    assert answer.headers["location"] == "/"
    cookie = answer.headers["set-cookie"]
    assert token not in cookie
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    by_tls = server.ask(path, cookie="", **{"X-Forwarded-Proto": "https"})
    assert "; Secure" in by_tls.headers["set-cookie"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "FOO"])
def test_nothing_but_reading_is_answered(server: WebServer, method: str) -> None:
    """Other methods are refused, on every address, with those that are not."""
    for path in ("/", "/open", "/style.css", "/nowhere"):
        answer = server.ask(path, method)
        assert answer.status == http.client.METHOD_NOT_ALLOWED
        assert answer.headers["allow"] == "GET, HEAD"


def test_a_foreign_name_is_refused(server: WebServer) -> None:
    """A page elsewhere whose name was made to lead here reads nothing (DNS rebinding)."""
    for name in ("evil.example", "evil.example:8300", f"127.0.0.1.evil.example:{server.port}", ""):
        answer = server.ask("/", Host=name)
        assert answer.status == http.client.MISDIRECTED_REQUEST, name
    for name in ("localhost", f"LOCALHOST:{server.port}", "[::1]:1", "127.0.0.1"):
        assert server.ask("/", Host=name).status == http.client.OK, name


def test_every_answer_says_what_a_browser_may_do(server: WebServer, house: StatusHouse) -> None:
    """Pages, refusals, reports: none is kept, framed or guessed at, none lets a script in."""
    paths = (*PLACES, "/nowhere", "/style.css", "/open", f"/runs/{runs(house)[0]}/report")
    answers = [server.ask(path) for path in paths]
    answers += [server.ask("/", cookie=""), server.ask("/", "POST"), server.ask("/", Host="evil")]
    answers.append(server.ask(server.address.removeprefix(server.base), cookie=""))
    for answer in answers:
        headers = answer.headers
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert not re.search(r"script-src[^;]*unsafe", policy)
        assert "server" not in headers


def test_what_records_say_is_text(server: WebServer, house: StatusHouse) -> None:
    """Hostile words of records and findings reach no page as markup or as control characters."""
    paths = [*PLACES, *(f"/runs/{run}{part}" for run in runs(house) for part in ("", "/report"))]
    texts = [server.page(path) for path in paths]
    assert any("&lt;script&gt;" in text for text in texts)
    for path, text in zip(paths, texts, strict=True):
        assert "<script>alert" not in text, path
        assert "<img src=x" not in text, path
        assert "\x1b" not in text, path
        assert "\u202e" not in text, path
        assert not re.search(r'(?:href|src|data-\w+)="[^"]*<', text), path


@pytest.mark.parametrize(
    "name",
    [
        "..",
        "%2e%2e",
        "..%2f..%2fetc",
        ".",
        "20261",
        "x" * 3_000,
        "%00",
        "%E2%80%AE",
        "<b>",
        "a%20b",
    ],
)
def test_an_address_is_never_a_path(server: WebServer, name: str) -> None:
    """What names no run of the store is not there, whatever it would name on the disk."""
    for part in ("", "/report", "/events"):
        answer = server.ask(f"/runs/{name}{part}")
        if part != "/events":  # which say that nothing goes on
            assert answer.status == http.client.NOT_FOUND, part
        assert "<b>" not in answer.text
        assert "root:" not in answer.text


def test_looking_changes_nothing(server: WebServer, house: StatusHouse) -> None:
    """Every page is as the commands have it, and the state is the same to the byte as before."""

    def content() -> dict[str, str]:
        files = (path for path in house.state.rglob("*") if path.is_file())
        return {
            str(path.relative_to(house.state)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in files
            if path.name not in DERIVED
        }

    before = content()
    for path in (
        *PLACES,
        *(f"/runs/{run}{part}" for run in runs(house) for part in ("", "/report")),
    ):
        server.page(path)
        assert server.ask(path, "HEAD").text == ""
    assert content() == before


def test_a_killed_run_is_told_and_left(server: WebServer, house: StatusHouse) -> None:
    """Where it was cut off stands on its page, and what ends it; nothing waits for it to go on."""
    folders = {path.name for path in (house.state / "runs").iterdir()}
    (killed,) = folders - set(runs(house))
    text = server.page(f"/runs/{killed}")
    words = re.sub("<[^>]+>", "", text)
    assert f"pradrill teardown {killed}" in words
    assert "running" not in words
    assert "http-equiv" not in text
    assert killed in server.page("/runs")
    assert server.ask(f"/runs/{killed}/report").status == http.client.NOT_FOUND
    assert server.ask(f"/runs/{killed}/events").text == "event: end\ndata: \n\n"


def test_a_run_is_followed_until_it_ends(tmp_path: Path) -> None:
    """Events come as facts do; at the end one says so; so many listen; the page is then its own."""
    house = StatusHouse(tmp_path, ["moodle"])
    going = GoingRun(house.state)
    name = going.begin(20)
    with web_server(house.state, house.drills, "--lang", "fr") as server:
        server.enter()
        page = server.page(f"/runs/{going.run_id}")
        assert '<noscript><meta http-equiv="refresh"' in page
        assert "en cours" in page
        assert going.run_id in server.page("/runs")

        listeners = [server.listen(going.run_id) for _ in range(8)]
        assert {each.status for each in listeners} == {http.client.OK}
        assert server.listen(going.run_id).status == http.client.SERVICE_UNAVAILABLE
        for each in listeners[1:]:
            each.close()  # the client is gone, and its place is free before long
        stream = listeners[0]
        first = _event(stream)
        assert first.startswith("event: summary\n")
        assert "0 étapes terminées" in first
        going.finish(detail=HOSTILE)
        going.begin()
        events = [_event(stream) for _ in range(6)]
        assert any("1 étapes terminées" in text for text in events)
        assert not any("<script>" in text for text in events)
        again = server.listen(going.run_id)
        assert again.status == http.client.OK

        going.seal()
        last = [_event(stream) for _ in range(12)]
        assert "event: end\ndata: \n" in last
        assert last[-1] == ""
        page = server.page(f"/runs/{going.run_id}")
        assert "http-equiv" not in page
        assert name.split()[0] in page or "étape" in page.lower()


def _event(stream: http.client.HTTPResponse) -> str:
    """Return the next event; nothing at the end."""
    lines: list[str] = []
    while (line := stream.readline().decode()) not in {"", "\n"}:
        lines.append(line)
    return "".join(lines)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_within_a_second(tmp_path: Path, number: int) -> None:
    """Ctrl-C ends it cleanly, whoever listens to a run or keeps a connection open."""
    house = StatusHouse(tmp_path, ["moodle"])
    going = GoingRun(house.state)
    with web_server(house.state, house.drills) as server:
        server.enter()
        stream = server.listen(going.run_id)
        _event(stream)
        with socket.create_connection(("127.0.0.1", server.port)):
            assert server.end(number) < 2.0  # one, and as much again where the machine is busy
        assert server.process.returncode == 0
        assert server.process.communicate() == ("", "")


def test_a_damaged_register_is_told_on_each_page(tmp_path: Path) -> None:
    """Whoever looks at any page is told that nobody vouches for what it says."""
    house = StatusHouse(tmp_path, ["moodle"])
    record = house.run("moodle", "P", 3)
    house.run("moodle", "P", 2)
    register = house.state / "register"
    content = register.read_bytes()
    register.write_bytes(content.replace(b'"PASSED"', b'"FAILED"', 1))
    assert register.read_bytes() != content
    with web_server(house.state, house.drills) as server:
        server.enter()
        for path in ("/", "/runs", "/coverage", f"/runs/{record.run_id}", "/findings"):
            text = server.ask(path).text
            assert re.search("does not verify|not what was recorded", text), path


def test_where_it_listens_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Beyond loopback, on a port that is taken, with a token that others read: refused, and why."""
    house = StatusHouse(tmp_path, ["moodle"])
    token = tmp_path / "token"
    token.write_text("t" * 30)
    token.chmod(0o644)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        for words, code, text in (
            (("--bind", "192.0.2.1"), 2, "there is no TLS here"),
            (("--bind", "here"), 2, "is no address"),
            (("--port", port), 3, f"another program listens on 127.0.0.1:{port}"),
            (("--port", "70000"), 2, "there is no port 70000"),
            (("--port", "0", "--token-file", str(token)), 4, "can be read by others"),
        ):
            assert main(house.command("web", *words)) == code
            message, _, hint = capsys.readouterr().err.partition("\n")
            assert text in message
            assert hint.startswith("HINT: ")

    token.chmod(0o600)
    with web_server(house.state, house.drills, "--token-file", str(token)) as server:
        assert server.address == f"{server.base}/ (its token is that of {token})"
        server.address = f"{server.base}/open?token={'t' * 30}"
        server.enter()
        for path in PLACES:  # nothing is recorded yet, which is no damage
            assert 'class="doubt"' not in server.page(path), path


def test_without_the_extra_it_says_what_is_missing(tmp_path: Path) -> None:
    """The command that installs it is named, and no traceback is shown."""
    (tmp_path / "starlette.py").write_text("raise ModuleNotFoundError(name='starlette')")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    result = subprocess.run(
        [sys.executable, "-m", "pradrill", "web"],
        capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip
    assert result.returncode == 3
    assert result.stderr == (
        "the page needs the packages starlette and uvicorn\n"
        "HINT: Install them: pip install 'pradrill[web]'.\n"
    )
