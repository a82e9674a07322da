"""What a host tells of the endpoints that it tried, read as data."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pradrill.adapters.ssh.reach import answers_of
from pradrill.domain.run.guard import Reach

ENDPOINT = "db.prod.exemple.fr:3306"
OPEN = ["open", "", ""]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["closed", "open"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=6,
)


def read(answer: object, control: object = OPEN) -> Reach | None:
    """Return what is read of an endpoint's answer; None: there is none."""
    answers = answers_of([ENDPOINT], json.dumps({"control": control, ENDPOINT: answer}))
    return answers[ENDPOINT].reach


@pytest.mark.parametrize(
    ("answer", "reach", "text"),
    [
        (OPEN, Reach.OPEN, "production answers: open"),
        (["closed", "refused", ""], Reach.CLOSED, "closed: refused"),
        (["closed", "silent", 3], Reach.CLOSED, "closed: no answer in 3 s"),
        (["closed", "error", "no route to host"], Reach.CLOSED, "closed: no route to host"),
        (["unresolved", "", ""], Reach.UNRESOLVED, None),
        (["unknown", "", "no answer"], Reach.UNKNOWN, "unknown: no answer"),
    ],
)
def test_an_answer_is_data(answer: object, reach: Reach, text: str | None) -> None:
    """What came of an attempt is a word of its own, and why stands beside it."""
    reached = answers_of([ENDPOINT], json.dumps({"control": OPEN, ENDPOINT: answer}))[ENDPOINT]
    assert reached.reach is reach
    assert text in {None, reached.detail.text}


@given(JSON)
def test_a_garbled_answer_is_unknown(answer: object) -> None:
    """Nothing that a host prints counts as closed or open but the answers of our own script."""
    ours = answer == OPEN or (isinstance(answer, list) and answer[:1] == ["closed"])
    assert read(answer) is Reach.UNKNOWN or ours
    assert read(["closed", "refused", ""], control=answer) is Reach.UNKNOWN or answer == OPEN


@pytest.mark.parametrize(
    "answer",
    [
        "closed", "closed: refused", ["closed"], ["closed", "refused"], ["closed", "", ""],
        ["closed", "silent", "3"],
        ["closed", "silent", 10**400], ["closed", "error", 3], ["Closed", "refused", ""],
        ["open", "x", ""], {"closed": "refused"}, True, None,
    ],
)  # fmt: skip
def test_what_only_resembles_an_answer_proves_nothing(answer: object) -> None:
    """A word, a length or a type beside what the script prints leaves it unknown."""
    assert read(answer) is Reach.UNKNOWN


@pytest.mark.parametrize(
    "output", ["", "closed", "[]", "{}", '{"control": "open"}', "null", "3", "[" * 100_000]
)
def test_an_output_that_is_no_answer_is_unknown(output: str) -> None:
    """Without the whole answer every endpoint is unknown."""
    assert answers_of([ENDPOINT], output)[ENDPOINT].reach is Reach.UNKNOWN
