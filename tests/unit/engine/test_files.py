"""When the files that services open are watched, and what that means for a run."""

from __future__ import annotations

import pytest
from tests.support.bench import Bench
from tests.support.killed import Killed

from pradrill.domain.declared.plan import FileNeed
from pradrill.domain.register.findings_of_run import findings_of, unproved
from pradrill.domain.run.event import Event
from pradrill.domain.run.file_map import FileMap, FileOrigin, FileUse
from pradrill.domain.run.outcome import Phase, StepKind
from pradrill.domain.run.record import RunRecord
from pradrill.domain.run.run_plan import PlannedStep, RunPlan
from pradrill.domain.run.verdict import Verdict
from pradrill.engine.cancellation import Cancellation
from pradrill.engine.crashed_runs import recover_crashed
from pradrill.engine.repeated_teardown import repeat_teardown
from pradrill.engine.run import run_drill
from pradrill.errors import PradrillError, UnreachableError
from pradrill.reporting.run.inward import summary
from pradrill.testing import (
    HOST,
    FakeProbe,
    FakeProgress,
    FakeStore,
    a_finding,
    a_run_plan,
    a_service,
    a_start,
    fake_tools,
)
from pradrill.testing.fake_file_watch import FakeFileWatch
from pradrill.testing.reasons import texts


def use(path: str, origin: FileOrigin = FileOrigin.NEITHER, **more: object) -> FileUse:
    """Return a file that a web server opened."""
    return FileUse.model_validate({"path": path, "origin": origin, "programs": ["httpd"], **more})


def a_map(*files: FileUse, **more: object) -> FileMap:
    """Return a map that was read, of these files."""
    counts: dict[FileOrigin, int] = {}
    for each in files:
        counts[each.origin] = counts.get(each.origin, 0) + 1
    fields = {"watched": True, "complete": True, "files": files, "counts": counts}
    return FileMap.model_validate({**fields, **more})


def watching(**changes: object) -> RunPlan:
    """Return the builders' plan with a standby on which files are watched."""
    plan = a_run_plan(**changes)
    watch, read = (
        PlannedStep(phase=phase, name=name, kind=kind, hosts=(HOST,), deadline="2m")
        for phase, name, kind in (
            (Phase.READINESS, "watch which files are opened", StepKind.FILES),
            (Phase.TEARDOWN, "read which files were opened", StepKind.FILES_AGAIN),
        )
    )
    steps = list(plan.steps)
    steps.insert([each.kind for each in steps].index(StepKind.IDENTITY) + 1, watch)
    steps.insert([each.phase for each in steps].index(Phase.TEARDOWN), read)
    return plan.model_copy(update={"steps": tuple(steps)})


def drilled(files: FakeFileWatch, plan: RunPlan | None = None) -> RunRecord:
    """Return the record of a drill that watches so."""
    return Bench(plan=plan or watching(), files=files).run()


def test_what_no_drill_brings_is_a_finding_of_its_folder() -> None:
    """Unless the plan says why; what a package, a restore or a playbook brings is none."""
    need = FileNeed(path="/etc/shop/licence", why="from the safe")
    plan = watching(services={"moodle": a_service().model_copy(update={"needs_files": (need,)})})
    files = FakeFileWatch(
        a_map(
            use("/etc/shop/licence/key"),
            use("/etc/shop/licences"),
            use("/opt/shop/a"),
            use("/etc/httpd.conf", altered=True),
            use("/opt/shop/b"),
            use("/usr/bin/httpd", FileOrigin.PACKAGE),
            use("/srv/data", FileOrigin.RESTORED),
            use("/srv/settings", FileOrigin.WRITTEN),
        )
    )
    record = drilled(files, plan)
    assert record.verdict is Verdict.PASSED
    assert files.calls == ["watch", "read"]
    drill = record.plan.drill.drill
    titles = {each.key: each.detail for each in findings_of(record)}
    assert titles == {
        f"file/{drill}//etc/": f"{HOST}: opened by httpd, there before the drill: "
        "/etc/httpd.conf (of a package, altered)",
        f"file/{drill}//etc/shop/": f"{HOST}: opened by httpd, there before the drill: "
        "/etc/shop/licences",
        f"file/{drill}//opt/shop/": f"{HOST}: opened by httpd, there before the drill: "
        "/opt/shop/a, /opt/shop/b",
    }
    assert "4 files that the service opened" in summary(record)
    again = a_finding(key=f"file/{drill}//opt/shop/")
    assert unproved(again, record) == "files of /opt/shop/ were opened in it, too"
    assert unproved(again, drilled(FakeFileWatch(a_map(use("/opt/other/a"))))) is None
    unknown = "it does not know all the files that its services opened"
    assert unproved(again, Bench().run()) == unknown
    assert unproved(again, drilled(FakeFileWatch(a_map(overflow=True)))) == unknown


