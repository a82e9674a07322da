"""restic behind HTTP: a server of rest:, one of S3; credentials that may not delete."""

from __future__ import annotations

import shutil
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.sources.conftest import PASSWORD, run, secret
from tests.sources.restic_servers import LOGIN, Keys, back_up, moto, rclone, with_login

from pradrill.adapters.backups.deletion import refuse_deletion
from pradrill.adapters.backups.restic import Restic
from pradrill.adapters.clock import SteadyClock
from pradrill.adapters.secrets import resolve
from pradrill.domain.declared.backup_source import ResticSource
from pradrill.domain.run.backup_integrity import IntegrityPart, Soundness
from pradrill.errors import NotReadyError
from pradrill.ports import Bounds

BOUNDS = Bounds(60.0)


def secrets_in(folder: Path, values: dict[str, str]) -> dict[str, str]:
    """Put values into files, and return what a drill names."""
    return {name: secret(folder, value) for name, value in values.items()}


def repository(folder: Path, place: str, login: dict[str, str], **changes: Any) -> Restic:
    """Return a source that logs in by its environment."""
    fields = {
        "repository": place,
        "password": secret(folder, PASSWORD),
        "environment": secrets_in(folder, login),
        **changes,
    }
    return Restic(ResticSource.model_validate(fields), resolve, SteadyClock())


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a repository in it that one backup lies in."""
    if not shutil.which("rclone"):
        pytest.skip("apt-get install rclone")
    folder = tmp_path_factory.mktemp("rest")
    (folder / "served").mkdir()
    with rclone(folder) as place:
        back_up(with_login(place), {})
    return folder


def test_credentials_that_cannot_delete_are_asked_to(stocked: Path, tmp_path: Path) -> None:
    """An append-only server is read, and proven to refuse; nothing of it is written."""
    files = sorted((stocked / "served").rglob("*"))
    with rclone(stocked, "--append-only") as place:
        source = repository(tmp_path, place, LOGIN, append_only=True)
        catalogue = source.catalogue(BOUNDS)
        assert (len(catalogue.points), catalogue.append_only) == (1, True)
        checked = source.check(catalogue.points[0], IntegrityPart(1, 1), BOUNDS)
        assert checked.soundness is Soundness.SOUND, checked
        password = {"RESTIC_REST_PASSWORD": LOGIN["RESTIC_REST_PASSWORD"]}
        place_with_user = place.replace("://", "://keeper@")
        assert (
            repository(tmp_path, place_with_user, password, append_only=True)
            .catalogue(BOUNDS)
            .points
        )
        wrong = {**LOGIN, "RESTIC_REST_PASSWORD": "wrong"}
        with pytest.raises(NotReadyError, match=r"does not let these credentials in: .*401"):
            repository(tmp_path, place, wrong).catalogue(BOUNDS)
        with pytest.raises(NotReadyError, match="is not there") as refusal:
            repository(tmp_path, place.replace("night", "day"), LOGIN).catalogue(BOUNDS)
        assert LOGIN["RESTIC_REST_PASSWORD"] not in str(refusal.value)
    with pytest.raises(NotReadyError, match=r"cannot be reached: .*connection refused"):
        repository(tmp_path, place, LOGIN).catalogue(BOUNDS)
    assert sorted((stocked / "served").rglob("*")) == files


def test_credentials_that_can_delete_are_refused(stocked: Path, tmp_path: Path) -> None:
    """What a drill demands of its repository's server does not hold, and no backup goes for it."""
    with rclone(stocked) as place:
        files = sorted((stocked / "served").rglob("*"))
        with pytest.raises(NotReadyError, match=r"can delete backups: .*answered 404"):
            repository(tmp_path, place, LOGIN, append_only=True).catalogue(BOUNDS)
        assert repository(tmp_path, place, LOGIN).catalogue(BOUNDS).append_only is False
        assert sorted((stocked / "served").rglob("*")) == files


@pytest.mark.parametrize("place", ["/srv/restic", "sftp:backup@host:/srv/restic", "rest:x"])
def test_only_a_server_of_http_can_be_asked(tmp_path: Path, place: str) -> None:
    """Of a folder nothing would be proven."""
    with pytest.raises(ValueError, match="append_only can be tried"):
        repository(tmp_path, place, {}, append_only=True)


