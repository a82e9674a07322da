"""Whatever stands in the outbox, or a messenger says, what is to be told is kept or refused."""

from __future__ import annotations

import tempfile
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.hostile import EXAMPLES, documents, texts

from pradrill.adapters.notifications import messengers
from pradrill.app.notifications.outbox_file import OutboxFile, failures_of
from pradrill.domain.dossier.outbox import OUTBOX, Outbox

MESSAGE = {
    "channel": "mail",
    "subject": "a drill has failed",
    "text": "shop",
    "made": "2026-03-10T02:00:00Z",
    "attempts": 1,
    "next": "2026-03-10T02:05:00Z",
}
WHOLE = {"waiting": [MESSAGE]}


@settings(max_examples=2 * EXAMPLES)
@given(documents(WHOLE, {}), st.binary(max_size=3))
def test_an_outbox_is_read_or_empty(content: str, rest: bytes) -> None:
    """What is damaged is told, and what is read of it can be written."""
    with tempfile.TemporaryDirectory() as folder, redirect_stderr(StringIO()):
        state = Path(folder)
        (state / OUTBOX).write_bytes(content.encode("utf-8", "surrogatepass") + rest)
        file = OutboxFile(state)
        failures_of(state)
        outbox = file.read()
        file.write(outbox)
        assert isinstance(outbox, Outbox)
        assert file.read() == outbox


ANSWER = {"delivered": False, "address": True, "remarks": ["refused: mail://u:secret@host/"]}


@settings(max_examples=2 * EXAMPLES)
@given(documents(ANSWER) | texts, st.sampled_from([0, 1, None]))
def test_what_a_messenger_says_is_a_reason_without_the_address(out: str, code: int | None) -> None:
    """The password in it is said by nobody."""
    ended = messengers.EndedProcess(code, out.encode("utf-8", "surrogatepass"))
    reason = messengers._because(ended, "mail://user:secret-of-mail@host/")
    assert reason is None or "secret-of-mail" not in reason
