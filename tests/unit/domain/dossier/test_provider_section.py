"""The dossier's providers: what binds them, their incidents, and what nobody ever measured."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pradrill.domain.declared.plan import Plan
from pradrill.domain.declared.provider import CommitmentEnd
from pradrill.domain.dossier.build import Sealed, Sources, compile_dossier
from pradrill.domain.dossier.dossier import Dossier
from pradrill.domain.dossier.period import Period
from pradrill.domain.register.entry import GENESIS, Entry, EntryKind
from pradrill.domain.register.incident import IncidentStage, IncidentStep
from pradrill.domain.run.question import CallStage, SlaMeasure, SlaStanding
from pradrill.domain.values.timeline import Provenance
from pradrill.reporting.dossier.files import dossier_html
from pradrill.reporting.run.html import Letterhead
from pradrill.testing import a_record

NOW = datetime(2026, 12, 31, 12, tzinfo=UTC)
YEAR = Period(first=date(2026, 1, 1), last=date(2026, 12, 31))
PLAN = Plan.model_validate(
    {
        "plan": 3,
        "organisation": "Exemple SAS",
        "providers": {
            "hexanet": {
                "contract": {"number": "HX-1234", "ends": "2027-01-15"},
                "sla": {"availability_percent": 99.9, "response": "30m", "restoration": "4h"},
            },
        },
        "services": {
            "moodle": {"objectives": {"rto": "4h", "rpo": "24h"}, "provider": "hexanet"},
            "ldap": {"objectives": {"rto": "4h", "rpo": "24h"}},
        },
    }
)


def step(stage: IncidentStage, at: datetime, incident: str = "I-1", **facts: Any) -> Entry:
    """Return a step's entry, entered when it happened."""
    body = IncidentStep(
        incident=incident,
        stage=stage,
        at=at,
        provenance=Provenance.MEASURED,
        entered=at,
        by="root",
        **facts,
    )
    return Entry(
        number=1,
        at=at,
        kind=EntryKind.INCIDENT,
        previous=GENESIS,
        body=body.model_dump(mode="json"),
    )


def opening(at: datetime, service: str = "moodle", **facts: Any) -> Entry:
    """Return what opens one."""
    provider = "hexanet" if service == "moodle" else None
    fields = {"title": "it is down", "services": (service,), "provider": provider, **facts}
    return step(IncidentStage.DETECTED, at, "", **fields)


def dossier(*entries: Entry, **changes: Any) -> Dossier:
    """Return the year's dossier of these entries."""
    fields: dict[str, Any] = {"records": [], "plan": PLAN, "drills": {}, "entries": entries}
    only = changes.pop("only", ())
    return compile_dossier(YEAR, Sources(**{**fields, **changes}), now=NOW, only=only)


WHOLE = (
    opening(datetime(2026, 6, 1, 8, tzinfo=UTC)),
    step(IncidentStage.CALLED, datetime(2026, 6, 1, 8, 10, tzinfo=UTC)),
    step(
        IncidentStage.CLOSED,
        datetime(2026, 6, 1, 13, tzinfo=UTC),
        answered=datetime(2026, 6, 1, 8, 20, tzinfo=UTC),
        restored=datetime(2026, 6, 1, 12, tzinfo=UTC),
    ),
)


def test_a_promise_that_nobody_has_measured_is_shown_as_such() -> None:
    """Until an incident or a drill measures it."""
    (section,) = dossier().providers
    assert section.unmeasured == (CallStage.RESPONSE, CallStage.RESTORATION)
    (section,) = dossier(*WHOLE).providers
    assert section.unmeasured == ()

    measure = SlaMeasure(
        provider="hexanet",
        stage=CallStage.RESPONSE,
        step="call",
        promised=None,
        seconds=60.0,
        waited=60.0,
        standing=SlaStanding.UNKNOWN,
    )
    record = a_record(started=datetime(2026, 3, 1, tzinfo=UTC), sla=(measure,))
    (section,) = dossier(records=[Sealed(record, "9b" * 32)]).providers
    assert section.unmeasured == (CallStage.RESTORATION,)


