"""Translate sentences of records of format 1: frozen, none is added.

Those records keep what the engine gave as a reason in English, as it was composed, and nothing
beside it; since format 2 a reason has a code. Only here are the program's own sentences recognised
by their words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import cache

from pradrill.domain.run.outcome import CheckOutcome, GuardOutcome, Phase, StepOutcome
from pradrill.reporting.language.formats import respelt
from pradrill.reporting.language.i18n import N_, _
from pradrill.reporting.language.terms import step_name, word

FORMS = (
    # reasons of a verdict
    N_("1 mandatory check stayed green, both objectives are met with upper bounds"),
    N_("%(count)s mandatory checks stayed green, both objectives are met with upper bounds"),
    N_("%(phase)s step %(step)s failed"),
    N_("%(phase)s step %(step)s failed: %(because)s"),
    N_("%(phase)s step %(step)s was not done at its deadline"),
    N_("%(phase)s step %(step)s was not done at its deadline: %(because)s"),
    N_("%(phase)s step %(step)s: %(ended)s"),
    N_("%(phase)s step %(step)s: %(ended)s: %(because)s"),
    N_("check %(check)s failed on %(host)s: %(title)s"),
    N_("check %(check)s on %(host)s was %(answered)s: %(because)s"),
    N_("guard %(guard)s on %(host)s is %(seen)s: %(because)s"),
    N_("production was within reach of %(host)s once its data was restored: %(guard)s"),
    N_("guard %(guard)s was not looked at on %(host)s in %(phase)s"),
    N_("the run did not come to its end"),
    N_("no host took part"),
    N_("step %(step)s was not executed"),
    N_("it was not recovered: %(other)s, which it depends on, was not verified"),
    N_("no service was to be recovered"),
    N_("nothing was restored"),
    N_("no guard was proven on %(host)s"),
    N_("no mandatory check was carried out"),
    N_("no check was carried out on %(host)s"),
    N_("the service was not seen stable"),
    N_("the RPA cannot be trusted: %(because)s"),
    N_("the %(actual)s could not be measured"),
    N_("the %(actual)s is negative, or not within its bounds: instants contradict each other"),
    N_("the %(actual)s rests on an assumption, not on a measurement"),
    N_("the %(actual)s is %(length)s, at most %(bound)s; the objective is %(objective)s"),
    N_("the run's process ended without a word (killed, or the machine went down)"),
    N_("the run was interrupted by signal %(number)s"),
    # details of steps
    N_("the suite holds no check"),
    N_("the suite holds no mandatory check"),
    N_("%(count)s mandatory checks were skipped"),
    N_("it evaluated no assertion"),
    N_("it passes whatever the host answers"),
    N_("an assertion failed, and the check went on as if it had not"),
    N_("the file declares this check, and pytest did not collect it"),
    N_("the file declares %(count)s of this name, and only the last one is asked"),
    N_("%(count)s checks did not turn green within %(length)s"),
    N_("%(count)s checks gave no answer within %(length)s"),
    N_("the checks were not green long enough within %(length)s"),
    N_("interrupted"),
    N_("not run: never proven"),
    N_("%(who)s did not answer within %(length)s"),
    N_("interrupted while it waited for %(who)s"),
    N_("%(who)s answered yes"),
    N_("%(who)s answered no"),
    N_("%(who)s answered yes: %(text)s"),
    N_("%(who)s answered no: %(text)s"),
    N_("the planted value did not come back byte for byte"),
    # leases on the standby, and who did something
    N_("no other run holds this machine"),
    N_("taken over from %(holder)s, which had run out"),
    N_("taken over from %(holder)s, which has ended"),
    N_("taken over from %(holder)s, from before the machine was started anew"),
    N_("%(holder)s has taken its lease"),
    N_("its lease ran out unseen, and another run may have come and gone"),
    N_("the standby is not this run's any more: %(because)s"),
    N_("run %(name)s of %(controller)s (%(folder)s)"),
    N_("%(user)s, logged in as %(login)s"),
    N_("%(user)s, through sudo from %(login)s as sudo says"),
    # where a playbook acted, and what was read
    N_("not run: %(files)s changed after the run began"),
    N_("%(files)s changed while the playbook ran"),
    N_("%(files)s changed while the checks ran"),
    N_("not run: %(host)s was never identified"),
    N_("a task was of %(host)s, which is none of the drill's hosts"),
    N_("a task was delegated to %(host)s, which is none of the drill's hosts"),
    N_("Ansible does not reach the machine that was identified as %(host)s"),
    N_("which machine %(host)s is could not be read before the playbook"),
    N_("which machine %(host)s is could not be read after the playbook"),
    N_("%(host)s is not the machine that the run had identified"),
    # what readings of the recovery point contradict, and do not prove
    N_("readings of the recovery point contradict each other: %(because)s"),
    N_("%(reading)s is %(length)s in the future: a clock or the time zone is wrong"),
    N_(
        "%(reading)s was written %(length)s after the disruption: not by the primary, or with a "
        "wrong clock or time zone"
    ),
    N_("%(reading)s is %(length)s newer than the end of the backup that it came from"),
    N_(
        "the catalogue dates the backup %(length)s before %(reading)s, which came from it; its end "
        "is not known, and %(bound)s is allowed"
    ),
    N_("%(reading)s is %(length)s newer than the last transaction that was replayed"),
    N_(
        "the heartbeats %(reading)s and %(other)s are %(length)s apart: the parts of the backup "
        "are not of the same moment"
    ),
    N_(
        "%(reading)s is %(length)s behind %(other)s, and the service is never quiet for more than "
        "%(bound)s"
    ),
    N_(
        "%(reading)s is %(length)s newer than %(other)s: the heartbeat had stopped, or does not "
        "come from the same backup"
    ),
    N_(
        "the catalogue dates the backup %(length)s after the disruption, when there was nothing "
        "left to back up"
    ),
    N_(
        "no heartbeat was read: the RPA is an upper bound, because a service that wrote nothing "
        "before the disruption looks the same as one whose last rows were lost"
    ),
    N_(
        "the service was quiet: %(reading)s was %(length)s old at the disruption; %(other)s proves "
        "that what was written later would have come back, not that no row is missing"
    ),
    # why a backup was chosen
    N_("latest"),
    N_("latest tagged %(tag)s"),
    N_("latest before %(instant)s"),
    N_("latest tagged %(tag)s before %(instant)s"),
    N_("id %(name)s"),
    N_("it is the one named"),
    N_("the newest of %(count)s that match"),
    N_("the newest of %(count)s that match; %(number)s usable ones do not match the rule"),
    N_("every %(length)s, %(bound)s of grace"),
    # limits of what was proved
    N_("the checks prove what they check and nothing else; read their titles"),
    N_("production was not switched over: name resolution, routing and users were not moved"),
    N_("the drill followed the disruption at once: detection and decision took no time"),
    N_("T0 is the launch of the drill: detection and decision took no time"),
    N_("the standby is a lab machine, not the one that a disaster would use"),
    N_("the primary's clock was not compared with the controller's"),
    N_("%(other)s, on which %(needing)s depends, is not in the drill: it was assumed available"),
    N_(
        "nothing told the standby apart from the primary of %(service)s: the plan says primary: "
        "none"
    ),
    # guards, before the run and as they were seen
    N_("the host carries dr_role: standby in the inventory"),
    N_("the host key is the pinned one, and not a primary's"),
    N_("the machine-id and the addresses are not a primary's"),
    N_("the machine carries the marker file %(path)s with its own machine-id"),
    N_("nothing in must_not_reach can be reached from inside the standby"),
    N_("still so once the services run, and before the teardown"),
    N_("the inventory says dr_role: %(role)s"),
    N_("the key that it showed cannot be read"),
    N_("pinned: %(key)s"),
    N_("shares its %(what)s with the primary"),
    N_("differs"),
    N_("differs; not compared: %(what)s"),
    N_("nothing to compare with: the plan says primary: none"),
    N_(
        "nothing to compare with: give the primary's addresses, host_keys or machine_ids in the "
        "plan, or write primary: none"
    ),
    N_("the run did not note whom it spoke to"),
    N_("the key is that of the killed run"),
    N_("its key is another than before"),
    N_("the host has no machine-id"),
    N_("%(path)s is missing: place it once with playbooks/mark_standby.yml"),
    N_("carries this machine's id"),
    N_("names another machine: it was copied here"),
    N_("%(path)s is a link: a marker is a file of this machine's own"),
    N_("%(path)s is not what belongs there: a file, in folders"),
    N_("%(path)s does not belong to root"),
    N_("%(path)s can be written by others than root"),
    N_("%(path)s is the same file as another one: a marker is a file of its own"),
    N_("%(path)s cannot be read"),
    N_("production answers: open"),
    N_("closed: refused"),
    N_("closed: no answer in %(length)s"),
    N_("closed: name does not resolve"),
    N_("the name does not resolve there, as a misspelt one: give the address"),
    N_("unknown: not tried"),
    # what a run destroys, and what it left behind
    N_("the lab machine %(name)s as the run changed it (a throw-away overlay)"),
    N_("what the restore playbooks replace on %(host)s: data and configuration of %(services)s"),
    N_("%(path)s on %(host)s"),
    N_("%(host)s: %(left)s"),
    N_("listens on %(what)s"),
    N_("service %(name)s is active"),
    N_("%(path)s is mounted"),
    N_("%(path)s still exists"),
    N_("not verified, its state before is not known"),
    N_("not torn down: never proven"),
    N_("the standby was not torn down: %(because)s"),
    # a reason that is of some of the drill's services
    N_("%(whose)s: %(because)s"),
)

_ONE_OF: Mapping[str, str] = {
    "phase": "|".join(Phase),
    "ended": "|".join(outcome.replace("_", " ") for outcome in StepOutcome),
    "answered": "|".join(CheckOutcome),
    "seen": "|".join(GuardOutcome),
    "actual": "RTA|RPA",
    "count": "[0-9]+",
    "number": "[0-9]+",
    "length": r"[0-9][0-9.a-z ]*",
    "bound": r"[0-9][0-9.a-z]*",
    "objective": r"[0-9][0-9.a-z]*",
    "left": "listens on .*|service .* is active|.* is mounted|.* still exists|not verified, its .*"
    "|not torn down: .*",
    "path": "/.*",
    "holder": r"run \S+ of .*",
    "folder": "[^()]*",
    "user": r"uid [0-9]+|\S+",
    "login": r"uid [0-9]+|\S+",
    "instant": "[0-9][0-9: -]+ UTC",
    "whose": r"[\w.-]+(?:, [\w.-]+)*",
}
_KINDS: Mapping[str, type[StrEnum]] = {
    "phase": Phase,
    "ended": StepOutcome,
    "answered": CheckOutcome,
    "seen": GuardOutcome,
}
_LONGEST = 4_000  # what is longer was not composed by the engine alone


def spoken(sentence: str) -> str | None:
    """Say a sentence of an old record in the report's language; None when it is not one of ours."""
    recognised = _recognised(sentence)
    if recognised is None:
        return None
    form, parts = recognised
    return _(form, **{name: _part(name, text) for name, text in parts.items()})


def _recognised(sentence: str) -> tuple[str, dict[str, str]] | None:
    if len(sentence) > _LONGEST:
        return None

    for form, pattern in _patterns():
        match = pattern.fullmatch(sentence)
        if match is None or ("whose" in match.groupdict() and spoken(match["because"]) is None):
            continue
        return form, match.groupdict()

    return None


def _part(name: str, text: str) -> str:
    if name in _KINDS:
        kind = _KINDS[name]
        return word(kind(text.replace(" ", "_") if kind is StepOutcome else text))
    if name in {"length", "bound", "objective"}:
        return respelt(text)
    if name in {"because", "left", "holder", "who"}:
        return spoken(text) or text
    return step_name(text) if name == "step" else text


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((form, re.compile("".join(_regex(form)), re.DOTALL)) for form in FORMS)


def _regex(form: str) -> Iterator[str]:
    """Yield the pieces of a pattern that recognises what was composed after the form."""
    for number, piece in enumerate(re.split(r"%\((\w+)\)s", form)):
        yield f"(?P<{piece}>{_ONE_OF.get(piece, '.+?')})" if number % 2 else re.escape(piece)
