"""When a standby's way out is denied, looked at and opened again, and what that means for a run."""

from __future__ import annotations

import pytest
from tests.support.bench import Bench, EstateBench

from pradrill.domain.declared.plan import Need
from pradrill.domain.declared.standby_kind import Egress
from pradrill.domain.register.findings_of_run import findings_of, unproved
from pradrill.domain.run.egress import AskedName, EgressAttempt, EgressLook
from pradrill.domain.run.host import Host
from pradrill.domain.run.mail_sink import MailServerUse, MailSink
from pradrill.domain.run.outcome import GuardOutcome, Phase, StepKind
from pradrill.domain.run.record import Refusal, RunRecord
from pradrill.domain.run.run_plan import PlannedStep, RunPlan
from pradrill.domain.run.verdict import Verdict
from pradrill.errors import NotReadyError, PradrillError, UnreachableError
from pradrill.reporting.language.i18n import speaking
from pradrill.reporting.run import mail_sink
from pradrill.reporting.run.outward import summary
from pradrill.testing import HOST, a_finding, a_run_plan, a_service, an_estate, estate_hosts
from pradrill.testing.fake_egress import LISTING, FakeEgress
from pradrill.testing.reasons import texts


def attempt(address: str = "203.0.113.7", count: int = 1, **changes: object) -> EgressAttempt:
    """Return an attempt to connect to a database."""
    words = {"standby": HOST, "protocol": "tcp", "address": address, "port": 5432, "uid": 33}
    return EgressAttempt.model_validate({**words, "count": count, "let_through": False, **changes})


def look(*attempts: EgressAttempt, listing: str = LISTING, **more: object) -> EgressLook:
    """Return a look at a table that is as it was loaded."""
    return EgressLook.model_validate(
        {"listing": listing, "attempts": attempts, "resolver": True, **more}
    )


def denying(**changes: object) -> RunPlan:
    """Return the builders' plan with a standby whose way out is denied."""
    plan = a_run_plan(**changes)
    standby = plan.drill.standby.model_copy(update={"egress": Egress()})
    deny, again = (
        PlannedStep(phase=phase, name=name, kind=kind, hosts=(HOST,), deadline="2m")
        for phase, name, kind in (
            (Phase.READINESS, "deny the way out", StepKind.EGRESS),
            (Phase.TEARDOWN, "open the way out again", StepKind.EGRESS_AGAIN),
        )
    )
    steps = list(plan.steps)
    steps.insert([each.kind for each in steps].index(StepKind.IDENTITY) + 1, deny)
    steps.insert([each.kind for each in steps].index(StepKind.RESIDUE), again)
    drill = plan.drill.model_copy(update={"standby": standby})
    return plan.model_copy(update={"drill": drill, "steps": tuple(steps)})


def sinking() -> RunPlan:
    """Return that plan with a sink for mail."""
    plan = denying()
    standby = plan.drill.standby.model_copy(update={"egress": Egress(mail_sink=True)})
    return plan.model_copy(update={"drill": plan.drill.model_copy(update={"standby": standby})})


def use(mails: int = 1, connections: int = 1, **changes: object) -> MailServerUse:
    """Return what came for a mail server."""
    return MailServerUse.model_validate(
        {
            "address": "198.18.0.2",
            "port": 25,
            "name": "smtp.exemple.fr",
            "connections": connections,
            "mails": mails,
            "recipients": mails,
            "domains": [{"domain": "client.example", "recipients": mails}] if mails else [],
            "first": "2026-11-30T09:00:00Z",
            "last": "2026-11-30T09:00:00Z",
            **changes,
        }
    )


def mailed(count: int = 1) -> EgressAttempt:
    """Return an attempt to connect to that server."""
    return attempt("198.18.0.2", port=25, name="smtp.exemple.fr", count=count)


def drilled(egress: FakeEgress, plan: RunPlan | None = None) -> RunRecord:
    """Return the record of a drill that denies its standby's way out so."""
    return Bench(plan=plan or denying(), egress=egress).run()


