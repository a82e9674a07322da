"""Whatever lies in a state directory in the place of a small file of ours, it is read or passed."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.support.hostile import EXAMPLES, documents, texts

from pradrill.adapters.questions.files import FilePeople
from pradrill.errors import PradrillError
from pradrill.register.chain.intent import INTENT, unfinished
from pradrill.register.runs.draft import ALIVE, JOURNAL, Draft
from pradrill.register.runs.ownership import owner
from pradrill.register.runs.sabotage_folders import SabotageFolder
from pradrill.register.runs.status_index import INDEX, read_index, write_index
from pradrill.register.runs.tail import JournalTail
from pradrill.register.runs.vouched import has_ended, why_not_begun, why_unvouched
from pradrill.system.ownership import signed

RUN_ID = "20260310T020000Z-moodle-abcdef"
ENTRY = {"number": 1, "at": "2026-03-10T02:00:00Z", "kind": "run", "previous": "0" * 64, "body": {}}
INTENT_OF_NONE = {"end": 0, "lines": [json.dumps(ENTRY) + "\n"], "signature": "-----BEGIN"}
OWNER = {
    "pid": 7, "start": 9, "boot": "b", "pids": "pid:[4026531836]", "since": "2026-03-10T02:00:00Z",
    "user": "root", "doing": "run",
}  # fmt: skip
ATTEMPT = {"drill": "moodle", "trigger": "cron", "user": "root", "exit_code": 3, "because": "x"}
QUESTION = {
    "run_id": RUN_ID, "phase": "restore", "step": "call", "who": "ops", "instruction": "call",
    "confirm": "yes", "asked": "2026-03-10T02:00:00Z", "until": "2026-03-10T03:00:00Z",
}  # fmt: skip
ABORT = {"by": "root", "asked": "2026-03-10T02:00:00Z"}
FACT = {"event": "run_started", "at": "2026-03-10T02:00:00Z", "vouched": "-----BEGIN"}
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB5ttxzR/6RZVG8UpK2a8hVvQn6r8o9u3DKuUyVZs1cA"
SMALL = documents(INTENT_OF_NONE, OWNER, ATTEMPT, QUESTION, ABORT, FACT, ["vm-1"], {"runs": {}})


@settings(max_examples=4 * EXAMPLES)
@given(SMALL.map(lambda text: text.encode("utf-8", "surrogatepass")) | st.binary(max_size=80))
@example(b'{"event": [], "at": "2026-03-10T02:00:00Z", "vouched": "-----BEGIN"}')
def test_a_small_file_of_a_run_is_read_or_passed(content: bytes) -> None:
    """Its owner, attempt, question, answer and wish, its facts as they come, what was signed."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        folder = Path(name)
        (folder / "people").mkdir()
        for path in (
            *(ALIVE, ".owner", INTENT, "machines.json", JOURNAL, "people/abort.json"),
            *("people/001.question.json", "people/000.question.json", "people/000.answer.json"),
        ):
            (folder / path).write_bytes(content)
        people = FilePeople()
        with (folder / ALIVE).open() as lock, JournalTail(folder) as tail:
            reads: list[Callable[[], object]] = [
                lambda: owner(folder),
                lambda: signed(folder),
                lambda: unfinished(folder, KEY),
                lambda: SabotageFolder(folder, lock).machines,
                lambda: Draft(folder, lock)._attempt_now().model_dump_json(),
                lambda: [*tail.facts()],
                lambda: (has_ended(folder, KEY), why_not_begun(folder, KEY)),
                lambda: why_unvouched(folder, KEY),
                lambda: people.aborted(folder),
                lambda: people.waiting(folder),
            ]
            for read in reads:
                with suppress(PradrillError):
                    read()
        (folder / "people/001.question.json").unlink()
        with suppress(PradrillError):
            people.waiting(folder)


@settings(max_examples=2 * EXAMPLES)
@given(SMALL | texts)
def test_an_index_that_is_none_is_empty(text: str) -> None:
    """It is derived: what cannot be read is looked for again."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        state = Path(name)
        write_index(state, read_index(state, "1"), "1")
        whole = (state / INDEX).read_bytes()
        (state / INDEX).write_bytes(whole + text.encode("utf-8", "replace"))
        assert read_index(state, "1") == read_index(state / "none", "1")
        (state / INDEX).write_bytes(text.encode("utf-8", "replace"))
        assert read_index(state, "1") == read_index(state / "none", "1")