def test_what_ends_soon_is_told() -> None:
    """As of the dossier's day."""
    (section,) = dossier().providers
    assert section.ends == (CommitmentEnd("hexanet", "", date(2027, 1, 15)),)


def test_incidents_stand_with_their_provider_and_period() -> None:
    """Those at nobody's place stand last; those of another year, or entered later, nowhere."""
    with_provider, without = dossier(
        opening(datetime(2025, 5, 1, tzinfo=UTC)),
        step(
            IncidentStage.CLOSED,
            datetime(2025, 5, 2, tzinfo=UTC),
            restored=datetime(2025, 5, 2, tzinfo=UTC),
        ),
        opening(datetime(2026, 6, 1, tzinfo=UTC)),
        opening(datetime(2026, 7, 1, tzinfo=UTC), "ldap"),
        opening(datetime(2027, 1, 1, tzinfo=UTC)),
    ).providers
    assert [each.incident.incident for each in with_provider.incidents] == ["I-2"]
    assert (without.name, [each.incident.incident for each in without.incidents]) == (None, ["I-3"])


def test_one_service_alone_has_its_own_incidents() -> None:
    """A dossier of a service shows nothing of the others'."""
    entries = (*WHOLE, opening(datetime(2026, 7, 1, tzinfo=UTC), "ldap"))
    (section,) = dossier(*entries, only=("ldap",)).providers
    assert section.name is None
    assert [each.incident.services for each in section.incidents] == [("ldap",)]


def test_the_page_says_it_in_both_languages() -> None:
    """Steps with their times, the promise that was kept, availability below what was promised."""
    for language, words in {
        "en": ("HX-1234", "closed without lessons", "met", "99.444 %", "detected 2026-06-01 08:00"),
        "fr": ("HX-1234", "clôturé sans enseignements", "tenu", "99,444", "détection"),
    }.items():
        page = dossier_html(dossier(*WHOLE), Letterhead(language=language))
        section = page[page.index('id="providers"') :]
        text = " ".join(re.sub(r"<[^>]+>", " ", section).split())
        for word in words:
            assert word in text, (language, word)


LOST = "hexanet"


def plan_of(run_by: dict[str, str]) -> Plan:
    """Return a plan whose service's parts are run by these."""
    payload = PLAN.model_dump(mode="json", exclude_defaults=True)
    payload["services"]["moodle"]["run_by"] = run_by
    return Plan.model_validate(payload)


def test_the_loss_of_a_provider_is_told_in_words() -> None:
    """What else it runs, what nobody says, or that others run what a recovery takes."""
    ours = dict.fromkeys(("standby", "backups", "controller", "dns", "identity"), "Exemple SAS")
    for run_by, survival, words, reason in (
        ({}, "unknown", "not known: the plan does not say who runs standby, backups", "not known"),
        (
            {**ours, "backups": LOST},
            "could not",
            "no: it also runs backups",
            "could not be recovered, because it also runs backups",
        ),
        ({**ours, "mail": LOST}, "could", "as far as the plan says", "could be recovered"),
    ):
        made_of = dossier(plan=plan_of(run_by))
        (section,) = made_of.providers
        (row,) = section.losses
        assert (row.loss.survival, row.proven) == (survival, None)
        text = " ".join(re.sub(r"<[^>]+>", " ", dossier_html(made_of)).split())
        assert words in text
        assert "never tested" in text
        coverage = text[text.index("Coverage Each line") : text.index("Providers hexanet")]
        assert f"loss of the provider hexanet never tested {reason}" in coverage


def test_a_drill_that_passes_and_plays_the_loss_proves_it() -> None:
    """One of another scenario does not."""
    for lost, is_proven in ((LOST, True), (None, False)):
        record = a_record(started=datetime(2026, 3, 1, tzinfo=UTC))
        scenario = record.plan.drill.scenario.model_copy(update={"provider_lost": lost})
        drill = record.plan.drill.model_copy(update={"scenario": scenario})
        record = record.model_copy(update={"plan": record.plan.model_copy(update={"drill": drill})})
        (section,) = dossier(records=[Sealed(record, "9b" * 32)]).providers
        (row,) = section.losses
        assert (row.proven is not None) is is_proven