@pytest.mark.parametrize(
    ("files", "because", "calls"),
    [
        (FakeFileWatch(fails=PradrillError("no fanotify")), "no fanotify", ["watch"]),
        (FakeFileWatch(UnreachableError("it went")), "it went", ["watch", "read"]),
    ],
)
def test_what_cannot_be_watched_is_a_limit_and_no_residue(
    files: FakeFileWatch, because: str, calls: list[str]
) -> None:
    """The drill goes on, and no report says that nothing is missing."""
    record = drilled(files)
    assert record.verdict is Verdict.PASSED
    assert record.exit_code == 0
    assert files.calls == calls
    assert any(because in each for each in texts(record.limits))
    assert summary(record).startswith("Not known")
    assert findings_of(record) == ()


@pytest.mark.parametrize(
    "gap", [{"overflow": True}, {"unkept": 1}, {"unmarked": ["/srv"]}, {"counts": {"unknown": 1}}]
)
def test_a_map_with_gaps_says_so(gap: dict[str, object]) -> None:
    """In its sentence, and among the limits."""
    record = drilled(FakeFileWatch(a_map(**gap)))
    assert "That is not all" in summary(record)
    whole = drilled(FakeFileWatch(a_map()))
    assert len(record.limits) == len(whole.limits) + 1
    assert summary(whole) == "No file was seen that the drill does not bring."


def test_files_that_are_only_counted_are_a_finding_and_in_the_sentence() -> None:
    """Whether the plan speaks of those that are not told by name is not known."""
    need = FileNeed(path="/etc/shop", why="from the safe")
    plan = watching(services={"moodle": a_service().model_copy(update={"needs_files": (need,)})})
    drilled_map = a_map(use("/etc/shop/key"), counts={"neither": 8})
    record = drilled(FakeFileWatch(drilled_map), plan)
    assert summary(record).startswith("7 files that the service opened come from neither")
    (finding,) = findings_of(record)
    assert finding.key == f"file/{record.plan.drill.drill}/more"
    assert finding.title.endswith(": 7")


def test_a_watch_of_a_killed_run_is_not_forgotten() -> None:
    """Killed before its first playbook, and not reached since: it is left, and ended later."""
    store, files, silent = FakeStore(), FakeFileWatch(), FakeProbe()

    def kill(name: str) -> None:
        if name == "prepare":
            raise Killed

    tools = fake_tools(store=store, files=files, progress=FakeProgress(kill))
    with pytest.raises(Killed):
        run_drill(a_start(plan=watching()), tools, Cancellation(), disruption=None)
    (journal,) = store.journals
    names = [(event, facts.get("name")) for event, _, facts in journal.events()]
    del journal._lines[names.index((Event.STEP_STARTED, "read which files were opened")) :]
    journal.close()
    files.calls.clear()

    silent.unreachable = True
    away = fake_tools(store=store, files=files, probe=silent)
    (record,) = recover_crashed(store, lambda _plan: away).records
    assert any("not torn down" in each for each in texts(record.residue))
    assert files.calls == []
    assert repeat_teardown(journal, fake_tools(store=store, files=files)) == ()
    assert files.calls == ["read"]
