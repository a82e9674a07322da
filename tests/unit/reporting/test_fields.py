"""Where each answer of an audit comes from: measured, declared, handed back, or entered by whom."""

from __future__ import annotations

import datetime as dt
import html
import re
from typing import Any

import pytest

from pradrill.domain.register.annotation import STATED, AnnotationKind
from pradrill.domain.report.case_file import CaseFile
from pradrill.domain.run.host import SeenHost
from pradrill.domain.run.outcome import CheckOutcome, GuardOutcome, Phase, Sample, StepKind
from pradrill.domain.values.reason import reason
from pradrill.domain.values.reason_code import Code
from pradrill.domain.values.timeline import Mark
from pradrill.reporting.language.i18n import speaking
from pradrill.reporting.run.case_sections import ROLES
from pradrill.reporting.run.html import Letterhead, render_html
from pradrill.reporting.run.sourced_fields import share
from pradrill.testing import (
    HOST,
    a_case,
    a_check,
    a_drill,
    a_guard,
    a_launch,
    a_record,
    a_run_plan,
    a_service,
    a_step,
    after,
)
from pradrill.testing.cases import an_annotation

ENTERED = "(entered 2026-03-11 03:00:00 UTC by a.martin)"


def text_of_page(case: CaseFile, language: str = "en") -> str:
    """Return what a reader sees of the page, on one line."""
    page = render_html(case, Letterhead(language=language))
    bare = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    words = re.sub(r"</?(?:span|b|a)\b[^>]*>", "", bare)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", words)).split())


def text_of(*, annotations: tuple[Any, ...] = (), **changes: Any) -> str:
    """Return what a reader sees of a record."""
    return text_of_page(CaseFile(record=a_record(**changes), annotations=annotations))


def test_the_planned_day_says_who_set_it() -> None:
    """The drill's day, the schedule's and one that a person entered stand side by side."""
    plan = a_run_plan(drill=a_drill(planned=dt.date(2026, 3, 9)))
    text = text_of(
        plan=plan,
        launch=a_launch(due=after(-3_600)),
        annotations=(
            an_annotation(kind=AnnotationKind.PLANNED, text="", date=dt.date(2026, 3, 8)),
        ),
    )
    assert (
        "Planned for 2026-03-09 (declared in the drill) "
        f"2026-03-10 (due by the plan's drill_every) 2026-03-08 {ENTERED}" in text
    )


def test_sites_are_those_of_plan_and_drill() -> None:
    """The primary's site comes from the plan, the standby's from the drill."""
    plan = a_run_plan(
        services={"moodle": a_service(site="Reims")},
        drill=a_drill(environment={"site": "Lyon"}),
    )
    text = "primary of moodle: Reims (declared in the plan) standby: Lyon (declared in the drill)"
    assert text in text_of(plan=plan)


def test_the_network_is_measured_and_declared() -> None:
    """The addresses that the host has stand beside what the drill says of its network."""
    plan = a_run_plan(drill=a_drill(environment={"network": "VLAN 40, no route out"}))
    seen_host = SeenHost(host_key="SHA256:abc", addresses=("198.51.100.20", "fd00::20"))
    text = text_of(plan=plan, seen={HOST: seen_host})
    assert f"Network {HOST}: 198.51.100.20, fd00::20 (measured on the host itself)" in text
    assert "VLAN 40, no route out (declared in the drill)" in text
    assert f"Host keys {HOST}: SHA256:abc (measured)" in text


def test_a_lab_machine_says_what_it_reaches() -> None:
    """A machine of the lab is on a closed network, and reaches the drill's links alone."""
    links = {"10.0.2.100:22": "backup:22"}
    plan = a_run_plan(drill=a_drill(standby={"vm": "standby", "links": links}, teardown=()))
    closed = "the lab's closed network; it leads to: 10.0.2.100:22 → backup:22"
    assert f"Network {closed} (declared in the drill)" in text_of(plan=plan)


def test_a_backup_without_a_catalogue_is_told_by_its_playbook() -> None:
    """What the restore playbook handed back fills in for the catalogue that the drill lacks."""
    values = {
        "pradrill_backup_location": "restic, sftp:backup:/srv/restic",
        "pradrill_backup_size": 41_200_000_000,
        "pradrill_backup_checksum": "restic tree 9c41",
    }
    text = text_of(steps=(a_step(values=values),))
    for words in ("restic, sftp:backup:/srv/restic", "38.4\u00a0GiB", "restic tree 9c41"):
        assert f"{words} (handed back by restore_moodle)".replace("\u00a0", " ") in text
    assert "the drill names no recovery_point" in text


