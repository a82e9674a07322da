"""The schedule says at a health check that it begins and ends; silence there is the alarm."""

from __future__ import annotations

import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import pytest
from pydantic import ValidationError
from tests.support.status_house import StatusHouse, answer

from pradrill.adapters.notifications import health_check
from pradrill.adapters.notifications.health_check import HealthPinger
from pradrill.domain.declared.health_check import HealthCheck

_OPENSSL = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
    "-subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
)


class Endpoint:
    """A server that answers as its path says, and remembers what it was asked."""

    def __init__(self, server: ThreadingHTTPServer, paths: list[str], scheme: str) -> None:
        self.paths = paths
        self.address = f"{scheme}://127.0.0.1:{server.server_address[1]}"


@contextmanager
def an_endpoint(certificate: Path | None = None) -> Iterator[Endpoint]:
    """Serve on a port of this machine."""
    paths: list[str] = []
    over = Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            if self.path.endswith("slow"):
                over.wait(60)
            self.send_response({"/moved": 302, "/missing": 404}.get(self.path, 200))
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield Endpoint(server, paths, "https" if certificate else "http")
    finally:
        over.set()
        server.shutdown()
        server.server_close()


def pinged(check: HealthCheck, code: int = 0) -> list[str]:
    """Return what is said while something begins and ends."""
    words: list[str] = []
    pinger = HealthPinger(check, words.append)
    pinger.begin()
    pinger.end(code)
    return words


def test_it_begins_and_ends_in_that_order_with_its_code() -> None:
    """A failure has its own address, or none: then silence tells."""
    with an_endpoint() as endpoint:
        where = endpoint.address
        assert pinged(HealthCheck(url=f"{where}/{{code}}", start=f"{where}/start"), 10) == []
        assert pinged(HealthCheck(url=f"{where}/well", fail=f"{where}/fail"), 0) == []
        assert pinged(HealthCheck(url=f"{where}/well", fail=f"{where}/fail"), 4) == []
        assert pinged(HealthCheck.model_validate(f"{where}/alone"), 4) == []
        assert endpoint.paths == ["/start", "/10", "/well", "/fail"]


def test_what_goes_wrong_is_said_without_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error, a redirection that is not followed, a port where nobody is.

    Whoever has the path could silence the alarm.
    """
    with an_endpoint() as endpoint:
        for path, words in (("/missing", "answers 404"), ("/moved", "answers 302")):
            assert pinged(HealthCheck(url=endpoint.address + path)) == [
                f"the health check at 127.0.0.1 {words}"
            ]
        assert "/elsewhere" not in endpoint.paths

        monkeypatch.setattr(health_check, "DEADLINE", 0.3)
        start = time.monotonic()
        slow = HealthCheck(url=f"{endpoint.address}/slow", start=f"{endpoint.address}/slow")
        complaints = pinged(slow)
        assert time.monotonic() - start < 8
        assert any("not answer" in each or "not reached" in each for each in complaints)

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/secret"
        (line,) = pinged(HealthCheck(url=address))
    assert "was not reached" in line
    assert "secret" not in line


def test_a_certificate_is_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that nobody vouches for is not asked; one that is trusted is."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [*_OPENSSL.split(), "-keyout", key, "-out", certificate], check=True, capture_output=True
    )
    both = tmp_path / "both.pem"
    both.write_text(key.read_text() + certificate.read_text())
    with an_endpoint(both) as endpoint:
        (line,) = pinged(HealthCheck(url=f"{endpoint.address}/ping"))
        assert "CERTIFICATE_VERIFY_FAILED" in line
        assert endpoint.paths == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert pinged(HealthCheck(url=f"{endpoint.address}/ping")) == []
        assert endpoint.paths == ["/ping"]


def test_each_call_of_the_schedule_is_heard(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also one that finds nothing due, and one whose drill is refused; a list is none."""
    house = StatusHouse(tmp_path, ("shop",))
    house.run("shop", "P", 1)
    with an_endpoint() as endpoint:
        check = f"{{url: '{endpoint.address}/{{code}}', start: '{endpoint.address}/start'}}"
        house.rewrite("drills/plan.yml", "services:", f"health_check: {check}\nservices:")
        assert answer(house, capsys, "due").code == 0
        assert endpoint.paths == []
        assert answer(house, capsys, "due", "--run").code == 0
        house.rewrite("drills/plan.yml", "drill_every: 3 months", "drill_every: 1 day")
        assert answer(house, capsys, "due", "--run").code == 4  # there is no lab
        assert endpoint.paths == ["/start", "/0", "/start", "/4"]


@pytest.mark.parametrize(
    "content",
    [
        "ftp://a/b",
        "file:///etc/passwd",
        "https://",
        "http://a\nb/",
        {"url": "http://a/{code}", "fail": "http://a/f"},
    ],
)
def test_what_is_no_address_is_refused(content: object) -> None:
    """Nothing but http and https is ever asked for."""
    with pytest.raises(ValidationError):
        HealthCheck.model_validate(content)