def guards(record: RunRecord) -> list[GuardOutcome]:
    """Return what the guard of the way out came to, one look after another."""
    return [each.outcome for each in record.guards if str(each.guard) == "egress"]


def test_it_is_denied_before_anything_and_opened_after_everything() -> None:
    """Loaded once the standby is proven, looked at like production, removed at the end."""
    egress = FakeEgress()
    record = drilled(egress)
    assert record.verdict is Verdict.PASSED
    assert egress.calls == ["deny", "look", "look", "look", "look", "remove"]
    assert guards(record) == [GuardOutcome.PROVEN] * 4
    assert record.egress[HOST].removed
    assert record.residue == ()


def test_what_was_counted_stays_when_the_table_goes() -> None:
    """A look that sees nothing any more takes nothing back, and the run is FAILED."""
    egress = FakeEgress(look(attempt(count=3)), look(listing=""))
    record = drilled(egress)
    assert record.verdict is Verdict.FAILED
    assert any("the way out of" in each for each in texts(record.reasons))
    assert [each.count for each in record.egress[HOST].attempts] == [3]
    assert "That is not all" in summary(record)


def test_a_table_that_is_gone_before_the_restore_restores_nothing() -> None:
    """Isolation is not proven then."""
    bench = Bench(plan=denying(), egress=FakeEgress(look(listing="")))
    assert bench.run().verdict is Verdict.INCONCLUSIVE
    assert "restore_moodle" not in bench.runner.plays


def test_a_standby_that_cannot_deny_is_not_ready() -> None:
    """Nothing runs there, and what may be there of the table is removed."""
    egress = FakeEgress(fails=NotReadyError("no nft", hint="Install it."))
    bench = Bench(plan=denying(), egress=egress)
    record = bench.run()
    assert record.refusal is Refusal.NOT_READY
    assert texts(record.reasons) == ("no nft. HINT: Install it.",)
    assert bench.untouched()
    assert egress.calls == ["deny", "remove"]
    assert record.egress == {}


@pytest.mark.parametrize(
    "left", [("table inet x",), PradrillError("nft is away"), UnreachableError("it is away")]
)
def test_what_is_not_proven_removed_is_residue(left: tuple[str, ...] | PradrillError) -> None:
    """It is said, and so is why."""
    record = drilled(FakeEgress(left=left))
    assert record.exit_code == 13
    assert len(record.residue) == 1
    assert not record.egress[HOST].removed


def test_a_look_that_fails_is_no_proof() -> None:
    """Nobody knows whether the table was there."""
    record = drilled(FakeEgress(look(), PradrillError("no answer"), look()))
    assert record.verdict is Verdict.INCONCLUSIVE
    assert GuardOutcome.UNPROVEN in guards(record)


def test_an_unexpected_destination_is_one_finding_whoever_tries_it() -> None:
    """Of what plan and drill name, none; a name that is only asked for counts, too."""
    need = Need(to="ldap.exemple.fr:389", why="people sign in")
    plan = denying(services={"moodle": a_service().model_copy(update={"needs": (need,)})})
    egress = FakeEgress(
        look(
            attempt(count=2),
            attempt(count=5, uid=0),
            attempt("198.18.0.1", port=389, name="ldap.exemple.fr"),
            attempt("192.0.2.40", port=22, let_through=True),
            attempt(
                "198.18.0.2", port=25, name="smtp.exemple.fr", user="www-data", programs=["httpd"]
            ),
            names=[AskedName(name="crl.exemple.com", count=4)],
        )
    )
    record = drilled(egress, plan)
    keys = {each.key: each.detail for each in findings_of(record)}
    drill = record.plan.drill.drill
    assert keys == {
        f"egress/{drill}/203.0.113.7:5432/tcp": f"{HOST}: tcp 203.0.113.7:5432 tried 7 times",
        f"egress/{drill}/smtp.exemple.fr:25/tcp": f"{HOST}: tcp smtp.exemple.fr:25 tried once "
        "by www-data, httpd?",
        f"egress/{drill}/crl.exemple.com": f"{HOST}: asked for by name 4 times",
    }
    again = a_finding(key=f"egress/{drill}/203.0.113.7:5432/tcp")
    assert unproved(again, record) == "203.0.113.7:5432/tcp was tried in it, too"
    assert unproved(again, drilled(FakeEgress())) is None
    assert unproved(again, Bench().run()) == "it did not look at what its service tries to reach"


