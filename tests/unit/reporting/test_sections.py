"""Each field that an auditor asks for has its place, and what nobody entered is said to be so."""

import html
import re
from pathlib import Path

import pytest

import pradrill
from pradrill.config.branding import read_clauses
from pradrill.domain.declared.drill import Participants
from pradrill.domain.register.finding import Sighting
from pradrill.domain.report.case_file import CaseFile, RecordIntegrity
from pradrill.domain.report.changes import FilePart, changes
from pradrill.domain.report.sections import BODY, FRONT, Section
from pradrill.domain.run.backup_integrity import Soundness
from pradrill.domain.run.record import ServiceResult
from pradrill.domain.run.run_plan import FileHash
from pradrill.domain.run.verdict import Verdict
from pradrill.domain.values.severity import Severity
from pradrill.domain.values.timeline import Elapsed, Provenance
from pradrill.reporting.run.html import Letterhead, render_html
from pradrill.testing import (
    a_case,
    a_drill,
    a_finding,
    a_record,
    a_recovery,
    a_run_plan,
    a_service,
    after,
    an_estate,
)
from pradrill.testing.cases import a_soundness

FIELDS = {  # AUDIT group → what must stand on the page, filled in or "not entered"
    1: ("technical test", "Planned for", "on schedule (pradrill due)", "20260310T020000Z-moodle"),
    2: ("version 3, approved: A. Martin", "changes since the previous run", "3f3f3f3f"),
    3: ("Tier", "Sites", "Third parties", "Left out, and why", "Assumptions", "Success criteria"),
    4: ("requester", "operator", "observer", "approver", "First time", "Independent"),
    5: ("Copy and location", "Made at", "Size and checksum", "Selection rule"),
    6: ("Standby hosts", "Network", "Production untouched", "must-not-reach", "dr_role"),
    7: ("T0", "T1", "T2", "T3", "T4", "T5", "T6", "Deadline", "Steps not executed", "waited for"),
    8: ("RTA", "RTO", "interval", "margin at worst", "RTA = T5 - T0"),
    9: ("RPA", "RPO", "Read with", "Catalogue time", "Worst-case RPA"),
    10: ("Mandatory", "Sampled fraction", "Negative controls", "Check of the backups"),
    11: ("Deviations and workarounds",),
    12: ("Teardown and residue", "What the run was to destroy", "Credentials revoked"),
    13: ("Limits of what was proved", "stayed green"),
    14: ("Open findings", "Findings"),
    15: ("What went well", "What did not go well", "Effect on the plan"),
    16: ("trend and coverage",),
    17: ("clause map",),
    18: ("Review and sign-off", "Reported to management"),
    19: ("SHA-256 of the record", "Head of the register", "Signature", "Timestamp", "Retention"),
}


def text_of_page(case: CaseFile) -> str:
    """Return what a reader sees of the page, on one line."""
    page = render_html(case, Letterhead(clauses=read_clauses(None)))
    bare = re.sub(r"<style>.*?</style>|<svg.*?</svg>", "", page, flags=re.DOTALL)
    words = re.sub(r"</?(?:span|b|a)\b[^>]*>", "", bare)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", words)).split())


def test_a_section_is_a_line_and_a_template() -> None:
    """Every section of the list has its template, and no template is left out of the list."""
    folder = Path(pradrill.__file__).parent / "reporting/templates/report"
    templates = {path.name for path in folder.iterdir()}
    assert templates == {f"{section}.html.j2" for section in Section}, "domain/report/sections.py"


def test_sections_stand_in_the_order_of_the_list() -> None:
    """The page has the sections of the list, each once, in its order."""
    page = render_html(a_case(), Letterhead(clauses=read_clauses(None)))
    assert re.findall(r'<section id="(\w+)"', page) == [*FRONT, *BODY] == list(Section)


@pytest.mark.parametrize("group", FIELDS)
@pytest.mark.parametrize("full", [True, False])
def test_every_field_has_its_place(group: int, *, full: bool) -> None:
    """Each of the nineteen groups of fields is there, whether anything is known of it or not."""
    text = text_of_page(a_case() if full else CaseFile(record=a_record()))
    for words in FIELDS[group]:
        assert words in text


def test_what_nobody_entered_is_said() -> None:
    """A bare record's report says "not entered" for people, lessons, deviations and sign-off."""
    text = text_of_page(CaseFile(record=a_record()))
    for words in (
        "requester not entered",
        "What went well not entered",
        "Credentials revoked not entered",
        "Reported to management not entered",
        "Retention not entered",
        "Deviations and workarounds not entered",
    ):
        assert words in text
    assert "not signed" in text
    assert "not registered" in text
    assert "No earlier finished run of this drill is known." in text


