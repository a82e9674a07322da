"""Plain text: wording, the cron mail, the terminal."""

import io
import re
from datetime import timedelta
from pathlib import Path

import pytest
from rich.console import Console

from pradrill.domain.run.outcome import CheckOutcome, StepOutcome
from pradrill.domain.run.record import Launch, Recovery, Refusal, RunRecord, RunState
from pradrill.domain.run.run_plan import PlannedPlaybook
from pradrill.domain.run.verdict import Verdict
from pradrill.domain.values.timeline import Elapsed, Mark, Provenance
from pradrill.ports import Progress
from pradrill.reporting.language import formats as wording
from pradrill.reporting.run import page as view
from pradrill.reporting.run.run_line import run_line
from pradrill.reporting.text.live import LiveProgress
from pradrill.reporting.text.runs import runs_table
from pradrill.reporting.text.screens import open_console, show, show_plan
from pradrill.reporting.text.summary import summary
from pradrill.testing import (
    HOST,
    FakeClock,
    a_check,
    a_drill,
    a_planned_step,
    a_record,
    a_recovery,
    a_run_plan,
    a_service,
    a_step,
    measured,
)
from pradrill.testing.reasons import texts


def an_actual(seconds: float, within: float = 0.0, **changes: object) -> Elapsed:
    """Return a measured duration."""
    provenance = changes.get("provenance", Provenance.MEASURED)
    return Elapsed.model_validate(
        {
            "seconds": seconds,
            "low": seconds - within,
            "high": seconds + within,
            "provenance": provenance,
        }
    )


def against_hour(actual: Elapsed | None) -> view.Comparison:
    """Compare with an objective of one hour."""
    return view.Comparison("RTA", "RTO", actual, timedelta(hours=1))


def missed() -> RunRecord:
    """Return a run that missed both objectives."""
    marks = {Mark.DISRUPTION: measured(-12_000), Mark.SERVICE_VERIFIED: measured(4_000)}
    return a_record(
        verdict=Verdict.MISSED,
        reasons=("the RTA is up to 4h26m, the objective 4h00m",),
        exit_code=11,
        recovery=a_recovery(marks=marks, recovery_point=measured(-100_000)),
    )


def crowded() -> RunRecord:
    """Return a run in which everything went wrong, at length."""
    return a_record(
        plan=a_run_plan(
            drill=a_drill(drill="a" * 41), services={"s" * 50: a_service(), "t" * 50: a_service()}
        ),
        launch=Launch(trigger="cli", user="u" * 60, controller="c" * 60, dry_run=True),
        state=RunState.INTERRUPTED,
        signal=15,
        verdict=Verdict.FAILED,
        reasons=tuple(f"reason {number} " + "because " * 60 for number in range(50)),
        exit_code=10,
        steps=tuple(
            a_step(name=f"step{n}", outcome=StepOutcome.FAILED, detail="detail " * 100)
            for n in range(50)
        ),
        not_executed=tuple(a_planned_step(name=f"left {n}") for n in range(50)),
        checks=tuple(
            a_check(outcome=CheckOutcome.FAILED, detail="expected\nobserved") for _ in range(50)
        ),
        residue=tuple(f"listens on 0.0.0.0:{n}" for n in range(50)),
    )


def printed(*, width: int = 80, terminal: bool = False) -> tuple[Console, io.StringIO]:
    """Return a console and what it writes to."""
    stream = io.StringIO()
    return Console(file=stream, width=width, force_terminal=terminal, highlight=False), stream


# ------------------------------------------------------------------ wording


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0s"),
        (59.94, "59.9s"),
        (2_530, "42m10s"),
        (86_400, "24h00m"),
        (90_000, "25h00m"),
        (259_200, "3d00h"),
        (-90_000, "-25h00m"),
        (1e300, "1e+300s"),
    ],
)
def test_short_durations(seconds: float, text: str) -> None:
    """Durations are told in two units, days only from three days on."""
    assert wording.short(seconds) == text


def test_bounds_are_rounded_outwards() -> None:
    """A bound that is told never lies inside the true one."""
    assert wording.tenth(3_600.01, up=True) == "1h00m00.1s"
    assert wording.tenth(3_599.99, up=False) == "59m59.9s"
    assert wording.tenth(-0.01, up=False) == "-0.1s"
    assert wording.tenth(42.3, up=True) == wording.tenth(42.3, up=False) == "42.3s"