def test_mail_that_was_taken_is_told_and_is_a_finding() -> None:
    """By the server it was for and by its domains; what the last look saw is what is told."""
    looks = (
        look(mail=MailSink()),
        look(mailed(), mail=MailSink(servers=(use(),))),
        look(mailed(3), mail=MailSink(servers=(use(2, 3, mailless=1, tls=1),))),
    )
    record = drilled(FakeEgress(*looks), sinking())
    assert record.verdict is Verdict.PASSED
    (finding,) = findings_of(record)
    drill = record.plan.drill.drill
    assert finding.key == f"egress/{drill}/smtp.exemple.fr:25/tcp"
    assert finding.detail == (
        f"{HOST}: tcp smtp.exemple.fr:25 tried 3 times; the mail sink took 2 mails, "
        "to client.example"
    )
    assert mail_sink.summary(record) == "The mail sink took 2 mails and threw them away."
    (row,) = mail_sink.rows(record)
    assert (row.mails, row.domains) == ("2", "client.example (2)")
    assert row.remarks == "3 connections, 1 without a mail, TLS asked for once"
    with speaking("fr"):
        assert mail_sink.summary(record).startswith("Le puits de courrier a intercepté 2 courriels")
        assert "sans courriel" in mail_sink.rows(record)[0].remarks


def test_mail_that_the_plan_needs_is_no_finding() -> None:
    """As of anything else that a service reaches elsewhere."""
    need = Need(to="smtp.exemple.fr:25", why="orders are confirmed")
    service = a_service().model_copy(update={"needs": (need,)})
    plan = sinking().model_copy(update={"services": {"moodle": service}})
    record = drilled(FakeEgress(look(mailed(), mail=MailSink(servers=(use(),)))), plan)
    assert findings_of(record) == ()


def test_that_no_mail_went_out_is_said_of_whole_evidence_alone() -> None:
    """Not where the sink had ended, was full, or was passed by, or the table was another."""
    none = "The mail sink was handed no mail."
    whole = look(mail=MailSink())
    assert mail_sink.summary(drilled(FakeEgress(whole), sinking())) == none
    assert mail_sink.summary(drilled(FakeEgress(look()))) == ""
    for gap in (
        (whole, look()),
        (whole, look(mail=MailSink(turned_away=1))),
        (whole, look(mail=MailSink(unkept=1))),
        (whole, look(mailed(), mail=MailSink())),
        (whole, look(listing="another", mail=MailSink())),
        (whole, look(listing="", mail=MailSink())),
        (whole, look(unkept=1, mail=MailSink())),
        (whole, PradrillError("no answer")),
    ):
        record = drilled(FakeEgress(*gap), sinking())
        assert mail_sink.summary(record).startswith("No mail is known to have come"), gap
        assert none not in mail_sink.summary(record)


def test_a_sink_that_has_ended_is_a_limit_and_takes_nothing_back() -> None:
    """What it had told before stays; from then on nothing is proven."""
    looks = (look(mailed(), mail=MailSink(servers=(use(),))), look(mailed(4)))
    record = drilled(FakeEgress(*looks), sinking())
    assert record.verdict is Verdict.PASSED
    mail = record.egress[HOST].mail
    assert mail is not None
    assert (mail.mails, mail.gap) == (1, True)
    assert any("it is not proven that the mail sink stood" in each for each in texts(record.limits))
    assert mail_sink.summary(record) == (
        "The mail sink took 1 mail and threw it away. It is not proven that it stood all the "
        "time: there may have been more. 3 connections to mail servers were refused before "
        "they came to the sink."
    )