def test_a_service_survives_only_with_what_it_depends_on() -> None:
    """What it needs is lost with the provider: then it is not recovered either."""
    payload = PLAN.model_dump(mode="json", exclude_defaults=True)
    ours = dict.fromkeys(("standby", "backups", "controller", "dns", "identity"), "Exemple SAS")
    payload["services"]["moodle"] |= {"run_by": ours, "depends_on": ["ldap"]}
    payload["services"]["ldap"]["run_by"] = {**ours, "standby": " Hexanet"}
    (section, *_) = dossier(plan=Plan.model_validate(payload)).providers
    assert [row.loss.survival for row in section.losses] == ["could not"]


def of_plan(**provider: Any) -> Plan:
    """Return the plan with another provider for hexanet, and a second one that nobody uses."""
    payload = PLAN.model_dump(mode="json", exclude_defaults=True)
    payload["providers"] = {"hexanet": provider, "idle": {"contract": {"ends": "2026-01-01"}}}
    return Plan.model_validate(payload)


def test_promises_by_severity_and_availability_are_unmeasured_too() -> None:
    """Whatever is promised, until somebody measures it; a provider that nobody uses is shown."""
    plan = of_plan(sla={"by_severity": {"critical": {"response": "15m"}}, "availability": "99 %"})
    hexanet, idle = dossier(plan=plan).providers
    assert (hexanet.unmeasured, hexanet.availability_unmeasured) == ((CallStage.RESPONSE,), True)
    assert (idle.services, [each.day for each in idle.ends]) == ((), [date(2026, 1, 1)])
    assert not dossier(*WHOLE, plan=plan).providers[0].availability_unmeasured

    text = " ".join(re.sub(r"<[^>]+>", " ", dossier_html(dossier(plan=plan))).split())
    assert "response , availability: no incident was ever declared" in text.replace(",", " ,")
    assert "no service of the plan is at its place" in text


def test_availability_is_told_by_period_with_what_it_does_not_count() -> None:
    """For each service, and for all that the provider hosts; as the contract defines it."""
    plan = of_plan(sla={"availability_percent": 99.9, "availability_period": "quarter"})
    announced = opening(
        datetime(2026, 5, 1, tzinfo=UTC),
        kind="maintenance",
        began=datetime(2026, 6, 2, tzinfo=UTC),
        until=datetime(2026, 6, 2, 3, tzinfo=UTC),
    )
    other = opening(datetime(2026, 7, 1, tzinfo=UTC), "ldap", provider="hexanet")
    section = dossier(*WHOLE, announced, other, plan=plan).providers[0]
    quarter = section.periods[0]
    assert (quarter.service, quarter.month, quarter.months) == ("moodle", 4, 3)
    assert (quarter.down, quarter.excluded) == (4 * 3600, 3 * 3600)
    assert {each.service for each in section.periods} == {"moodle", "ldap", ""}
    page = dossier_html(dossier(*WHOLE, announced, other, plan=plan), Letterhead(language="fr"))
    quarters = "04/2026 – 06/2026"  # noqa: RUF001 from, to
    for words in (quarters, "il héberge", "maintenance annoncée"):
        assert words in page


def test_a_thousand_incidents_are_printed_short() -> None:
    """On paper the newest and the open ones; the page lists every one."""
    entries = [opening(datetime(2026, 1, 1, tzinfo=UTC))]
    for number in range(2, 202):
        at = datetime(2026, 2, 1, tzinfo=UTC) + timedelta(days=number)
        closing = step(IncidentStage.CLOSED, at, f"I-{number}", restored=at)
        entries += [opening(at), closing]
    result = dossier(*entries)
    assert dossier_html(result).count("it is down") == 201
    printed = dossier_html(result, printed=True)
    assert printed.count("it is down") == 41
    assert "I-1:" in printed
