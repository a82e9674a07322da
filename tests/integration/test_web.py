"""`pradrill web` over plain HTTP: who gets in, what is answered, and how it ends."""

from __future__ import annotations

import hashlib
import http.client
import re
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.integration.web_server import GoingRun, PageAnswer, WebServer, web_server
from tests.support.status_house import StatusHouse

from pradrill.cli import main
from pradrill.cli.parser import parser
from pradrill.domain.register.entry import EntryKind
from pradrill.errors import RecordError
from pradrill.register.runs.store import FileRunStore
from pradrill.testing import a_finding
from pradrill.web.reader import Pages

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


class Looks(NamedTuple):
    """Every page once, and the files of the state before and after."""

    answers: dict[str, PageAnswer]
    before: dict[str, str]
    after: dict[str, str]


@pytest.fixture(scope="module")
def looks(server: WebServer, house: StatusHouse) -> Looks:
    """Look at every page."""
    before = files(house)
    paths = [*PLACES, *(f"/runs/{run}{part}" for run in runs(house) for part in ("", "/report"))]
    answers = {path: server.ask(path) for path in paths}
    assert server.ask("/runs", "HEAD").text == ""
    return Looks(answers, before, files(house))


def files(house: StatusHouse) -> dict[str, str]:
    """Return the files of the state with their hashes, but for what may be lost."""
    paths = (path for path in house.state.rglob("*") if path.is_file())
    return {
        str(path.relative_to(house.state)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in paths
        if path.name not in DERIVED
    }


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
    by_tls = server.ask(path, content=None, cookie="", **{"X-Forwarded-Proto": "https"})
    assert "; Secure" in by_tls.headers["set-cookie"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "FOO"])
def test_nothing_but_reading_is_answered(server: WebServer, method: str) -> None:
    """Other methods are refused, on every address but that of the form, with those that are not."""
    for path in ("/", "/style.css", "/nowhere", "/open/"):
        answer = server.ask(path, method)
        assert answer.status == http.client.METHOD_NOT_ALLOWED
        assert answer.headers["allow"] == "GET, HEAD"
    at_form = server.ask("/open", method)
    if method == "POST":
        assert at_form.status == http.client.UNAUTHORIZED
    else:
        assert at_form.status == http.client.METHOD_NOT_ALLOWED
        assert at_form.headers["allow"] == "GET, HEAD, POST"


def test_a_foreign_name_is_refused(server: WebServer) -> None:
    """A page elsewhere whose name was made to lead here reads nothing (DNS rebinding)."""
    for name in ("evil.example", "evil.example:8300", f"127.0.0.1.evil.example:{server.port}", ""):
        answer = server.ask("/", Host=name)
        assert answer.status == http.client.MISDIRECTED_REQUEST, name
    for name in (server.name, f"{server.name.upper()}:{server.port}", f"{server.name}:1"):
        assert server.ask("/", Host=name).status == http.client.OK, name


def test_no_name_is_shared_with_what_others_listen_on(server: WebServer) -> None:
    """Names of loopback are everybody's, and their cookies go to every port: it has its own."""
    assert re.fullmatch(r"[0-9a-f]{16}\.localhost", server.name)
    for name in ("localhost", "127.0.0.1", "[::1]", f"x.{server.name}"):
        answer = server.ask("/", Host=f"{name}:{server.port}")
        assert answer.status == http.client.MISDIRECTED_REQUEST, name
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:  # there is no IPv6 here
        return
    socket.create_connection(("::1", server.port)).close()  # nobody else can answer there


def test_every_answer_says_what_a_browser_may_do(server: WebServer, looks: Looks) -> None:
    """Pages, refusals, reports: none is kept, framed or guessed at, none lets a script in."""
    answers = [*looks.answers.values()]
    answers += [server.ask(path) for path in ("/nowhere", "/style.css", "/open")]
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


def test_what_records_say_is_text(looks: Looks) -> None:
    """Hostile words of records and findings reach no page as markup or as control characters."""
    texts = {path: answer.text for path, answer in looks.answers.items()}
    assert any("&lt;script&gt;" in text for text in texts.values())
    for path, text in texts.items():
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


def test_looking_changes_nothing(looks: Looks) -> None:
    """Every page is there, and the state is the same to the byte as before."""
    statuses = {path: answer.status for path, answer in looks.answers.items()}
    assert set(statuses.values()) == {http.client.OK}, statuses
    assert looks.after == looks.before


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
    """Events come as facts do; at the end one says so; so many listen; the page is then its own.

    Ctrl-C then ends the server, whoever listens to another run or keeps a connection open.
    """
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
        assert stream.headers["x-accel-buffering"] == "no"  # else nginx holds events back
        first = _event(stream)
        assert first.startswith("event: summary\n")
        assert "0 étapes terminées" in first
        going.finish(detail=HOSTILE)
        going.begin()
        events = _events(stream, "1 étapes terminées")
        while "event: steps\n" not in events[-1]:
            events.append(_event(stream))
        assert not any("<script>" in text for text in events)
        assert _another(server, going.run_id).status == http.client.OK

        going.seal()
        _events(stream, "event: end\ndata: \n")
        assert _event(stream) == ""
        page = server.page(f"/runs/{going.run_id}")
        assert "http-equiv" not in page
        assert name.split()[0] in page or "étape" in page.lower()

        stream = _another(server, GoingRun(house.state).run_id)
        _event(stream)
        with socket.create_connection(("127.0.0.1", server.port)):
            server.end(signal.SIGINT)


