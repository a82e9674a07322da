"""The kinds of step and what does them."""

from pradrill.domain.run.outcome import StepKind
from pradrill.engine.steps.handlers import _HANDLERS


def test_every_kind_of_step_is_done_by_something() -> None:
    """A kind without a line in engine/steps/handlers.py would break the run that has it."""
    of_their_own = {StepKind.PLAYBOOK, StepKind.MANUAL}
    assert set(_HANDLERS) | of_their_own == set(StepKind), "engine/steps/handlers.py"
    assert not of_their_own & set(_HANDLERS)
