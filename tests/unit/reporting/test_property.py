"""Every report can be made from every valid record."""

import io
import re
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from pradrill.domain.declared.plan import Objectives
from pradrill.domain.report.case_file import CaseFile
from pradrill.domain.run.outcome import CheckOutcome, Phase, StepOutcome, TaskFailure
from pradrill.domain.run.record import Refusal, RunRecord, RunState
from pradrill.domain.run.verdict import Verdict
from pradrill.domain.values.timeline import Elapsed, Instant, Mark, Provenance, Skew
from pradrill.reporting.run.html import render_html
from pradrill.reporting.run.run_line import run_line
from pradrill.reporting.text.runs import runs_table
from pradrill.reporting.text.screens import show, show_plan
from pradrill.reporting.text.summary import summary
from pradrill.testing import a_check, a_record, a_recovery, a_run_plan, a_service, a_step

ODD_CHARACTERS = "<>&\"'{}%[]\x00\x1b\t\n\r\u2028\u202e\u2066\u200bé漢😀\u0301 ab"
texts = st.text(ODD_CHARACTERS, max_size=40) | st.just("x" * 5_000)
_DAY = datetime(2026, 3, 10, tzinfo=UTC)
_FAR = (datetime(1, 1, 2, tzinfo=UTC) - _DAY, datetime(9999, 12, 30, tzinfo=UTC) - _DAY)
offsets = st.timedeltas(*_FAR) | st.timedeltas(timedelta(0), timedelta(hours=2))
instants = offsets.map(lambda offset: _DAY + offset)
seconds = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def known_instants(draw: st.DrawFn) -> Instant:
    """Return an instant with bounds."""
    early, at, late = sorted(draw(st.tuples(instants, instants, instants)))
    return Instant(at=at, earliest=early, latest=late, provenance=draw(st.sampled_from(Provenance)))


@st.composite
def records(draw: st.DrawFn) -> RunRecord:
    """Return a valid record that no sane run would leave."""
    actuals = st.none() | st.builds(
        Elapsed,
        seconds=seconds,
        low=seconds,
        high=seconds,
        provenance=st.sampled_from(Provenance),
    )
    steps = st.builds(
        a_step,
        phase=st.sampled_from(Phase),
        name=texts,
        outcome=st.sampled_from(StepOutcome),
        started=instants,
        ended=instants,
        seconds=st.floats(0, 1e308),
        deadline=st.none() | st.floats(-1e308, 1e308),
        hosts=st.tuples(texts),
        detail=texts,
        failures=st.tuples(st.builds(TaskFailure, host=texts, task=texts, message=texts)),
        values=st.dictionaries(texts, texts | st.lists(seconds, max_size=2), max_size=2),
    )
    checks = st.builds(
        a_check,
        check=texts,
        host=texts,
        title=texts,
        mandatory=st.booleans(),
        outcome=st.sampled_from(CheckOutcome),
        detail=texts,
    )
    lengths = st.timedeltas(timedelta(milliseconds=1), timedelta(days=36_500))
    goals = Objectives(rto=draw(lengths), rpo=draw(lengths))
    plan = a_run_plan(
        services={draw(texts): a_service(objectives=goals, owner=draw(texts))},
        organisation=draw(texts),
    )
    return a_record(
        plan=plan,
        run_id=draw(texts),
        verdict=draw(st.sampled_from(Verdict)),
        state=draw(st.sampled_from(RunState)),
        refusal=draw(st.none() | st.sampled_from(Refusal)),
        signal=draw(st.none() | st.integers()),
        exit_code=draw(st.integers(0, 255)),
        reasons=tuple(draw(st.lists(texts, max_size=12))),
        started=draw(instants),
        ended=draw(instants),
        steps=tuple(draw(st.lists(steps, max_size=4))) * draw(st.sampled_from((1, 1, 30))),
        not_executed=plan.steps[: draw(st.integers(0, 9))],
        checks=tuple(draw(st.lists(checks, max_size=4))),
        residue=tuple(draw(st.lists(texts, max_size=6))),
        recovery=a_recovery(
            marks=draw(st.dictionaries(st.sampled_from(Mark), known_instants(), max_size=7)),
            recovery_point=draw(st.none() | known_instants()),
            rta=draw(actuals),
            rpa=draw(actuals),
            technical_rta=draw(actuals),
            skew={"h": Skew(seconds=draw(seconds), within=draw(st.floats(0, 1e308)))},
            clock_stepped=draw(seconds),
        ),
    )


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(records())
def test_every_record_can_be_read(record: RunRecord) -> None:
    """Odd texts, instants and figures break no report and leave no picture's box."""
    html = render_html(CaseFile(record=record))
    assert not re.search("[\x00-\x09\x0b-\x1f\u2028\u202a-\u202e\u2066-\u2069]", html)
    refused = record.refusal is not None
    assert f'<p class="word">{"NOT CARRIED OUT: " if refused else record.verdict}' in html
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', html)
    if box is not None:
        width, height = float(box[1]), float(box[2])
        svg = html[box.start() : html.index("</svg>")]
        assert all(0 <= float(x) <= width for x in re.findall(r' x[12]?="([^"]*)"', svg))
        assert all(0 <= float(y) <= height for y in re.findall(r' y[12]?="([^"]*)"', svg))

    lines = summary(record).splitlines()
    assert lines[0].startswith(record.verdict)
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 80

    stream = io.StringIO()
    console = Console(file=stream, width=80)
    show(record, console)
    show_plan(record.plan, console)
    assert "\x1b" not in stream.getvalue() + "".join(runs_table([run_line(record)], 80))
