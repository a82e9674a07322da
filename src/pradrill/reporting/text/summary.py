"""Summarise the verdict in plain text: for a cron mail, and for the end of a run on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import TextWrapper, wrap

from pradrill.domain.register.entry import Head
from pradrill.domain.register.finding import Finding
from pradrill.domain.run.outcome import StepResult, TaskFailure
from pradrill.domain.run.record import Refusal, RunRecord
from pradrill.domain.values.reason import ReasonOrText
from pradrill.reporting.language import formats as wording
from pradrill.reporting.language.terms import word
from pradrill.reporting.run import page as view
from pradrill.reporting.text.findings import open_line

_WIDTH = 80
_MOST_LINES = 40
_ITEM = 3  # lines that an item of a full section has at most
_STEP = 8  # characters by which a text is cut further until it fits
_SERVICES, _REASONS, _STEPS, _CHECKS, _RESIDUE = 8, 7, 6, 6, 3  # lines, at most


def summary(
    record: RunRecord,
    folder: Path | None = None,
    head: Head | None = None,
    findings: Sequence[Finding] = (),
    program: str = "pradrill",
) -> str:
    """Return at most 40 lines of 80 columns; the first alone says how it went.

    `folder` is where the record lies, if the caller knows. `head` is the register's: a mail that
    has it shows later that the register was not cut. `findings`: the open ones of its services.
    `program`: how its reader starts it.
    """
    red = [
        f"{check.host}, {check.outcome}{'' if check.mandatory else ' (not mandatory)'}: "
        f"{wording.line(check.title, 120)}"
        + (f": {wording.gist(check.detail, 120)}" if check.detail else "")
        for check in view.red_checks(record)
    ]

    left_out = ", ".join(view.left_out(step) for step in record.not_executed)
    body = [
        *_first(record),
        *_identity(record),
        *_section("Services:", list(_services(record)), _SERVICES),
        *_section("Why:", record.reasons, _REASONS),
        *_section("Steps that did not pass:", _red_steps(record), _STEPS),
        *(_wrapped(f"Not executed: {left_out}", most=2) if left_out else ()),
        *_section("Checks that did not pass:", red, _CHECKS),
        *_section("Left behind on the standby:", record.residue, _RESIDUE),
    ]

    end = list(_where(record, folder, program))
    if open_ones := open_line(findings, record.ended):
        end.insert(0, f"{open_ones}: {program} findings")

    if head is not None:
        end.append(f"Register: {head}")

    return "\n".join([*body[: _MOST_LINES - len(end)], *end]) + "\n"


def _services(record: RunRecord) -> Iterator[str]:
    for row in view.services(record):
        yield f"{word(row.verdict)}  {wording.line(row.name, 30)}  {_figures_text(row.comparisons)}"
    yield from view.branches_not_tried(record)


def figures(record: RunRecord) -> str:
    """Write both actuals beside their objectives, as in "RTA 42m10s (RTO 4h00m)  RPA …"."""
    return _figures_text(view.comparisons(record))


def _figures_text(pair: tuple[view.Comparison, view.Comparison]) -> str:
    return "  ".join(
        f"{c.actual_name} {c.actual_text} ({c.objective_name} {c.objective_text})" for c in pair
    )


def _first(record: RunRecord) -> list[str]:
    head = f"{view.headline(record)}  {wording.line(record.plan.drill.drill, 41)}"
    if record.refusal is not None:
        return [head]
    numbers = figures(record)
    whole = f"{head}  {numbers}"
    return [whole] if len(whole) <= _WIDTH else [head, numbers]


def _identity(record: RunRecord) -> Iterator[str]:
    plan, launch = record.plan, record.launch
    yield from _wrapped(
        f"{plan.titles} of {plan.organisation}: {plan.drill.scenario.name} "
        f"({word(plan.drill.kind)})",
        most=2,
    )
    yield from _wrapped(
        f"{wording.at(record.started)} to {record.ended:%H:%M:%S}, "
        f"{wording.trigger(launch.trigger)} by {launch.user} on {launch.controller}",
        most=2,
    )
    for note in view.notes(record):
        yield from _wrapped(note, most=2)


def _red_steps(record: RunRecord) -> list[str]:
    """Return what did not pass; the reasons of a refusal are told once."""
    return [] if record.refusal is not None else list(_steps(record))


def _steps(record: RunRecord) -> Iterator[str]:
    for step in view.red_steps(record):
        name = wording.line(view.step_title(step), 60)
        yield f"{step.phase}: {name} {word(step.outcome)}" + _why(step)
    for planned in view.unended(record):
        name = wording.line(view.step_title(planned), 60)
        yield f"{planned.phase}: {name} began, its end is not on record"


def _why(step: StepResult) -> str:
    detail = wording.line(step.detail) if step.detail else ""
    texts = [wording.gist(detail, 160)] if detail else []
    texts += [
        f"{failure.host}, {wording.line(failure.task, 60)}: {wording.gist(failure.message, 160)}"
        for failure in step.failures[:1]
        if not _is_told(detail, failure)
    ]
    return f" after {wording.short(step.seconds)}" + "".join(f"; {text}" for text in texts)


def _is_told(detail: str, failure: TaskFailure) -> bool:
    """Tell whether a step's detail says already how its task failed."""
    first = (failure.message.splitlines() or [""])[0]
    return wording.line(first) in detail


def _section(title: str, items: Sequence[ReasonOrText], most: int) -> list[str]:
    """Return the title and the items that fit into `most` lines, and how many do not.

    The fewer they are the more lines each has: a lone reason keeps its paths and names whole.
    """
    if not items:
        return []

    lines: list[str] = []
    room = max(_ITEM, most // len(items))
    for number, item in enumerate(items):
        wrapped = _wrapped(item, lead="  - ", most=room)
        last = number == len(items) - 1
        if len(lines) + len(wrapped) > most - (0 if last else 1):
            lines.append(f"  - and {len(items) - number} more")
            break

        lines += wrapped

    return [title, *lines]


def _wrapped(text: ReasonOrText, *, lead: str = "", most: int = _ITEM) -> list[str]:
    """Break a text into at most so many lines; one that is longer loses its middle."""
    wrapper = TextWrapper(
        _WIDTH, initial_indent=lead, subsequent_indent=" " * len(lead), break_on_hyphens=False
    )
    for room in range(most * (_WIDTH - len(lead)), 0, -_STEP):
        lines = wrapper.wrap(wording.gist(text, room))
        if len(lines) <= most:
            return lines or [lead]
    return [lead]


def _where(record: RunRecord, folder: Path | None, program: str) -> Iterator[str]:
    yield f"Exit code {wording.exit_code(record.exit_code)}."
    if record.refusal is Refusal.NOT_READY:
        drill = wording.line(record.plan.drill.drill, 60)
        yield f"See all that is missing, and what mends it: {program} doctor {drill}"
    run_id = wording.line(record.run_id, 100)
    if folder is not None:
        yield from wrap(f"Record: {wording.line(folder, 300)}", _WIDTH, break_on_hyphens=False)
    yield from wrap(f"Read it with: {program} show {run_id}", _WIDTH, break_on_hyphens=False)