def test_the_register_that_was_not_read_promises_nothing() -> None:
    """Without the register no report says that nothing is open; with it, an empty one does."""
    unknown = CaseFile(record=a_record(), integrity=RecordIntegrity(record_sha256="5d" * 32))
    assert "whether findings are open is not known" in text_of_page(unknown)
    assert "No finding is open" not in text_of_page(unknown)
    integrity = RecordIntegrity(record_sha256="5d" * 32, entry=1)
    assert "No finding is open." in text_of_page(CaseFile(record=a_record(), integrity=integrity))


def test_open_findings_lead_and_the_gravest_first() -> None:
    """Open findings stand on page one, by severity, with owner and due date; closed ones do not."""
    findings = (
        a_finding(finding="F-1", severity=Severity.MINOR, title="small"),
        a_finding(finding="F-2", severity=Severity.CRITICAL, title="grave", owner=None, due=None),
        a_case().findings[1],
    )
    text = text_of_page(a_case(findings=findings))
    first = text[text.index("Open findings") : text.index("Timeline")]
    assert first.index("F-2") < first.index("F-1")
    assert "F-3" not in first
    assert "grave opened 2026-03-10" in first
    assert "critical not entered not entered open" in first
    assert "closed by run 20251210T020000Z-moodle-11d0" in text


def test_marks_of_people_are_entered_not_measured() -> None:
    """T1 and T6 that people entered stand with who entered them and when, beside measured ones."""
    text = text_of_page(a_case())
    assert (
        "T1 detected 2026-03-10 02:01:00 UTC, entered 2026-03-11 03:00:00 UTC by a.martin" in text
    )
    assert "T2 recovery declared not entered" in text
    assert "T3 recovery starts 2026-03-10 02:00:00.4 UTC, measured" in text


def test_worst_case_stands_beside_the_rpa() -> None:
    """Page one has the worst case that the catalogue allows, and how it stands to the RPO."""
    text = text_of_page(a_case())
    meaning = "the largest loss that the backups would have allowed"
    history = "over 3d03h of backups, since 2026-03-06: too short to prove it"
    standing = "RPO 24h00m: not met (margin at worst: -24h14m)"
    assert f"Worst-case RPA {meaning} 48h13m {history} {standing}" in text
    assert "restored from 4f2c9a1be073 with data of 2026-03-06 23:00:00 UTC" in text
    assert "every 1d, 1h of grace: 1 is missing" in text
    bare = text_of_page(CaseFile(record=a_record()))
    assert f"Worst-case RPA {meaning} not known: the run read no backup catalogue" in bare


def test_inputs_are_identified() -> None:
    """The backup's id, copy, size, checksum, rule and soundness are there."""
    text = text_of_page(a_case())
    for words in (
        "restic, sftp:backup:/srv/restic",
        "38.4 GiB, restic tree 9c41",
        "latest: the newest of 3 that match",
        "sound, restic check --read-data-subset=2/4; part 2 of 4",
    ):
        assert words in text
    damaged = a_recovery(integrity=a_soundness(soundness=Soundness.DAMAGED, detail="pack 3"))
    assert "damaged, restic check" in text_of_page(CaseFile(record=a_record(recovery=damaged)))


def test_waits_are_told_apart() -> None:
    """Who was asked, how long they took and what they said, and how much of the RTA that was."""
    text = text_of_page(a_case())
    assert "Of the RTA, people were waited for during 40m00s." in text
    assert "call the host prepare, hexanet: response operator 02:00:05 15m00s yes, cdurand" in text
    assert "DSI 02:00:05 15m00s no, cdurand Not before noon." in text
    assert "No step of this run waited for people." in text_of_page(CaseFile(record=a_record()))


def test_promises_of_the_provider_are_measured() -> None:
    """Response and restoration stand against the SLA, met or not."""
    text = text_of_page(a_case())
    assert "hexanet call the host response 30m00s 15m00s met" in text
    assert "hexanet call the host restoration 10m00s 25m00s not met" in text


def test_people_named_beforehand_are_not_called_present() -> None:
    """Whom the drill names stands as named beforehand, until somebody enters who was there."""
    plan = a_run_plan(drill=a_drill(people=Participants(approver="DSI", observer="Audit")))
    text = text_of_page(a_case(record=a_record(plan=plan)))
    assert "approver DSI not entered not entered named by the drill beforehand" in text
    assert "observer Noé Petit" in text
    assert "observer Audit" not in text