def test_a_playbook_of_another_phase_hands_back_no_backup() -> None:
    """Only what restores says what was restored, and only what tears down says what is revoked."""
    text = text_of(
        steps=(
            a_step(phase=Phase.PREPARE, values={"pradrill_backup_location": "elsewhere"}),
            a_step(phase=Phase.RESTORE, values={"pradrill_revoked": "nothing"}),
        )
    )
    assert "elsewhere (handed back" not in text
    assert "Credentials revoked not entered" in text


def test_which_copy_it_was_is_declared() -> None:
    """Which of the copies the drill takes is said in its recovery_point."""
    point = {"borg": {"repository": "/srv/borg"}, "kept_at": "second copy, off site"}
    text = text_of(plan=a_run_plan(drill=a_drill(recovery_point=point)))
    assert "Copy and location second copy, off site (declared in the drill)" in text


def test_a_check_says_how_much_it_looked_at() -> None:
    """A sample stands with its fraction; nothing is said of checks that told none."""
    checks = (a_check(), a_check(check="b", title="bytes", sample=Sample(looked=200, of=41_873)))
    text = text_of(checks=checks)
    assert "Sampled fraction bytes: 200 of 41,873 (0.4%) (measured by the check)" in text
    bare = text_of(checks=(a_check(),))
    assert "Sampled fraction not entered, and no check told it" in bare


@pytest.mark.parametrize(
    ("part", "of", "words"),
    [(41_872, 41_873, "99.9%"), (3, 3, "100%"), (0, 3, "0.0%"), (0, 0, None)],
)
def test_almost_all_is_not_all(part: int, of: int, words: str | None) -> None:
    """A fraction is rounded down, so that only the whole is written as 100%."""
    text = share(Sample(looked=part, of=of))
    assert text.endswith(f"({words})") if words else "%" not in text
    with speaking("fr"):
        assert share(Sample(looked=200, of=41_873)) == "200 sur 41\u202f873 (0,4\u00a0%)"


def test_a_sample_is_a_part() -> None:
    """A check cannot have looked at more than there is."""
    with pytest.raises(ValueError, match="no more than there is"):
        Sample(looked=4, of=3)


def test_probes_that_must_fail_are_negative_controls() -> None:
    """Attempts on production, guards that refused, and checks marked as such are controls."""
    text = text_of(checks=(a_check(negative=True, title="a wrong password is refused"),))
    tries = "2 attempts to reach production from inside the standby"
    assert f"Negative controls {tries}: each failed, as it must (measured)" in text
    assert "a wrong password is refused: passed (measured)" in text
    refused = (
        a_guard(guard="must-not-reach db:3306", outcome=GuardOutcome.REFUSED),
        a_guard(guard="must-not-reach smtp:25"),
    )
    text = text_of(guards=refused)
    assert f"{tries}: 1 failed, as they must (measured)" in text
    assert f"the guard must-not-reach db:3306 refused {HOST} (measured)" in text
    assert "Negative controls not entered" in text_of(guards=(), checks=(a_check(),))


def test_erased_is_what_was_looked_for() -> None:
    """Paths are gone because they were looked for; without that look nothing is claimed."""
    assert "Data erased gone: /var/www/moodle (looked for after the teardown)" in text_of()
    steps = tuple(step for step in a_record().steps if step.kind is not StepKind.RESIDUE)
    assert "Data erased not entered" in text_of(steps=steps)
    lab = a_run_plan(drill=a_drill(standby={"vm": "standby"}, teardown=()))
    assert "thrown away with its disk: standby (measured)" in text_of(plan=lab, steps=steps)


def test_what_the_record_says_is_erased_takes_the_place_of_what_follows_from_its_steps() -> None:
    """With how, in the report's language."""
    erased = (
        reason(Code.ERASED_PATHS, host="db", paths=["/srv/a", "/srv/b"]),
        reason(Code.NOT_OVERWRITTEN),
    )
    text = text_of(erased=erased)
    assert "Data erased looked for on db after the teardown, and not there: /srv/a, /srv/b" in text
    assert "it was deleted, not overwritten" in text
    assert "gone: /var/www/moodle" not in text


def test_revoked_is_what_the_teardown_says() -> None:
    """A teardown playbook names what it revoked, in one text or several."""
    step = a_step(
        phase=Phase.TEARDOWN, name="teardown", values={"pradrill_revoked": ["key 7", "login x"]}
    )
    text = text_of(steps=(step,))
    both = "key 7 (handed back by teardown) login x (handed back by teardown)"
    assert f"Credentials revoked {both}" in text


def test_retention_and_owner_come_from_the_plan() -> None:
    """How long records are kept and who keeps the plan are the plan's."""
    text = text_of(plan=a_run_plan(retention="10 years", plan_owner="C. Durand"))
    assert "Retention 10 years (declared in the plan)" in text
    assert "Owner of the plan C. Durand" in text


