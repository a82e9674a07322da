"""For tests, ours and yours: builders of drills and records, and fakes for every port."""

from __future__ import annotations

from pradrill.testing.builders import (
    HOST,
    START,
    a_check,
    a_drill,
    a_finding,
    a_guard,
    a_launch,
    a_planned_step,
    a_record,
    a_recovery,
    a_run_plan,
    a_service,
    a_start,
    a_step,
    after,
    measured,
)
from pradrill.testing.cases import a_case, an_annotation
from pradrill.testing.estate import (
    an_estate,
    an_estate_drill,
    estate_checks,
    estate_hosts,
    estate_verifications,
)
from pradrill.testing.fake_people import FakePeople, a_question, an_answer
from pradrill.testing.fake_source import FakeSource, a_catalogue, a_point
from pradrill.testing.fake_standby import (
    STANDBY_KEY,
    FakeProbe,
    FakeRunner,
    FakeStandby,
    FakeVerification,
    FakeVerifier,
    a_host,
    fake_tools,
    host_facts,
    played,
)
from pradrill.testing.fakes import FakeClock, FakeJournal, FakeProgress, FakeStore
from pradrill.testing.runs import a_sealed_run

__all__ = [
    "HOST",
    "STANDBY_KEY",
    "START",
    "FakeClock",
    "FakeJournal",
    "FakePeople",
    "FakeProbe",
    "FakeProgress",
    "FakeRunner",
    "FakeSource",
    "FakeStandby",
    "FakeStore",
    "FakeVerification",
    "FakeVerifier",
    "a_case",
    "a_catalogue",
    "a_check",
    "a_drill",
    "a_finding",
    "a_guard",
    "a_host",
    "a_launch",
    "a_planned_step",
    "a_point",
    "a_question",
    "a_record",
    "a_recovery",
    "a_run_plan",
    "a_sealed_run",
    "a_service",
    "a_start",
    "a_step",
    "after",
    "an_annotation",
    "an_answer",
    "an_estate",
    "an_estate_drill",
    "estate_checks",
    "estate_hosts",
    "estate_verifications",
    "fake_tools",
    "host_facts",
    "measured",
    "played",
]