def test_a_server_that_says_something_else_proves_nothing() -> None:
    """Neither an error, nor a redirection, nor S3's no to a signature is a refusal to delete."""
    now = SteadyClock().now()
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    for status, body, kind, reason in (
        (500, b"", "rest", "is not known"),
        (401, b"", "rest", "is not known"),
        (302, b"", "rest", "is not known"),
        (403, b"<Code>SignatureDoesNotMatch</Code>", "s3", "is not known"),
        (204, b"", "s3", "can delete backups"),
        (403, b"<Code>AccessDenied</Code>", "s3", ""),
        (405, b"", "rest", ""),
    ):
        with answering(status, body) as url:
            if not reason:
                refuse_deletion(f"{kind}:{url}/b", keys, [], now, BOUNDS)
                continue
            with pytest.raises(NotReadyError, match=reason):
                refuse_deletion(f"{kind}:{url}/b", keys, [], now, BOUNDS)
    with pytest.raises(NotReadyError, match="is not known"):
        refuse_deletion(f"s3:{url}/b", {}, [], now, BOUNDS)


def test_who_may_not_read_either_proves_nothing() -> None:
    """A filter that turns programs away answers 403 to all: no refusal to delete is in it."""
    now = SteadyClock().now()
    with (
        raw(b"HTTP/1.1 403 No\r\n\r\n") as url,
        pytest.raises(NotReadyError, match="not known: its server answered 403 to who reads"),
    ):
        refuse_deletion(f"rest:{url}/b", {}, [], now, BOUNDS)


@pytest.mark.parametrize("folder", ["snapshots", "keys", "index", "data"])
def test_nothing_without_which_no_backup_opens_may_be_deleted(folder: str) -> None:
    """A server that guards all but one kind of its files guards none; restic is who asks."""
    its = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    for kind in ("rest", "s3"):
        questions: list[str] = []
        with (
            answering(
                403, b"<Code>AccessDenied</Code>", questions=questions, open_folder=folder
            ) as url,
            pytest.raises(NotReadyError, match="can delete backups"),
        ):
            refuse_deletion(f"{kind}:{url}/b", its, [], SteadyClock().now(), BOUNDS)
        assert questions[0] == "GET /b/config restic"
        assert not [each for each in questions[1:] if "config" in each or "locks" in each]
        assert {each.split()[-1] for each in questions} == {"restic"}


@pytest.mark.parametrize("kind", ["rest", "s3"])
def test_an_address_is_asked_as_restic_writes_it(kind: str) -> None:
    """A blank and an accent are taken, and what is quoted already is not quoted twice."""
    questions: list[str] = []
    its = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    with answering(403, b"<Code>AccessDenied</Code>", questions=questions) as url:
        place = f"{kind}:{url}/my é%2B"
        refuse_deletion(place, its, [], SteadyClock().now(), BOUNDS)
    assert questions[0] == "GET /my%20%C3%A9%2B/config restic"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"nonsense\r\n\r\n", "nonsense"),
        (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 101 + b"\r\n", "more than 100 headers"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n", "IncompleteRead"),
        (b"", "without response"),
        (None, "did not answer in time"),
    ],
)
def test_a_hostile_answer_is_told_in_a_sentence(answer: bytes | None, reason: str) -> None:
    """Whatever comes, or comes one byte at a time, it is not known, in the time that there is."""
    with raw(answer) as url, pytest.raises(NotReadyError, match=f"is not known: .*{reason}"):
        refuse_deletion(f"rest:{url}/b", {}, [], SteadyClock().now(), Bounds(0.4))


def test_a_login_that_http_does_not_take_is_not_told() -> None:
    """The library's own sentence would quote it."""
    its = {"AWS_ACCESS_KEY_ID": "AKIA\nX", "AWS_SECRET_ACCESS_KEY": "b"}
    with answering(403, b"") as url, pytest.raises(NotReadyError, match="is not known") as error:
        refuse_deletion(f"s3:{url}/b", its, [], SteadyClock().now(), BOUNDS)
    assert "AKIA" not in f"{error.value}"


def test_a_proxy_of_restic_is_asked_and_does_not_answer_for_the_server() -> None:
    """Of https it is a tunnel; what it says to that proves nothing, nor is one of http taken."""
    questions: list[str] = []
    with raw(b"HTTP/1.1 403 No\r\n\r\n", questions) as proxy:
        its = {"HTTPS_PROXY": proxy, "NO_PROXY": "127.0.0.1", "HTTP_PROXY": proxy}
        now = SteadyClock().now()
        with pytest.raises(NotReadyError, match=r"is not known: .*403"):
            refuse_deletion("rest:https://backup.invalid/b", its, [], now, BOUNDS)
        with answering(403, b"") as url:
            refuse_deletion(f"rest:{url}/b", its, [], now, BOUNDS)
        with pytest.raises(NotReadyError, match="Connection refused"):
            refuse_deletion("rest:https://127.0.0.1:9/b", its, [], now, BOUNDS)
    assert [line.split()[:2] for line in questions] == [["CONNECT", "backup.invalid:443"]]


