"""Whatever stands in a file that a person writes, each problem of it has a place, and no traceback.

Plan, drill, playbook, and what people say of a run.
"""

from __future__ import annotations

import json
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.support.hostile import EXAMPLES, documents, texts

from pradrill.config.loader import playbook_problem, read_document, validate
from pradrill.config.problems import ConfigurationProblemsError
from pradrill.domain.declared.drill import Drill
from pradrill.domain.declared.plan import Plan
from pradrill.domain.register.annotation_file import Notes, note_problems
from pradrill.domain.values.model import Model
from pradrill.testing import a_drill, a_record, after

PLAN = {
    "plan": 1,
    "organisation": "Exemple SAS",
    "services": {
        "shop": {
            "objectives": {"rto": "15m", "rpo": "1h"},
            "drill_every": "3 months",
            "primary": {"addresses": ["192.0.2.1"], "machine_ids": ["5" * 32]},
        }
    },
}
NOTES = {
    "marks": {"T1": "2026-03-10T02:00:00Z", "T6": "2026-03-10T03:00:00+01:00"},
    "people": [{"name": "A. Martin", "role": "operator", "first_time": True}],
    "deviations": ["none"],
    "rex": {"well": ["all"], "badly": [], "plan": []},
    "sign_off": [{"name": "C. Petit", "role": "head of IT", "date": "2026-03-11"}],
    "management_report": "2026-03-12",
    "site": "here",
}
DRILL = json.loads(a_drill().model_dump_json(exclude_defaults=True))
MODELS: list[type[Model]] = [Plan, Drill, Notes]
ITSELF = "deviations: &all [*all]\n"

contents = st.one_of(
    documents(PLAN, DRILL, NOTES),
    texts,
    st.integers(50, 1_200).map(lambda depth: f"deviations: {'[' * depth}{']' * depth}"),
    st.integers(50, 1_200).map(lambda depth: "deviations: " + "{a: " * depth + "b" + "}" * depth),
)


@settings(max_examples=3 * EXAMPLES)
@example(ITSELF)
@given(contents)
def test_what_people_write_is_read_or_each_problem_has_its_place(text: str) -> None:
    """A document that is none, or holds too much, is a problem like any other."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "written.yml")
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        playbook_problem(path)
        for model in MODELS:
            with suppress(ConfigurationProblemsError):
                notes = validate(read_document(path), model)
                if isinstance(notes, Notes):
                    list(note_problems(notes, a_record(), after(0)))
                    notes.annotations("run", after(0), "root")


def test_a_document_that_holds_itself_is_a_problem(tmp_path: Path) -> None:
    """An alias of what is around it would be read for ever."""
    path = tmp_path / "plan.yml"
    path.write_text(ITSELF)
    with pytest.raises(ConfigurationProblemsError, match="nested too deeply"):
        read_document(path)
