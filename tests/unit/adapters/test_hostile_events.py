"""Whatever Ansible's callbacks report of a play, it is judged, and never better than it was."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.hostile import EXAMPLES, documents
from tests.unit.adapters.test_hostile_hosts import HOST, SITE

from pradrill.adapters.ansible.binding import Binding
from pradrill.adapters.ansible.events import Narrator
from pradrill.adapters.ansible.stopping import Brake
from pradrill.domain.run.outcome import StepOutcome
from pradrill.domain.values.masking import Masker
from pradrill.ports import Play
from pradrill.testing import FakeClock

STATS = {"ok": {"web-dr": 1}, "failures": {}, "dark": {}, "artifact_data": {"at": "now"}}
TASK = {
    "host": "web-dr", "task": "Restore",
    "start": "2026-03-10T02:00:00", "end": "2026-03-10T02:01:00",
    "res": {"msg": "no", "stdout": "12%", "stderr": "", "results": [{"failed": True, "msg": "x"}]},
}  # fmt: skip
EVENTS = (
    {"event": "runner_on_ok", "stdout": "ok: [web-dr]", "event_data": TASK},
    {"event": "runner_on_failed", "stdout": "fatal: [web-dr -> other]: x", "event_data": TASK},
    {"event": "runner_on_unreachable", "event_data": TASK},
    {"event": "runner_retry", "event_data": TASK},
    {"event": "playbook_on_task_start", "event_data": {"name": "Restore"}},
    {"event": "playbook_on_stats", "event_data": STATS},
)


@settings(max_examples=3 * EXAMPLES)
@given(st.lists(documents(*EVENTS), max_size=6))
def test_what_ansible_reports_of_a_play_is_judged(lines: list[str]) -> None:
    """Nothing is raised into ansible-runner, and a play that nobody identified has not passed."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        play = Play(Path("restore.yml"), SITE, {}, {}, "run")
        binding = Binding(play, Path(folder))
        brake = Brake("run", FakeClock(), 60.0, 1.0, lambda: False)
        words: list[Any] = []
        narrator = Narrator(words.append, Path(folder, "events.jsonl"), Masker(), binding, brake)
        for line in lines:
            try:
                event = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(event, dict):
                assert narrator(event) is False
        narrator.end()
        result = narrator.result({HOST.name}, 0, "")
        assert result.outcome is not StepOutcome.PASSED
