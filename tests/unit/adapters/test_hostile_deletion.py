"""Whatever a server of backups answers: only by refusals is it known that nobody can delete."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.support.hostile import EXAMPLES, texts
from tests.unit.adapters.test_hostile_answers import BOUNDS, NOW

from pradrill.adapters.backups import borg_deletion, deletion
from pradrill.domain.declared.backup_source import BorgSource
from pradrill.errors import NotReadyError
from pradrill.system.command import CompletedCommand

SECRETS = {
    "AWS_ACCESS_KEY_ID": "AKIA0000", "AWS_SECRET_ACCESS_KEY": "hunter2hunter2",
    "RESTIC_REST_USERNAME": "shop", "RESTIC_REST_PASSWORD": "hunter2hunter2",
}  # fmt: skip
DENIED = b"<Error><Code>AccessDenied</Code></Error>"
QUESTIONS = 5


@contextmanager
def answering(answers: Sequence[bytes]) -> Iterator[int]:
    """Answer one request after the other on a port; the last one for ever."""
    waiting = [*answers]

    def answer() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, suppress(OSError):
                    connection.recv(65_536)
                    connection.sendall(waiting.pop(0) if len(waiting) > 1 else waiting[0])

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(10)


def whole(status: int, body: bytes) -> bytes:
    """Return an answer as servers write them."""
    return b"HTTP/1.1 %d x\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


statuses = st.sampled_from([200, 403, 403, 405, 404, 204, 301, 401, 500, 100])
bodies = st.sampled_from([b"", DENIED, DENIED[:-9]])
wholes = st.builds(whole, statuses, bodies)
refusals = st.builds(whole, st.sampled_from([403, 405]), st.sampled_from([DENIED, DENIED, b""]))
heads = st.sampled_from(
    [
        *(b"HTTP/1.1 403 x\r\n", b"HTTP/1.1 403", b"HTTP/9.9 403 x\r\n", b"HTTP/1.1 -403 x\r\n"),
        *(b"HTTP/1.1 100 x\r\n\r\n", b"Content-Length: 99999999999999999999\r\n", b"\r\n", b"\0"),
        *(b"Content-Length: -1\r\n", b"Transfer-Encoding: chunked\r\n", b"ffffffffffffffff\r\n"),
        *(b"a: b\r\n" * 150, b"a" * 70_000, b"Location: http://127.0.0.1:9/\r\n", b"x\r\n", DENIED),
        *(
            b"\xff\xfe: \xe9\r\n",
            b"HTTP/1.1 403 x\r\n\r\n",
            b"-1\r\n",
            b"5;a=b\r\nabcde\r\n0\r\n\r\n",
        ),
    ]
)
brokens = st.lists(heads | st.binary(max_size=12), max_size=6).map(b"".join)


def outcome_of(repository: str) -> NotReadyError | None:
    """Return why it is refused; None: nobody can delete there. No thread ends with a traceback."""
    failures: list[Any] = []
    with patch.object(threading, "excepthook", failures.append):
        try:
            deletion.refuse_deletion(repository, SECRETS, [], NOW, BOUNDS)
        except NotReadyError as error:
            assert failures == []
            return error
    assert failures == []
    return None


@settings(max_examples=EXAMPLES)
@given(
    st.sampled_from(["rest:", "s3:"]),
    st.lists(refusals, min_size=QUESTIONS, max_size=QUESTIONS)
    | st.lists(refusals | wholes | brokens, min_size=QUESTIONS, max_size=QUESTIONS),
    st.just(whole(200, b"")) | wholes | brokens,
)
def test_what_a_server_answers_to_who_would_delete_is_a_refusal_or_none(
    kind: str, deletions: list[bytes], reading: bytes
) -> None:
    """Every one of its answers is one, or it is said why that is not known; never with a secret."""
    with answering([reading, *deletions]) as port:
        error = outcome_of(f"{kind}http://127.0.0.1:{port}/shop")
    answers = deletions[: QUESTIONS - 1]
    if error is None:
        assert b" 200 " in reading
        assert all(b"403" in each or b"405" in each for each in answers)
        assert kind == "rest:" or all(DENIED[7:32] in each for each in answers)
        return
    assert "hunter2" not in str(error)
    assert error.message.isprintable()
    all_refuse = all(each in {whole(403, DENIED), whole(405, DENIED)} for each in answers)
    assert not (reading == whole(200, b"") and all_refuse)


BORG = BorgSource.model_validate({"repository": "ssh://borg@backup/./shop", "append_only": True})
NOT_THERE = "exception_class\xacDoesNotExist"
APPEND_ONLY = f"{NOT_THERE} exception_class\xaaValueError /shop is in append-only mode"
WORDS = st.sampled_from(
    [
        *(NOT_THERE, APPEND_ONLY, "exception_class\xb1FileNotFoundError", "exception_class", ""),
        *("PathNotAllowed", "exception_class\xaePathNotAllowed", "is in append-only mode"),
        *("Authenticated to backup", "Permission denied (publickey).", "100000001 + 100000001"),
    ]
)
says = st.lists(WORDS | texts, max_size=3).map("\n".join)
replies = st.builds(CompletedCommand, st.sampled_from([0, 1, 2, 255, None]), says, says)
REFUSED = CompletedCommand(1, "", "Authenticated to backup")
DESTROYED = CompletedCommand(0, APPEND_ONLY, "")


@settings(max_examples=3 * EXAMPLES)
@given(
    st.lists(st.just(REFUSED) | replies, min_size=3, max_size=3),
    st.just(CompletedCommand(0, NOT_THERE, "")) | replies,
    st.just(DESTROYED) | replies,
)
@example(
    [REFUSED, REFUSED, REFUSED._replace(code=255)], CompletedCommand(0, NOT_THERE, ""), DESTROYED
)
def test_what_borgs_server_says_to_who_would_destroy_is_a_refusal_or_none(
    doors: list[CompletedCommand], opened: CompletedCommand, destroyed: CompletedCommand
) -> None:
    """A shell and SFTP are refused for certain, and then the repository's end, by its own words."""
    waiting = [*doors, opened, destroyed]
    refusal = None
    with patch.object(borg_deletion, "run", lambda *_words, **_options: waiting.pop(0)):
        try:
            borg_deletion.refuse_deletion(BORG, BOUNDS)
        except NotReadyError as error:
            refusal = error.message
    if refusal is not None:
        assert refusal.isprintable()
        return
    assert waiting == []
    # sftp ends with 1 or 255 over a closed connection, as it happens: that it had logged in tells.
    assert all(each.code not in {0, None} and "Authenticated" in each.err for each in doors[2:])
    assert all(each.code not in {None, 255} for each in doors[:2])
    assert "DoesNotExist" in opened.out
    assert "is in append-only mode" in destroyed.out


@pytest.mark.parametrize("repository", ["rest:", "s3:"])
@pytest.mark.parametrize(("status", "is_known"), [(200, True), (403, False), (404, False)])
def test_a_server_that_refuses_each_deletion_is_believed_of_who_may_read(
    repository: str, status: int, is_known: bool
) -> None:
    """One that turns everybody away has refused nothing."""
    with answering([whole(status, b""), whole(403, DENIED)]) as port:
        assert (outcome_of(f"{repository}http://127.0.0.1:{port}/shop") is None) is is_known
