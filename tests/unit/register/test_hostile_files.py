"""Whatever lies in a state directory in the place of a run's journal or record, it is refused."""

from __future__ import annotations

import json
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.hostile import EXAMPLES, documents, texts

from pradrill.domain.run.conclude import record_of
from pradrill.domain.run.run_plan import FileHash
from pradrill.engine.crashed_runs import replay
from pradrill.errors import PradrillError
from pradrill.register.runs.genuine import why_not_genuine
from pradrill.register.runs.store import FileRunStore
from pradrill.testing import a_sealed_run, after


@cache
def sealed() -> tuple[list[Any], Any]:
    """Return the facts of a run, and its record."""
    with tempfile.TemporaryDirectory() as folder:
        store = FileRunStore(Path(folder))
        record = a_sealed_run(store)
        run = store.runs / record.run_id
        lines = (run / "journal.jsonl").read_text("utf-8").splitlines()
        return list(map(json.loads, lines)), json.loads((run / "record.json").read_text("utf-8"))


@st.composite
def journals(draw: st.DrawFn) -> str:
    """Draw a journal of which a line or two are not what the run's process has written."""
    facts, _ = sealed()
    lines = [json.dumps(fact) for fact in facts]
    for _ in range(draw(st.integers(1, 2))):
        at = draw(st.integers(0, len(facts) - 1))
        lines[at] = draw(
            documents(facts[at], facts[at], {**facts[at], **draw(st.sampled_from(FACTS))})
        )
    return "\n".join(lines) + draw(st.sampled_from(["\n", ""]))


FACTS: list[dict[str, Any]] = [
    {"event": "run_refused", "refusal": "busy", "because": None},
    {"event": "residue", "left": 1},
    {"event": "clock_stepped", "seconds": "x"},
    {"event": "run_ended", "ended": None},
    {"event": "run_signal", "signal": []},
    {"event": "signal", "signal": "x"},
    {"event": "skew", "host": [], "skew": {"seconds": 1.0, "within": 1.0}},
    {"event": "asked"},
    {"event": "check_pass", "service": {}, "number": 1, "results": []},
]
"""What a line might say, and no process of ours has."""


@settings(max_examples=3 * EXAMPLES)
@given(journals())
def test_a_journal_is_understood_or_refused(text: str) -> None:
    """Its run is concluded from it as from any, or the command says that it cannot be."""
    with tempfile.TemporaryDirectory() as folder, suppress(PradrillError):
        store = FileRunStore(Path(folder))
        run = store.runs / "20260310T020000Z-moodle-abcdef"
        run.mkdir(parents=True)
        (run / "journal.jsonl").write_text(text, "utf-8", "replace")
        facts = replay(store.journal(run.name))
        if facts is not None:
            evidence: tuple[FileHash, ...] = ()
            record_of(facts, run.name, after(9_999), evidence).model_dump_json()


@settings(max_examples=EXAMPLES)
@given(st.data())
def test_a_record_is_read_or_refused(data: st.DataObject) -> None:
    """A record that is not one is told as damaged; no made-up run is taken for one carried out."""
    facts, record = sealed()
    text = data.draw(documents(record) | texts)
    with tempfile.TemporaryDirectory() as folder:
        store = FileRunStore(Path(folder))
        run = store.runs / record["run_id"]
        run.mkdir(parents=True)
        lines = "".join(json.dumps(fact) + "\n" for fact in facts)
        (run / "journal.jsonl").write_text(lines, "utf-8")
        (run / "record.json").write_text(text, "utf-8", "replace")
        with suppress(PradrillError):
            store.readable()
        why_not_genuine(run, None)
