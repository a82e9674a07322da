"""Exit codes: what each is said to mean, and which of several is the answer."""

from __future__ import annotations

import pytest

from pradrill.errors import ExitCode
from pradrill.reporting.language.formats import exit_code


@pytest.mark.parametrize("code", ExitCode)
def test_every_code_is_said_by_its_phrase(code: ExitCode) -> None:
    """Also 0, which Python takes for false: a passed run is never told as an unknown code."""
    assert exit_code(code) == f"{code.value} ({code.phrase})"


def test_an_unknown_code_is_told_as_a_failure() -> None:
    """A reader of a later version's record is warned."""
    assert exit_code(99) == "99 (unknown: treat it as a failure)"


def test_the_worst_of_several_codes_is_the_answer() -> None:
    """Interrupted before record before failed before inconclusive; unknown before all."""
    assert ExitCode.worst([]) == ExitCode.PASSED
    assert ExitCode.worst([0, 13, 11]) == ExitCode.MISSED
    assert ExitCode.worst([12, 10, 4]) == ExitCode.FAILED
    assert ExitCode.worst([10, 14, 130]) == ExitCode.INTERRUPTED
    assert ExitCode.worst([130, 99]) == 99
