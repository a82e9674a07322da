"""What is said line by line of a run that nobody watches on a terminal."""

from __future__ import annotations

import io

from pradrill.app.line_progress import RunLines
from pradrill.domain.run.outcome import StepOutcome
from pradrill.testing import FakeClock, a_run_plan, a_step

RUN = "20260310T020000Z-moodle-7f3a9c"


def test_the_lines_are_in_the_plans_language() -> None:
    """Steps, checks and ends; what a run had done before it was resumed is counted."""
    plan, out = a_run_plan(), io.StringIO()
    lines = RunLines(FakeClock().now, plan, "fr", out)
    first, *_ = plan.steps
    lines.begin(RUN, plan, [a_step(phase=first.phase, name=first.name)])
    lines.phase("restore")
    lines.step("restore_moodle", 3600.0)
    lines.finish(a_step(name="restore_moodle", outcome=StepOutcome.TIMED_OUT, seconds=3600.0))
    lines.phase("verify")
    lines.step("check the service", 60.0)
    lines.checks(1, 3)
    output = out.getvalue().replace("\xa0", " ")  # French keeps words together with it
    assert [line.partition("  ")[2].strip() for line in output.splitlines()] == [
        f"test moodle : {len(plan.steps)} étapes, RTO 4 h 00",
        f"exécution {RUN} sur moodle-standby",
        f"une de ses {len(plan.steps)} étapes est déjà terminée",
        f"étape 6 sur {len(plan.steps)}, restauration : restore_moodle, 1 h 00 au plus",
        "échéance dépassée au bout de 1 h 00",
        f"étape 7 sur {len(plan.steps)}, vérification : contrôler le service, 1 min 00 s au plus",
        "contrôles au vert : 1 sur 3",
    ]