def _event(stream: http.client.HTTPResponse) -> str:
    """Return the next event; nothing at the end."""
    lines: list[str] = []
    while (line := stream.readline().decode()) not in {"", "\n"}:
        lines.append(line)
    return "".join(lines)


def _events(stream: http.client.HTTPResponse, text: str) -> list[str]:
    """Return the events up to one with that text; the socket's own time bounds it."""
    events = [_event(stream)]
    while text not in events[-1]:
        assert events[-1], events
        events.append(_event(stream))
    return events


def _another(server: WebServer, run_id: str) -> http.client.HTTPResponse:
    """Listen once a place is free."""
    end = time.monotonic() + 20
    while (stream := server.listen(run_id)).status != http.client.OK:
        assert time.monotonic() < end
        time.sleep(0.1)
    return stream


def _pages(house: StatusHouse) -> Pages:
    """Return what makes the pages, without a server."""
    return Pages(parser().parse_args(house.command("web")), "en", "")


def test_a_run_that_has_noted_nothing_yet_is_followed(tmp_path: Path) -> None:
    """Its page has all the parts that events fill, in its first moment too."""
    house = StatusHouse(tmp_path, ["moodle"])
    journal = FileRunStore(house.state, house.register).open("moodle", datetime.now(UTC))
    page = _pages(house).run(journal.run_id)
    assert "It has noted nothing yet." in page
    live = page.partition(f'data-live="/runs/{journal.run_id}/events"')[2]
    for part in ("data-lost", 'data-part="summary"', 'data-part="steps"'):
        assert part in live
    journal.close()
    assert "data-live" not in _pages(house).run(journal.run_id)


def test_a_record_that_nobody_entered_is_told(house: StatusHouse) -> None:
    """The list names it, and no other; nothing vouches for any where the register is gone."""

    def strangers() -> list[str]:
        words = re.sub("<[^>]+>", "", _pages(house).runs(1))
        return sorted(re.findall("the record of ([^ ]+) is not one that was entered", words))

    (late,) = strangers()
    assert "-late-" in late
    assert "has no entry" in _pages(house).run(late)

    register = house.state / "register"
    content = register.read_bytes()
    for damage in (register.unlink, register.mkdir):
        damage()
        assert strangers() == runs(house)
    register.rmdir()
    register.write_bytes(content)


def test_a_damaged_register_is_told_on_each_page(tmp_path: Path) -> None:
    """Whoever looks at any page is told that nobody vouches for what it says."""
    house = StatusHouse(tmp_path, ["moodle"])
    record = house.run("moodle", "P", 3)
    house.run("moodle", "P", 2)
    register = house.state / "register"
    content = register.read_bytes()
    register.write_bytes(content.replace(b'"PASSED"', b'"FAILED"', 1))
    assert register.read_bytes() != content
    pages = _pages(house)
    for make in (
        pages.status,
        partial(pages.runs, 1),
        pages.coverage,
        partial(pages.run, record.run_id),
        partial(pages.findings, 1, None, closed_too=False),
    ):
        try:
            text = make()
        except RecordError as error:
            text = error.message
        assert re.search("does not verify|not what was recorded", text), make


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

    with suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6) as other:
        port = str(other.getsockname()[1])  # whose browser comes by name may come there
        assert main(house.command("web", "--port", port)) == 3
        assert f"another program listens on [::1]:{port}" in capsys.readouterr().err
    token.chmod(0o600)
    words = ("--token-file", str(token), "--name", "Drills.example")
    with web_server(house.state, house.drills, *words) as server:
        assert server.address == f"{server.base}/ (its token is that of {token})"
        for name in ("localhost", "[::1]:1", "127.0.0.1", "drills.example", "DRILLS.example:443"):
            assert server.ask("/style.css", Host=name).status == http.client.OK, name

        # A token that outlives the process stands in no address: logs and histories keep those.
        word = "t" * 30
        assert 'method="post"' in server.ask(f"/open?token={word}", cookie="").text
        for answer in (
            server.ask(f"/open?token={word}", cookie=""),
            server.ask(f"/open?token={word}", "POST", cookie=""),
            server.form(f"{word}x"),
            server.form(word, "text/plain"),
            server.form(f"{word}{'x' * 1_100}"),
            server.ask("/", "POST", content=b"token=" + word.encode(), cookie=""),
        ):
            assert answer.status in {http.client.UNAUTHORIZED, http.client.METHOD_NOT_ALLOWED}
            assert "set-cookie" not in answer.headers
        server.keep(server.form(word))
        for path in ("/", "/runs"):  # nothing is recorded yet, which is no damage
            assert 'class="doubt"' not in server.page(path), path
        server.end(signal.SIGTERM)


def test_without_the_extra_it_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command that installs it is named, and no traceback is shown."""
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "pradrill.web.serving", raising=False)
    assert main(["web"]) == 3
    assert capsys.readouterr().err == (
        "the page needs the packages starlette and uvicorn\n"
        "HINT: Install them: pip install 'pradrill[web]'.\n"
    )
