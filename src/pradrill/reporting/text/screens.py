"""Show plans, records and catalogues on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum
from io import TextIOWrapper

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pradrill.domain.register.entry import Wrong
from pradrill.domain.report.sections import Section
from pradrill.domain.run.backup_catalogue import Catalogue, CatalogueReading
from pradrill.domain.run.outcome import StepResult
from pradrill.domain.run.record import RunRecord
from pradrill.domain.run.run_plan import RunPlan
from pradrill.domain.run.verdict import Verdict
from pradrill.domain.values.reason import ReasonOrText
from pradrill.domain.values.timeline import Instant, Mark
from pradrill.reporting.language import formats as wording
from pradrill.reporting.language.terms import word
from pradrill.reporting.run import page as view
from pradrill.reporting.run.doubt import doubts
from pradrill.reporting.text.backups import integrity_facts, reading_facts
from pradrill.reporting.text.dependencies import dependency_lines
from pradrill.reporting.text.plan import plan_lines
from pradrill.reporting.text.questions import wait_lines

_GOOD = frozenset({"passed", "proven", "waived", "met"})
_COLOURS = {
    Verdict.PASSED: "green",
    Verdict.MISSED: "yellow",
    Verdict.FAILED: "red",
    Verdict.INCONCLUSIVE: "magenta",
}
_DETAIL, _FAILURES = 600, 10
_UNWATCHED_WIDTH = 200  # into a file or a pipe: a path must not be broken over two lines


def open_console(*, stderr: bool = False) -> Console:
    """Return a console that shows texts as they are; what its encoding lacks becomes "?"."""
    stream = sys.stderr if stderr else sys.stdout
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="replace")
    width = None if stream.isatty() else _UNWATCHED_WIDTH
    return Console(stderr=stderr, markup=False, emoji=False, highlight=False, width=width)


def show(record: RunRecord, console: Console, wrong: Sequence[Wrong] = ()) -> None:
    """Print a whole record for people; `wrong`: why it is not to be relied on, before all else."""
    for doubt in doubts(record.run_id, wrong):
        console.print(plain(doubt, style="bold red"))
    plan, colour = record.plan, _COLOURS[record.verdict]
    console.print(Text(view.headline(record), style=f"bold {colour}"), soft_wrap=True)
    console.print(plain(f"{plan.drill.drill}: {plan.drill.scenario.name}", style="bold"))
    console.print(plain(view.meaning(record)))
    for note in view.notes(record):
        console.print(plain(note, style="bold"))
    _bullets(console, record.reasons)
    _heading(console, Section.TRIED.heading)
    _facts(
        console,
        ("run", record.run_id),
        ("services", f"{plan.titles} of {plan.organisation}"),
        ("kind", word(plan.drill.kind)),
        ("when", f"{wording.at(record.started)} to {wording.at(record.ended)}"),
        ("started", f"{wording.trigger(record.launch.trigger)} by {record.launch.user}"),
        ("controller", record.launch.controller),
    )

    _show_figures(record, console)
    _show_backups(record, console)
    _show_steps(record, console)

    if record.waits:
        _heading(console, "Waiting for people")
        _bullets(console, wait_lines(record))

    _show_checks(record, console)
    _show_guards(record, console)
    for heading, sentence, lines in dependency_lines(record):
        _heading(console, heading)
        console.print(plain(sentence))
        _bullets(console, lines)
    _heading(console, "Teardown")
    console.print(plain(view.teardown(record)))
    _bullets(console, record.residue)
    _heading(console, Section.LIMITS.heading)
    _bullets(console, record.limits)
    _heading(console, "This record")
    versions = ", ".join(f"{name} {version}" for name, version in record.versions.items())
    _facts(
        console,
        ("state", record.state),
        ("exit code", wording.exit_code(record.exit_code)),
        ("backup", record.recovery.backup_id or "not recorded"),
        ("plan", f"version {plan.plan_version}, approved: {plan.plan_approved or 'not stated'}"),
        ("versions", versions or "not recorded"),
    )


def show_plan(plan: RunPlan, console: Console) -> None:
    """Print everything that a run would do; nothing is touched for it."""
    for number, line in enumerate(plan_lines(plan)):
        if line.title and number:
            console.print()
        content = plain(line.text, style="bold" if line.title else "")
        console.print(Padding(content, (0, 0, 0, line.indent), expand=False))


def _show_figures(record: RunRecord, console: Console) -> None:
    _heading(console, Section.FIGURES.heading)
    table = _table("", "Actual", "Objective", "Standing", "Interval", "Margin", "Provenance")
    for c in view.comparisons(record):
        measured = c.actual is not None
        table.add_row(
            c.actual_name,
            Text(c.actual_text, style="bold"),
            f"{c.objective_name} {c.objective_text}",
            _outcome(c.standing),
            c.interval if measured else "-",
            c.margin if measured else "-",
            c.actual.provenance if c.actual is not None else "-",
        )

    console.print(table)
    _show_services(record, console)
    console.print(plain(view.clock_rule(record), style="dim"))
    recovery = record.recovery
    instants: list[tuple[str, str, Instant | None]] = [
        (mark.value, f", {word(mark)}", recovery.marks[mark])
        for mark in Mark
        if mark in recovery.marks
    ]

    instants.append(("recovery point", "", recovery.recovery_point))
    instants.append(("catalogue time", ", shown beside it", recovery.catalogue_time))
    _facts(
        console,
        *(
            (name, wording.NOT_MEASURED)
            if instant is None
            else (name, f"{wording.at_tenth(instant.at)}, {instant.provenance}{what}")
            for name, what, instant in instants
        ),
    )


def _show_services(record: RunRecord, console: Console) -> None:
    """Print each service's own figures, where there is more than one."""
    rows = view.services(record)
    if not rows:
        return

    table = _table("Service", "Verdict", "RTA (RTO)", "RPA (RPO)", "T5")
    for row in rows:
        table.add_row(
            plain(row.name),
            Text(row.verdict, style=_COLOURS[row.verdict]),
            *(f"{c.actual_text} ({c.objective_text})" for c in row.comparisons),
            "not verified" if row.verified is None else wording.at_tenth(row.verified.at),
        )

    console.print(table)