@pytest.mark.parametrize("char", ["\x1b", "\x00", "\u202e", "\u2067", "\u200b", "\u2028", "\ud800"])
def test_clean_makes_the_invisible_visible(char: str) -> None:
    """Control, bidi and invisible characters become their codes."""
    assert wording.clean(f"a{char}b") == f"a⟨U+{ord(char):04X}⟩b"


def test_clean_keeps_ordinary_text() -> None:
    """French, line feeds and markup characters are kept as they are."""
    assert wording.clean("Reprise à 02 h\n<é> œuf") == "Reprise à 02 h\n<é> œuf"


# ------------------------------------------------------------------ view


@pytest.mark.parametrize(
    ("actual", "standing"),
    [
        (None, view.ObjectiveStanding.UNKNOWN),
        (an_actual(3_600), view.ObjectiveStanding.MET),
        (an_actual(3_599.9, within=0.2), view.ObjectiveStanding.NOT_MET),
        (an_actual(10, provenance=Provenance.ASSUMED), view.ObjectiveStanding.UNKNOWN),
        (an_actual(-10), view.ObjectiveStanding.UNKNOWN),
    ],
)
def test_objective_is_met_only_by_the_upper_bound(
    actual: Elapsed | None, standing: view.ObjectiveStanding
) -> None:
    """An objective is met by the upper bound, and unknown without a measurement."""
    assert against_hour(actual).standing is standing


def test_actual_never_reads_like_the_objective_it_missed() -> None:
    """1h00m10s against 1h00m is told finely, so that the miss can be seen."""
    compared = against_hour(an_actual(3_610))
    assert compared.actual_text == "1h00m10.0s"
    assert compared.margin == "-10.0s"
    assert against_hour(an_actual(3_600)).actual_text == "1h00m"


# ------------------------------------------------------------------ summary


def test_first_line_tells_it_all() -> None:
    """The first line carries verdict, drill, actuals and objectives."""
    first = summary(missed()).splitlines()[0]
    assert first == "MISSED  moodle  RTA 4h26m (RTO 4h00m)  RPA 24h26m (RPO 24h00m)"


@pytest.mark.parametrize("record", [a_record(), missed(), crowded()], ids=lambda r: r.verdict)
def test_summary_fits_a_mail(record: RunRecord) -> None:
    """However much went wrong, a summary has at most 40 lines of 80 columns and its end."""
    lines = summary(record, Path("/var/lib/pradrill/runs", "r" * 280)).splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 80
    assert f"Read it with: pradrill show {record.run_id}" in lines
    assert "Record:" in [line[:7] for line in lines]


def test_summary_counts_what_it_leaves_out() -> None:
    """Reasons, steps, checks and residue that do not fit are counted."""
    text = summary(crowded())
    assert text.count(" more\n") == 4


def test_summary_names_steps_left_out() -> None:
    """Steps that were not executed are named."""
    record = a_record(not_executed=(a_planned_step(name="left"), a_planned_step(name="out")))
    assert "Not executed: left, out\n" in summary(record)


def test_summary_of_a_refused_run() -> None:
    """A refused run says why and that nothing was touched, and shows no figures."""
    text = summary(
        a_record(
            refusal=Refusal.BUSY,
            verdict=Verdict.INCONCLUSIVE,
            reasons=("held by another run",),
            steps=(),
            recovery=Recovery(),
        )
    )
    assert text.startswith("INCONCLUSIVE (refused: busy)  moodle\n")
    assert "Nothing was touched." in text
    assert "held by another run" in text
    assert "RTA" not in text


def test_summary_names_residue_after_a_pass() -> None:
    """A passing run that left something behind does not read as a plain pass."""
    text = summary(a_record(residue=("mariadb is active",), exit_code=13))
    assert text.startswith("PASSED (residue)  moodle")
    assert "mariadb is active" in text


# ------------------------------------------------------------------ terminal


@pytest.mark.parametrize("width", [20, 80, 200])
def test_show_fits_the_terminal(width: int) -> None:
    """A whole record is printed within the width, without colour when piped."""
    for record in (a_record(), missed(), crowded()):
        console, stream = printed(width=width)
        show(record, console)
        assert max(map(len, stream.getvalue().splitlines())) <= width
        assert "\x1b" not in stream.getvalue()