def test_a_last_look_that_fails_leaves_mail_unproven() -> None:
    """The table is removed all the same."""
    looks = [look(mail=MailSink())] * 3
    record = drilled(FakeEgress(*looks, PradrillError("no answer")), sinking())
    assert record.egress[HOST].removed
    assert record.egress[HOST].mail == MailSink(gap=True)


def test_findings_are_bounded() -> None:
    """What is more than a person reads is one finding together."""
    attempts = [attempt(f"203.0.113.{n}") for n in range(1, 60)]
    findings = findings_of(drilled(FakeEgress(look(*attempts))))
    assert len(findings) == 21
    assert "39 more destinations" in findings[-1].title


def test_the_standbys_hosts_reach_each_other() -> None:
    """Of an estate none is cut off from what it depends on."""
    egress = FakeEgress()
    plan = an_estate()
    standby = plan.drill.standby.model_copy(update={"egress": Egress()})
    deny = PlannedStep(
        phase=Phase.READINESS,
        name="deny the way out",
        kind=StepKind.EGRESS,
        hosts=tuple(host.name for host in plan.hosts),
        deadline="2m",
    )
    steps = list(plan.steps)
    steps.insert([each.kind for each in steps].index(StepKind.IDENTITY) + 1, deny)
    drill = plan.drill.model_copy(update={"standby": standby})
    EstateBench(
        plan=plan.model_copy(update={"drill": drill, "steps": tuple(steps)}), egress=egress
    ).run()
    hosts = estate_hosts(list(plan.services))
    for host in hosts:
        others = {each.address for each in hosts if each != host}
        assert others <= set(egress.others[host.name])


class FakeCapture:
    """What a network outside of a host has seen, or why that cannot be read."""

    def __init__(self, look: EgressLook | PradrillError) -> None:
        self._look = look

    def attempts(self, host: Host) -> EgressLook:
        """Return it, or raise it."""
        del host
        if isinstance(self._look, PradrillError):
            raise self._look
        return self._look


def capturing() -> RunPlan:
    """Return the builders' plan with a network that is read before the standby goes."""
    plan = a_run_plan()
    steps = list(plan.steps)
    kind, phase = StepKind.CAPTURE, Phase.TEARDOWN
    step = PlannedStep(phase=phase, name="read it", kind=kind, hosts=(HOST,), deadline="2m")
    steps.insert([each.kind for each in steps].index(StepKind.STOP), step)
    return plan.model_copy(update={"steps": tuple(steps)})


def test_what_the_network_has_seen_is_a_hidden_dependency() -> None:
    """As what a table on the host has counted; it needs no table to be removed."""
    names = [AskedName(name="crl.exemple.com", count=4)]
    capture = FakeCapture(look(attempt(count=2), names=names, listing=""))
    record = Bench(plan=capturing(), capture=capture).run()
    assert record.verdict is Verdict.PASSED
    drill = record.plan.drill.drill
    assert {each.key for each in findings_of(record)} == {
        f"egress/{drill}/203.0.113.7:5432/tcp",
        f"egress/{drill}/crl.exemple.com",
    }
    assert "2 destinations were tried" in summary(record)


def test_a_network_that_was_not_written_down_to_its_end_is_a_limit() -> None:
    """What was seen is told, and that it may not be all."""
    capture = FakeCapture(look(attempt(), listing="", gap=True))
    record = Bench(plan=capturing(), capture=capture).run()
    assert record.verdict is Verdict.PASSED
    assert record.egress[HOST].gap
    assert any("was not written down" in each for each in texts(record.limits))
    assert "perhaps not all" in summary(record)


def test_a_network_that_cannot_be_read_is_no_residue() -> None:
    """Nor is it said that nothing was tried."""
    record = Bench(plan=capturing(), capture=FakeCapture(PradrillError("it is torn"))).run()
    assert record.exit_code == 0
    assert record.residue == ()
    assert record.egress == {}
    assert "Nothing was seen" not in summary(record)
