"""Reports in French: every word has its translation, and figures are written as the French do."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.sources import package

import pradrill
from pradrill.domain.declared import drill
from pradrill.domain.declared import manual_step as manual
from pradrill.domain.declared.plan import Plan, PrimaryIdentity
from pradrill.domain.register import finding as people
from pradrill.domain.report.case_file import CaseFile
from pradrill.domain.run import backup_integrity as integrity
from pradrill.domain.run import outcome, record
from pradrill.domain.run.facts import Facts
from pradrill.domain.run.guard import Reach, Reached
from pradrill.domain.run.host import MARKER, Host, HostFacts, HostState
from pradrill.domain.run.limits import limits
from pradrill.domain.run.outcome import CheckOutcome, GuardOutcome, Phase, StepKind, StepOutcome
from pradrill.domain.run.verdict import Evidence, Verdict, judge
from pradrill.domain.values import timeline
from pradrill.domain.values.reason import ReasonOrText, reason
from pradrill.domain.values.reason_code import Code
from pradrill.domain.values.timeline import Elapsed, Mark, Provenance, Skew
from pradrill.engine import planning
from pradrill.engine.guards import identity_guards, isolation_guards
from pradrill.engine.planning import plan_run
from pradrill.reporting.language import formats as wording
from pradrill.reporting.language import reasons
from pradrill.reporting.language import terms as vocabulary
from pradrill.reporting.language.i18n import LANGUAGES, LOCALE, _, ngettext, pgettext, speaking
from pradrill.reporting.run.html import Letterhead, render_html
from pradrill.testing import (
    START,
    a_check,
    a_drill,
    a_guard,
    a_record,
    a_run_plan,
    a_service,
    a_start,
    a_step,
    measured,
)
from pradrill.testing.reasons import texts

PACKAGE = Path(pradrill.__file__).parent
REPOSITORY = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def extracted(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """Return every message that code and templates hold, found as pyproject.toml says."""
    pot = tmp_path_factory.mktemp("words") / "report.pot"
    tool = str(Path(sys.executable).with_name("pybabel"))
    options = ["-q", "extract", "-F", str(REPOSITORY / "pyproject.toml"), "-o", str(pot)]
    subprocess.run([tool, *options, str(PACKAGE)], check=True)
    with pot.open("rb") as file:
        return read_po(file)


def french() -> Catalog:
    """Return the committed catalogue."""
    with (LOCALE / "fr.po").open("rb") as file:
        return read_po(file, locale="fr")


def worded(message: Message) -> list[str]:
    """Return a message's translation, or both of a plural's."""
    string = message.string or ""
    return [string] if isinstance(string, str) else list(string)


def test_every_message_is_translated(extracted: Catalog) -> None:
    """Each message of code and templates is in the French catalogue, whole and not fuzzy."""
    catalogue, wrong = french(), []
    for message in extracted:
        if not message.id:
            continue
        single = message.id if isinstance(message.id, str) else message.id[0]
        translation = catalogue.get(single, message.context)
        strings = [] if translation is None else worded(translation)
        if translation is None or translation.fuzzy or not strings or not all(strings):
            wrong.append((message.context, message.id))
    assert wrong == []


def test_no_message_stands_inside_an_f_string() -> None:
    """What collects the messages does not look there, so that nobody would miss a translation."""
    hidden = [
        f"{path}:{call.lineno}"
        for path, module in package().items()
        for text in ast.walk(module)
        if isinstance(text, ast.JoinedStr)
        for call in ast.walk(text)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in {"_", "N_", "ngettext", "pgettext"}
        and any(isinstance(each, ast.Constant) for each in call.args)
    ]
    assert hidden == []


def test_no_translation_is_left_over(extracted: Catalog) -> None:
    """The catalogue holds no message that nothing says any more."""
    ids = {(m.context, m.id if isinstance(m.id, str) else m.id[0]) for m in extracted}
    ids_in_french = {(m.context, m.id if isinstance(m.id, str) else m.id[0]) for m in french()}
    assert ids_in_french - ids == set()


def test_placeholders_survive_translation() -> None:
    """A translation names the same values as the message, so that none is lost or missing."""
    for message in french():
        ids = [message.id] if isinstance(message.id, str) else list(message.id)
        strings = worded(message)
        if not ids[0]:
            continue
        expected = set(re.findall(r"%\(\w+\)s", ids[-1]))
        for string in strings:
            placeholders = set(re.findall(r"%\(\w+\)s", string))
            assert placeholders <= expected | {"%(n)s"}, message.id
            assert expected - {"%(n)s"} <= placeholders, message.id
            filled = bool(re.search(r"%\(\w+\)s", ids[-1]))  # else a sign is a sign
            assert not filled or not string.replace("%(", "").replace("%%", "").count("%")


STRUCK = (
    r"(est|sont|non) atteint",
    r"manqué$",
    r"\béchu\b",
    "arrêt brutal",
    "périmée",
    r"\b(le|un|du|au) secours",
    r"\b[Gg]ardes? ",
    "Lequel",
    "pour cent",
    "KiB",
    r"\((s|e|es)\)",
    "toutes les 1 ",
    "plus courte qu",
)
"""Words that a French reader struck out of the pages, as expressions."""


def test_words_that_french_readers_struck_do_not_return() -> None:
    """No translation says again what a review by French readers replaced."""
    texts_of_all = [string for message in french() if message.id for string in worded(message)]
    assert [text for text in texts_of_all for word in STRUCK if re.search(word, text)] == []


AWKWARD = ("", "100 %", "%(x)s %s %d", "{y}", "a\nb", 0, 1_200, None, "\u202e")
"""What may stand in the place of a value: signs of each way to fill a text in, and nothing."""


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_is_said_with_every_value(language: str) -> None:
    """No message of any kind breaks, whatever its values, and each value stands in it as it is."""
    with speaking(language):
        for message in french():
            ids = [message.id] if isinstance(message.id, str) else list(message.id)
            names = sorted(set(re.findall(r"%\((\w+)\)s", " ".join(ids))))
            if not ids[0]:
                continue
            for value in AWKWARD:
                values: dict[str, object] = dict.fromkeys(names, value)
                for text in sayings(message.context, ids, values):
                    assert text or not value
                    assert "%(" not in text.replace("%(x)s", "")
                    if len(ids) == 1:
                        assert text.count(str(value)) >= len(names)


def sayings(context: str | None, ids: list[str], values: dict[str, object]) -> list[str]:
    """Say a message as its kind is said; one with a plural of none, one and many."""
    if len(ids) > 1:
        values = {name: value for name, value in values.items() if name != "n"}
        return [ngettext(ids[0], ids[1], count, **values) for count in (0, 1, 2_000)]
    if context is not None:
        return [pgettext(context, ids[0], **values)]
    return [_(ids[0], **values)]


def shown_enums() -> Iterator[type[StrEnum]]:
    """Return the enumerations of the domain whose values a report says."""
    for module in (drill, integrity, manual, outcome, people, record, timeline):
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, StrEnum) and value is not StrEnum:
                yield value


NOT_SAID = {"Confirm", "GuardKind"}


@pytest.mark.parametrize(
    "kind", sorted(set(shown_enums()), key=str), ids=lambda kind: kind.__name__
)
def test_every_value_of_the_domain_has_a_word(kind: type[StrEnum]) -> None:
    """Each value of each enumeration has a word of its own in both languages."""
    if kind.__name__ in NOT_SAID:
        pytest.skip("not shown as a word")
    words = vocabulary._WORDS[kind]
    assert set(words()) == set(kind)


def test_verdicts_are_those_of_the_design() -> None:
    """The French verdicts and figures are the words that the design fixes."""
    with speaking("fr"):
        verdicts = [vocabulary.word(verdict) for verdict in Verdict]
    assert verdicts == ["RÉUSSI", "OBJECTIF NON TENU", "ÉCHEC", "NON CONCLUANT"]
    html = render_html(CaseFile(record=a_record()), Letterhead(language="fr"))
    for words in ("RTO (DMIA)", "RPO (PDMA)", "Durée constatée (RTA)", "Perte constatée (RPA)"):
        assert words in html


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0,4 s"),
        (2_530, "42 min 10 s"),
        (14_700, "4 h 05"),
        (86_400, "24 h 00"),
        (273_600, "3 j 04 h"),
        (-90_000, "\u221225 h 00"),
        (1e300, "1e+300 s"),
    ],
)
def test_french_durations(seconds: float, text: str) -> None:
    """Durations are written with French units, a decimal comma, and spaces that do not break."""
    with speaking("fr"):
        assert wording.short(seconds) == text.replace(" ", "\u00a0")


def test_french_bounds_and_numbers() -> None:
    """Exact bounds, large numbers and plurals follow French use."""
    with speaking("fr"):
        assert wording.tenth(11_097.5, up=True) == "3 h 04 min 57,5 s".replace(" ", "\u00a0")
        assert wording.exact(5_400.0) == "1\u00a0h\u00a030"
        assert "10\u202f000\u202f000 caractères" in wording.clean("x" * 10_000_000)
        assert ngettext("%(n)s check", "%(n)s checks", 0) == "0 contrôle"
        assert ngettext("%(n)s check", "%(n)s checks", 1_200) == "1\u202f200 contrôles"


def test_language_ends_with_its_report() -> None:
    """What is said after a French report is English again, even when the report failed."""
    with pytest.raises(KeyError), speaking("fr"):
        raise KeyError(_("Checks"))
    assert _("Checks") == "Checks"


def test_french_page_has_no_english_of_ours() -> None:
    """No heading, label or sentence of the English page is left in the French one."""
    case = CaseFile(record=a_record(limits=(), reasons=("no host took part",)))
    pages = {
        code: re.sub(
            r"<style>.*?</style>", "", render_html(case, Letterhead(language=code)), flags=re.DOTALL
        )
        for code in LANGUAGES
    }
    texts = {
        code: {part.strip() for part in re.findall(r">([^<>]+)<", page) if part.strip()}
        for code, page in pages.items()
    }
    phrases = {
        part for part in texts["en"] & texts["fr"] if re.fullmatch(r"[A-Z][a-z]+( [a-z]+)*", part)
    }
    assert phrases <= {
        "Clause",
        "Date",
        "Organisation",
        "Plan",
        "Service",
        "Signature",
        "Sites",
    } | {
        "Versions",
        "Verdict",
    }
    assert 'lang="fr"' in pages["fr"]


# ------------------------------------------------------------------ sentences of the engine


def unsaid(recorded: Iterable[ReasonOrText]) -> list[ReasonOrText]:
    """Return the sentences for which French has no words."""
    with speaking("fr"):
        return [text for text in recorded if not reasons.is_translated(text)]


PLAIN = st.text("abc é-_:.", min_size=1, max_size=12).filter(lambda text: text.strip() == text)
BOUNDS = st.floats(-10, 1e6)
PROVENANCES = st.sampled_from(Provenance)
FIGURES = st.none() | st.builds(
    Elapsed, seconds=BOUNDS, low=BOUNDS, high=BOUNDS, provenance=PROVENANCES
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    evidence=st.builds(
        Evidence,
        completed=st.booleans(),
        brought_data=st.booleans(),
        hosts=st.lists(PLAIN, max_size=2).map(tuple),
        steps=st.lists(
            st.builds(
                a_step,
                phase=st.sampled_from(Phase),
                name=PLAIN,
                kind=st.sampled_from(StepKind),
                outcome=st.sampled_from(StepOutcome),
                detail=st.just("") | PLAIN,
            ),
            max_size=3,
        ).map(tuple),
        not_executed=st.lists(PLAIN, max_size=2).map(tuple),
        held_by=st.lists(PLAIN, max_size=2).map(tuple),
        unlooked=st.just(()),
        guards=st.lists(
            st.builds(a_guard, host=PLAIN, outcome=st.sampled_from(GuardOutcome), detail=PLAIN),
            max_size=2,
        ).map(tuple),
        checks=st.lists(
            st.builds(
                a_check,
                host=PLAIN,
                title=PLAIN,
                detail=PLAIN,
                mandatory=st.booleans(),
                outcome=st.sampled_from(CheckOutcome),
            ),
            max_size=3,
        ).map(tuple),
        stable=st.booleans(),
        rto=st.timedeltas(min_value=timedelta(seconds=1)),
        rpo=st.timedeltas(min_value=timedelta(seconds=1)),
        rta=FIGURES,
        rpa=FIGURES,
        contradictions=st.just(()),
    )
)
def test_every_reason_of_a_verdict_has_french_words(evidence: Evidence) -> None:
    """Whatever the evidence, no reason of a verdict stays English but for what others wrote."""
    assert unsaid(judge(evidence).reasons) == []


def test_every_limit_and_guard_has_french_words() -> None:
    """Limits, guards, what is destroyed, and what is left behind are said in French."""
    lab = a_drill(standby={"vm": "standby"}, teardown=())
    both = []
    for declared in (a_drill(), lab):
        plan = a_run_plan(drill=declared)
        for marks in ({}, {Mark.DISRUPTION: measured(-5), Mark.DECLARED: measured(0)}):
            facts = Facts(started=a_start(plan=plan), began=START, marks=marks)
            both += [*limits(facts)]
        services = {"moodle": a_service(provider=None)}
        resolved = plan_run(
            declared,
            drill_file=Path("/d.yml"),
            plan=Plan(plan=1, organisation="x", services=services),
            hosts=[Host(name="a", address="192.0.2.1")],
            primaries={"moodle": a_service().primary},
            files=[],
        )
        both += [*resolved.guards, *resolved.destroys]
    there = Host(name="h", address="192.0.2.1", dr_role="standby")
    skew = Skew(seconds=0, within=0)
    for marker, machine in ((None, "m"), ("m", "m"), ("x", "m"), (None, "")):
        host_facts_now = HostFacts(
            host="h",
            host_key="ssh-ed25519 A",
            machine_id=machine,
            marker=marker,
            addresses=(),
            skew=skew,
        )
        same = PrimaryIdentity(addresses=("192.0.2.1",), machine_ids=("m",))
        guards = identity_guards(there, host_facts_now, {"a": same, "b": PrimaryIdentity()})
        answers = {
            "a:1": Reached(reach=Reach.OPEN, detail=reason(Code.PRODUCTION_ANSWERS)),
            "b:1": Reached(reach=Reach.CLOSED, detail=reason(Code.CLOSED_SILENT, seconds=3)),
        }
        guards += isolation_guards(host_facts_now, [*answers, "d:1"], answers)
        both += [guard.detail for guard in guards]
    state = HostState(listening=("a:1",), services=("b",), mounts=("/c",), present=("/d",))
    left = [*state.left_by(HostState()), *state.paths_left()]
    both += [*left, *(reason(Code.ON_HOST, host="h", left=what) for what in left)]
    assert len(both) > 40
    assert MARKER in "".join(texts(both))
    assert unsaid(both) == []


def test_engine_steps_have_french_names() -> None:
    """The names of the steps that the engine adds are said in French, those of the drill kept."""
    source = (Path(planning.__file__)).read_text(encoding="utf-8")
    ours = re.findall(r'(?:, |name(?:, deadline)? = )"([a-z][a-z\' ]+ [a-z\' ]+)"', source)
    assert set(ours) >= {step.name for step in a_run_plan().steps if " " in step.name}
    with speaking("fr"):
        assert not [name for name in ours if vocabulary.step_name(name) == name]
        assert vocabulary.step_name("restore_moodle") == "restore_moodle"


def test_words_of_others_are_quoted_in_their_language() -> None:
    """A sentence for which there are no words is shown as it is, and marked as English."""
    case = CaseFile(record=a_record(limits=("the moon was full", "nothing was restored")))
    html = render_html(case, Letterhead(language="fr"))
    assert '<span lang="en">the moon was full</span>' in html
    assert "rien n\u2019a été restauré" in html
    assert "nothing was restored" not in html