def _show_backups(record: RunRecord, console: Console) -> None:
    reading, integrity = record.recovery.catalogue, record.recovery.integrity
    if reading is not None:
        _heading(console, "Backups")
        _facts(console, *reading_facts(reading))
        _bullets(console, [f"unusable: {each}" for each in reading.unusable])

    if integrity is not None:
        _facts(console, *integrity_facts(integrity))


def show_catalogue(
    catalogue: Catalogue, reading: CatalogueReading | None, console: Console
) -> None:
    """Print every backup, the one that a drill would take, and the worst case."""
    console.print(plain(f"{catalogue.source}: {catalogue.location}", style="bold"))
    table = _table("", "Backup", "Data of (UTC)", "Complete", "Size", "Host", "Tags")
    for point in sorted(catalogue.points, key=lambda point: point.data_time):
        chosen = reading is not None and point.id == reading.selected.id
        table.add_row(
            "→" if chosen else "×" if point.unusable(catalogue.read_at) else "",  # noqa: RUF001
            plain(point.id),
            wording.at(point.data_time),
            wording.at(point.available),
            wording.size(point.size),
            plain(point.host),
            plain(", ".join(point.tags)),
        )

    console.print(table if catalogue.points else Text("It holds no backup."))
    _bullets(console, [f"unusable: {each}" for each in catalogue.unusable()])

    if reading is not None:
        _heading(console, "What the drill would restore")
        _facts(console, *reading_facts(reading))


def _show_steps(record: RunRecord, console: Console) -> None:
    _heading(console, Section.STEPS.heading)
    table = _table("Phase", "Step", "Took", "Deadline", "Outcome")
    for step in record.steps:
        allowed = "none" if step.deadline is None else wording.short(step.deadline)
        length = wording.short(step.seconds)
        table.add_row(
            step.phase, plain(view.step_title(step)), length, allowed, _outcome(step.outcome)
        )

    console.print(table if record.steps else Text("No step was carried out."))
    _bullets(
        console,
        [
            f"{view.step_title(step)}: {_step_text(step)}"
            for step in record.steps
            if _step_text(step)
        ],
    )

    for planned in view.unended(record):
        text = f"Began, its end is not on record: {planned.phase}: {view.step_title(planned)}"
        console.print(plain(text, style="bold"))

    if record.not_executed:
        names = ", ".join(f"{step.phase}: {view.left_out(step)}" for step in record.not_executed)
        console.print(plain(f"Not executed: {names}", style="bold"))

    _bullets(console, view.branches_not_tried(record))


def _step_text(step: StepResult) -> str:
    failures = [f"{failure.host}, {failure.task}: {failure.message}" for failure in step.failures]
    texts = [text for text in (step.detail.text, *failures[:_FAILURES]) if text]
    more = len(failures) - _FAILURES
    return "\n".join(
        [*(wording.clean(text, _DETAIL) for text in texts)] + [f"and {more} more"] * (more > 0)
    )


def _show_checks(record: RunRecord, console: Console) -> None:
    _heading(console, Section.CHECKS.heading)
    console.print(plain(view.counted(record)))

    if record.checks:
        table = _table("What it proves", "Host", "Outcome")
        for check in view.sorted_checks(record):
            name = check.title if check.mandatory else f"{check.title} (not mandatory)"
            table.add_row(plain(name), plain(check.host), _outcome(check.outcome))

        console.print(table)

    _bullets(
        console,
        [f"{check.check}: {check.detail}" for check in view.red_checks(record) if check.detail],
    )


def _show_guards(record: RunRecord, console: Console) -> None:
    _heading(console, "Guards and proof of isolation")
    table = _table("Guard", "Host", "What was seen", "Outcome")
    for guard in record.guards:
        cells = (plain(view.guard_name(guard)), plain(guard.host), plain(guard.detail))
        table.add_row(*cells, _outcome(guard.outcome))
    console.print(table if record.guards else Text("No guard was proven."))


def _outcome(value: StrEnum) -> Text:
    good = value.value in _GOOD
    return Text(word(value), style="" if good else "bold", no_wrap=True)


def plain(value: ReasonOrText, *, style: str = "") -> Text:
    """Return what a host or a person wrote as text that changes nothing on a terminal."""
    return Text(wording.clean(value, 4 * _DETAIL).strip(), style=style)


def _table(*headers: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for header in headers:
        table.add_column(header, overflow="fold")
    return table


def _heading(console: Console, title: str) -> None:
    console.print()
    console.print(Text(title, style="bold underline"))


def _facts(console: Console, *rows: tuple[str, str]) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, plain(value))
    console.print(table)


def _bullets(console: Console, items: Sequence[ReasonOrText]) -> None:
    for item in items:
        grid = Table.grid(padding=(0, 1, 0, 0))
        grid.add_row("-", plain(item))
        console.print(grid)