def test_each_service_has_its_row() -> None:
    """Services that are recovered apart stand with their own verdicts, objectives and order."""
    plan = an_estate({"directory": (), "application": ("directory",)})
    missed = a_recovery(
        rta=Elapsed(seconds=20_000, low=20_000, high=20_000, provenance=Provenance.MEASURED)
    )
    results = {
        "directory": (Verdict.PASSED, a_recovery()),
        "application": (Verdict.MISSED, missed),
    }
    services = {
        name: ServiceResult(verdict=verdict, reasons=("x",), recovery=recovery, hosts=())
        for name, (verdict, recovery) in results.items()
    }
    text = text_of_page(CaseFile(record=a_record(plan=plan, services=services)))
    margin = "margin at worst"
    met = f"3h05m / 24h00m met {margin}: 20h54m"
    assert f"directory PASSED 42m10s / 4h00m met {margin}: 3h17m {met}" in text
    assert f"application MISSED 5h33m / 4h00m not met {margin}: -1h34m {met}" in text
    assert "All services together: 42m10s from the disruption to the last verified one" in text
    assert "directory; application (after directory)" in text


def test_changes_are_told_by_part() -> None:
    """A changed plan, a new playbook and a removed check are each named, wherever the folder is."""
    before = a_run_plan()
    drill = before.drill
    assert drill.verify is not None
    checks = drill.verify.checks
    absent = FileHash(path=checks / "test_old.py", sha256="11" * 32)
    now = before.model_copy(
        update={
            "plan_version": 4,
            "files": (before.files[0].model_copy(update={"sha256": "00" * 32}), *before.files[1:]),
        }
    )
    old = before.model_copy(update={"files": (*before.files[:2], absent)})
    differences = changes(now, old)
    parts = {
        (each.part, each.path.rpartition("/")[2], each.before is None) for each in differences.files
    }
    assert parts == {
        (FilePart.PLAN, "plan.yml", False),
        (FilePart.PLAYBOOK, "restore_moodle.yml", True),
        (FilePart.CHECK, "test_old.py", False),
    }
    assert [(each.name, each.before, each.now) for each in differences.fields] == [
        ("plan version", "3", "4")
    ]
    same = changes(before, before)
    assert (same.files, same.fields) == ((), ())


def test_nothing_changed_is_said_to_be_so() -> None:
    """Two runs of the same files are said to be the same to the byte."""
    text = text_of_page(
        a_case(previous=a_record(run_id="20251210T020000Z-moodle-11d0", ended=after(1)))
    )
    assert "are the same, to the byte" in text


def test_a_verdict_names_all_its_reasons() -> None:
    """Page one shows the first reasons and counts the rest, which stand further down."""
    reasons = tuple(f"reason {number}" for number in range(9))
    text = text_of_page(CaseFile(record=a_record(verdict=Verdict.FAILED, reasons=reasons)))
    first = text[: text.index("Timeline")]
    assert "reason 4" in first
    assert "reason 5" not in first
    assert "and 4 more reasons, under Limits" in first
    assert "reason 8" in text


def test_later_sightings_stand_beside_an_open_finding() -> None:
    """Page one says how often later runs showed an open finding again, and which was the last."""
    once = (Sighting(run_id="20260610T020000Z-moodle-aaaa", at=after(86_400)),)
    twice = (*once, Sighting(run_id="20260910T020000Z-moodle-bbbb", at=after(172_800)))
    findings = (
        a_finding(finding="F-1", title="one", seen=once),
        a_finding(finding="F-2", title="two", seen=twice),
        a_finding(finding="F-3", title="three"),
    )
    text = text_of_page(a_case(findings=findings))
    first = text[text.index("Open findings") : text.index("Timeline")]
    assert "seen again by run 20260610T020000Z-moodle-aaaa on 2026-03-11 02:00:00 UTC" in first
    last = "the last time by run 20260910T020000Z-moodle-bbbb on 2026-03-12 02:00:00 UTC"
    assert f"seen again 2 times since, {last}" in first
    assert first.count("seen again") == 2
    french = render_html(a_case(findings=findings), Letterhead(language="fr"))
    french = re.sub("</?span[^>]*>", "", french)
    assert "revu 2 fois depuis, en dernier par l\u2019exécution" in french
    assert "l\u2019exécution, 20260310T020000Z-moodle-7f3a\u202f; revu" in french


def test_topics_of_responsibilities_are_said_in_the_readers_language() -> None:
    """A topic is translated; a line of the company's own stands as it was written."""
    lines = {"backups": "Exemple SAS", "les licences": "Exemple SAS"}
    services = {"moodle": a_service(responsibilities=lines)}
    case = a_case(record=a_record(plan=a_run_plan(services=services)))
    french = render_html(case, Letterhead(language="fr"))
    assert french.count(">sauvegardes<br>") == french.count(">les licences<br>") == 1
    assert "sauvegardes\N{NO-BREAK SPACE}: Exemple SAS, les licences" in french