@pytest.mark.parametrize("kind", STATED)
def test_what_people_say_stands_with_who_and_when(kind: AnnotationKind) -> None:
    """Whatever people enter is on the page once, with when and by whom, in both languages."""
    notes = (an_annotation(kind=kind, text="as people say"),)
    assert text_of(annotations=notes).count(f"as people say {ENTERED}") == 1
    case = CaseFile(record=a_record(), annotations=notes)
    assert "as people say (saisi le 11/03/2026 04:00 (Paris) par a.martin)" in text_of_page(
        case, "fr"
    )


@pytest.mark.parametrize("hostile", ["<b>x</b>", "\u202egnp", "\x1b[31m", "y" * 10_000_000])
def test_hostile_answers_are_inert(hostile: str) -> None:
    """Tags, direction marks, controls and huge lines in any answer stay words on the page."""
    values = {"pradrill_backup_location": hostile, "pradrill_revoked": [hostile, {hostile: 1}]}
    plan = a_run_plan(
        retention=hostile,
        plan_owner=hostile,
        services={"moodle": a_service(site=hostile)},
        drill=a_drill(environment={"site": hostile, "network": hostile}),
    )
    record = a_record(
        plan=plan,
        steps=(a_step(values=values), a_step(phase=Phase.TEARDOWN, values=values)),
        seen={hostile: SeenHost(host_key=hostile, addresses=(hostile,) * 3)},
        checks=(
            a_check(title=hostile, negative=True, sample=Sample(looked=1, of=2)),
            a_check(check="x", outcome=CheckOutcome.FAILED),
        ),
    )
    notes = tuple(an_annotation(kind=kind, text=hostile, by=hostile[:99]) for kind in STATED)
    page = render_html(CaseFile(record=record, annotations=notes))
    body = page.partition("<main>")[2]
    assert hostile not in body
    assert len(page) < 300_000


def everything_said() -> CaseFile:
    """Return a run of which plan, drill, playbooks, checks and people say all that they can."""
    kinds = AnnotationKind
    scenario = {
        "name": "fire",
        "assumptions": ("the backups survive",),
        "exclusions": ({"what": "mail", "why": "tested apart"},),
        "third_parties": ("the telephone company",),
    }
    plan = a_run_plan(
        services={"moodle": a_service(site="Reims")},
        drill=a_drill(
            planned=dt.date(2026, 3, 10),
            scenario=scenario,
            environment={"site": "Lyon", "network": "VLAN 40"},
        ),
        plan_owner="C. Durand",
        retention="10 years",
    )
    teardown = a_step(phase=Phase.TEARDOWN, name="teardown", values={"pradrill_revoked": "a login"})
    case = a_case()
    record = case.record.model_copy(
        update={
            "plan": plan,
            "seen": {HOST: SeenHost(host_key="SHA256:abc", addresses=("198.51.100.20",))},
            "steps": (*case.record.steps, teardown),
            "checks": (a_check(sample=Sample(looked=1, of=2), negative=True),),
        }
    )
    people = tuple(
        an_annotation(
            kind=kinds.PERSON, text="", name="X", role=role, first_time=True, independent=False
        )
        for role in ROLES
    )
    notes = (
        *people,
        *(n for n in case.annotations if n.kind is not kinds.PERSON),
        an_annotation(kind=kinds.MARK, text="", mark=Mark.DECLARED, instant=after(90)),
        an_annotation(kind=kinds.MANAGEMENT_REPORT, text="", date=dt.date(2026, 4, 1)),
    )
    return case.model_copy(update={"record": record, "annotations": notes})


@pytest.mark.parametrize(("language", "absent"), [("en", "not entered"), ("fr", "non renseigné")])
def test_every_field_can_be_filled_in(language: str, absent: str) -> None:
    """When all is said that can be, the report has no field that nobody entered."""
    assert absent in text_of_page(CaseFile(record=a_record()), language)
    assert absent not in text_of_page(everything_said(), language)


def test_every_kind_of_annotation_is_on_the_page() -> None:
    """Whatever a person can enter has its place in the report, with who said it."""
    for kind in AnnotationKind:
        fields: dict[str, Any] = {"kind": kind, "text": "as people say", "by": "who said so"}
        if kind is AnnotationKind.MARK:
            fields |= {"mark": Mark.DETECTED, "instant": after(60)}
        if kind in {AnnotationKind.PLANNED, AnnotationKind.MANAGEMENT_REPORT}:
            fields |= {"date": dt.date(2026, 3, 12)}
        text = text_of_page(CaseFile(record=a_record(), annotations=(an_annotation(**fields),)))
        assert "2026-03-11 03:00:00 UTC by who said so" in text, kind