def test_the_authorities_of_restic_are_trusted(tmp_path: Path) -> None:
    """Those of --cacert, or else of RESTIC_CACERT; without any, a stranger's is not."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-keyout", str(key), "-out", str(certificate), "-subj", "/CN=backup",
         "-addext", "subjectAltName=IP:127.0.0.1"], env={})  # fmt: skip
    now = SteadyClock().now()
    with answering(403, b"", tls=(certificate, key)) as url:
        refuse_deletion(f"rest:{url}/b", {}, [str(certificate)], now, BOUNDS)
        with pytest.raises(NotReadyError, match="certificate verify failed"):
            refuse_deletion(f"rest:{url}/b", {}, [], now, BOUNDS)
        with pytest.raises(NotReadyError, match="No such file"):
            refuse_deletion(f"rest:{url}/b", {}, [str(tmp_path / "none")], now, BOUNDS)
    its = {"RESTIC_CACERT": f"{certificate},{key}"}
    source = repository(tmp_path, "rest:https://x/", {})
    assert source._cacerts(its) == [str(certificate), str(key)]
    source = repository(tmp_path, "rest:https://x/", {}, options=["--cacert=/a", "--cacert=/b"])
    assert source._cacerts(its) == ["/a", "/b"]
    assert repository(tmp_path, "rest:https://x/", {})._cacerts({}) == []


@contextmanager
def raw(answer: bytes | None, questions: list[str] | None = None) -> Iterator[str]:
    """Serve bytes to whoever asks; None: a header that never ends, a byte at a time."""
    server = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            with suppress(OSError):
                connection, _ = server.accept()
                with connection:
                    line = connection.recv(4096).decode().partition("\r\n")[0]
                    if questions is not None and line:
                        questions.append(line)
                    connection.sendall(answer if answer is not None else b"HTTP/1.1 200 OK\r\na: ")
                    while answer is None and not over.wait(0.02):
                        connection.sendall(b"x")

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
    finally:
        over.set()
        with suppress(OSError):
            socket.create_connection(server.getsockname(), 1).close()
        thread.join()
        server.close()


@contextmanager
def answering(
    status: int,
    body: bytes,
    *,
    questions: list[str] | None = None,
    open_folder: str = "none",
    tls: tuple[Path, Path] | None = None,
) -> Iterator[str]:
    """Serve one answer to whoever asks to delete, 200 to whoever reads."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(200)

        def do_DELETE(self) -> None:
            self.answer(204 if f"/{open_folder}/" in self.path else status)

        def answer(self, status: int) -> None:
            if questions is not None:
                questions.append(f"{self.command} {self.path} {self.headers['User-Agent']}")
            self.send_response(status)
            self.send_header("Location", "http://127.0.0.1:9/")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http{'' if tls is None else 's'}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def moto_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Keys]]:
    """Return the address of moto's S3, and two logins."""
    with moto(tmp_path_factory.mktemp("moto")) as server:
        yield server


@pytest.mark.nightly
def test_keys_of_s3_that_cannot_delete_are_asked_to(
    moto_server: tuple[str, Keys], tmp_path: Path
) -> None:
    """A policy without DeleteObject is proven to refuse; one with it, or a wrong key, is told."""
    place, keys = moto_server
    back_up(place, keys["all"])
    keeper = repository(tmp_path, place, keys["keeper"], append_only=True)
    catalogue = keeper.catalogue(BOUNDS)
    assert (len(catalogue.points), catalogue.append_only) == (1, True)
    its = keeper.check(catalogue.points[0], IntegrityPart(1, 1), BOUNDS)
    assert its.soundness is Soundness.SOUND

    wrong = {**keys["keeper"], "AWS_SECRET_ACCESS_KEY": "wrong"}
    unknown = {**keys["keeper"], "AWS_ACCESS_KEY_ID": "AKIAUNKNOWN"}
    refusals: tuple[tuple[Callable[[], Restic], str], ...] = (
        (lambda: repository(tmp_path, place, keys["all"], append_only=True), "can delete backups"),
        (lambda: repository(tmp_path, place, wrong), "does not let these credentials in"),
        (lambda: repository(tmp_path, place, unknown), "does not let these credentials in"),
        (lambda: repository(tmp_path, f"{place}x", keys["keeper"]), "is not there"),
    )
    for source, reason in refusals:
        with pytest.raises(NotReadyError, match=reason):
            source().catalogue(BOUNDS)