def test_show_tells_figures_and_failures() -> None:
    """The terminal shows the same verdict, figures and details as the page."""
    console, stream = printed()
    show(missed(), console)
    for words in ("MISSED", "4h26m", "RTO 4h00m", "not met", "restore_moodle", "4f2c9a1be07d"):
        assert words in stream.getvalue()


def test_markup_and_escapes_do_not_reach_the_terminal() -> None:
    """Console markup and escape sequences from hosts are shown as text."""
    console, stream = printed()
    show(a_record(reasons=("[red]x[/red] \x1b]0;title\x07",)), console)
    assert "[red]x[/red] ⟨U+001B⟩]0;title⟨U+0007⟩" in stream.getvalue()


def test_plan_shows_all_and_no_secret() -> None:
    """A plan shows every step, host, playbook, deadline, guard, secret's name and destruction."""
    console, stream = printed()
    plan = a_run_plan()
    show_plan(plan, console)
    text = stream.getvalue()
    for step in plan.steps:
        assert step.name in text
        assert not isinstance(step, PlannedPlaybook) or str(step.playbook) in text
    for words in (
        *texts(plan.guards),
        *texts(plan.destroys),
        f"on {HOST}, at most 1h00m",
        "restic_password = the secret env:RESTIC_PASSWORD",
        "RTO 4h00m",
        "RPO 24h00m",
        "db.prod.exemple.fr:3306",
        "198.51.100.20",
    ):
        assert words in text


def test_runs_are_listed() -> None:
    """Every run is on its own line, with its whole id, its verdict and what qualifies it."""
    lost = a_record(state=RunState.CRASHED, verdict=Verdict.INCONCLUSIVE, recovery=Recovery())
    runs = [run_line(record) for record in (a_record(), missed(), lost)]
    lines = list(runs_table(runs, 80))
    text = "\n".join(lines)
    assert text.count("20260310T020000Z-moodle-7f3a") == 3
    assert "(crashed)" in text
    assert "42m10s" in text
    assert max(map(len, lines)) <= 80
    coloured = list(runs_table(runs, 80, coloured=True))
    assert [re.sub(r"\x1b\[[0-9]+m", "", each).rstrip() for each in coloured] == lines
    hostile = runs[0]._replace(headline="PASSED\x1b[2J\u202e")
    assert "PASSED⟨U+001B⟩[2J⟨U+202E⟩" in "\n".join(runs_table([hostile], 200))


# ------------------------------------------------------------------ live progress


def watched(console: Console) -> Progress:
    """Play a short run."""
    live = LiveProgress(console, FakeClock().now, a_run_plan())
    with live:
        live.begin("20260310T020000Z-moodle-7f3a9c", a_run_plan())
        live.phase("restore")
        live.step("restore_moodle", 60.0)
        live.say("moodle-standby: unpack \x1b[2J")
        live.finish(a_step())
        live.phase("verify")
        live.step("check the service", 600.0)
        live.checks(3, 12)
        live.finish(a_step(name="check the service", outcome=StepOutcome.TIMED_OUT, detail="red"))
        live.phase("teardown")
    return live


def test_each_finished_step_leaves_a_line() -> None:
    """Without a terminal, live progress writes one line a finished step and why it did not pass."""
    console, stream = printed()
    watched(console)
    lines = [line.split() for line in stream.getvalue().splitlines()]
    assert lines == [
        ["passed", "40m54s", "restore:", "restore_moodle"],
        ["timed", "out", "40m54s", "restore:", "check", "the", "service"],
        ["red"],
    ]


@pytest.mark.parametrize("width", [1, 5, 40, 200])
def test_live_view_survives_any_terminal(width: int) -> None:
    """Live progress works on a terminal of any width and passes no escape of a host through."""
    console, stream = printed(width=width, terminal=True)
    watched(console)
    assert "\x1b[2J" not in stream.getvalue()


def test_lost_terminal_does_not_end_the_run() -> None:
    """Writing to a terminal that went away raises nothing."""
    console, stream = printed()
    stream.close()
    watched(console)


def test_open_console_shows_text_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """The console interprets neither markup nor emoji codes."""
    open_console().print("[bold]x :warning:")
    assert capsys.readouterr().out == "[bold]x :warning:\n"
