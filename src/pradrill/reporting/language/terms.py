"""Translate the words of the domain into the language being spoken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum

from pradrill.domain.declared.drill import Kind, Role
from pradrill.domain.declared.plan import Part
from pradrill.domain.declared.responsibility import Topic
from pradrill.domain.dossier.status import Standing
from pradrill.domain.register.annotation import AnnotationKind
from pradrill.domain.report.flows import FlowUse
from pradrill.domain.report.line_evidence import Proof
from pradrill.domain.run.backup_integrity import Soundness
from pradrill.domain.run.outcome import CheckOutcome, GuardOutcome, Phase, StepKind, StepOutcome
from pradrill.domain.run.question import CallStage, SlaStanding
from pradrill.domain.run.record import Refusal, RunState
from pradrill.domain.run.run_plan import NotRun
from pradrill.domain.run.standby_inventory import InventoryKind
from pradrill.domain.run.verdict import Verdict
from pradrill.domain.values.severity import Severity
from pradrill.domain.values.timeline import Mark, Provenance
from pradrill.reporting.language.i18n import N_, _, pgettext

STEPS = (
    N_("check the preconditions"),
    N_("start the standby"),
    N_("prove the standby's identity"),
    N_("prove marker and isolation"),
    N_("check the service"),
    N_("read the recovery point"),
    N_("compare the canary"),
    N_("read the backup catalogue"),
    N_("check the backups' integrity"),
    N_("look for residue"),
    N_("release the standby"),
    N_("provision the standby"),
    N_("destroy the machines"),
    N_("revert the machines"),
    N_("prove isolation again"),
    N_("prove isolation before the teardown"),
    N_("deny the way out"),
    N_("open the way out again"),
    N_("read what the network has seen"),
    N_("watch which files are opened"),
    N_("read which files were opened"),
)
"""Names of the steps that the engine adds to those of the drill."""


def word(value: StrEnum) -> str:
    """Say a value of the domain; one that has no word of its own is shown as it is written."""
    words = _WORDS.get(type(value))
    plain = value.value.replace("_", " ")
    return plain if words is None else words().get(value.value, plain)


def ending_word(name: str) -> str:
    """Say how an attempt ended, by its name in the register; what others wrote stays as it is."""
    endings = {each.value: each for each in (*Verdict, *Refusal)}
    states = {each.value.lower(): each for each in RunState}
    value = endings.get(name) or states.get(name)
    return name if value is None else word(value)


def step_name(name: str) -> str:
    """Say the name of a step: the engine's own are translated, the drill's are not."""
    return _(name) if name in STEPS else name


def phase_name(name: str) -> str:
    """Say the name of a phase; what is none is shown as it is written."""
    return word(Phase(name)) if name in set(Phase) else name


def responsibility(line: str) -> str:
    """Say a line of the plan's responsibilities: topics are translated, others are not."""
    topic = Topic.of(line)
    return line if topic is None else word(topic)


def party(who: str) -> str:
    """Say who answers for it: the provider by its role, anybody else as the plan has them."""
    return pgettext("responsibility", "provider") if who.casefold() == "provider" else who


def _verdicts() -> Mapping[str, str]:
    return {
        Verdict.PASSED: _("PASSED"),
        Verdict.MISSED: _("MISSED"),
        Verdict.FAILED: _("FAILED"),
        Verdict.INCONCLUSIVE: _("INCONCLUSIVE"),
    }


def _states() -> Mapping[str, str]:
    return {
        RunState.PENDING: pgettext("run", "pending"),
        RunState.RUNNING: pgettext("run", "running"),
        RunState.FINISHED: pgettext("run", "finished"),
        RunState.INTERRUPTED: pgettext("run", "interrupted"),
        RunState.CRASHED: pgettext("run", "crashed"),
    }


def _refusals() -> Mapping[str, str]:
    return {Refusal.NOT_READY: _("not ready"), Refusal.BUSY: _("busy")}


def _kinds() -> Mapping[str, str]:
    return {Kind.TEST: _("technical test"), Kind.EXERCISE: _("exercise with people")}


def _inventory_kinds() -> Mapping[str, str]:
    return {
        InventoryKind.USER: pgettext("left behind", "user"),
        InventoryKind.GROUP: pgettext("left behind", "group"),
        InventoryKind.KEY: pgettext("left behind", "file of keys or rights"),
        InventoryKind.PACKAGE: pgettext("left behind", "package"),
        InventoryKind.CRON: pgettext("left behind", "cron file"),
        InventoryKind.TIMER: pgettext("left behind", "timer"),
        InventoryKind.UNIT: pgettext("left behind", "unit"),
        InventoryKind.USER_UNIT: pgettext("left behind", "unit of users"),
        InventoryKind.SETTING: pgettext("left behind", "setting"),
        InventoryKind.ROUTE: pgettext("left behind", "route"),
        InventoryKind.SYSCTL: pgettext("left behind", "sysctl"),
        InventoryKind.ADDRESS: pgettext("left behind", "address"),
        InventoryKind.ROUTING: pgettext("left behind", "routing"),
        InventoryKind.MOUNT: pgettext("left behind", "mount"),
        InventoryKind.SOCKET: pgettext("left behind", "socket"),
        InventoryKind.DATABASE: pgettext("left behind", "database"),
        InventoryKind.ACCOUNT: pgettext("left behind", "database account"),
        InventoryKind.FIREWALL: pgettext("left behind", "firewall"),
        InventoryKind.FILE: pgettext("left behind", "file"),
        InventoryKind.SYSTEM: pgettext("left behind", "file of the system"),
        InventoryKind.DEVICE: pgettext("left behind", "device"),
        InventoryKind.CONTAINER: pgettext("left behind", "container or volume"),
        InventoryKind.MAIL: pgettext("left behind", "waiting mail"),
        InventoryKind.OPEN_FILE: pgettext("left behind", "open file"),
    }


def _phases() -> Mapping[str, str]:
    return {
        Phase.READINESS: pgettext("phase", "readiness"),
        Phase.PREPARE: pgettext("phase", "prepare"),
        Phase.RESTORE: pgettext("phase", "restore"),
        Phase.VERIFY: pgettext("phase", "verify"),
        Phase.TEARDOWN: pgettext("phase", "teardown"),
    }


def _step_kinds() -> Mapping[str, str]:
    return {
        StepKind.PRECONDITIONS: pgettext("step kind", "preconditions"),
        StepKind.PROVISION: pgettext("step kind", "making of the machines"),
        StepKind.START: pgettext("step kind", "start"),
        StepKind.IDENTITY: pgettext("step kind", "identity"),
        StepKind.PLAYBOOK: pgettext("step kind", "playbook"),
        StepKind.EGRESS: pgettext("step kind", "denial of the way out"),
        StepKind.EGRESS_AGAIN: pgettext("step kind", "end of the denial"),
        StepKind.CAPTURE: pgettext("step kind", "what the network has seen"),
        StepKind.FILES: pgettext("step kind", "watch of the files"),
        StepKind.FILES_AGAIN: pgettext("step kind", "end of the watch"),
        StepKind.ISOLATION: pgettext("step kind", "isolation"),
        StepKind.ISOLATION_AGAIN: pgettext("step kind", "isolation again"),
        StepKind.CHECKS: pgettext("step kind", "checks"),
        StepKind.NEWEST_DATA: pgettext("step kind", "newest data"),
        StepKind.RESIDUE: pgettext("step kind", "residue"),
        StepKind.STOP: pgettext("step kind", "stop"),
        StepKind.DESTROY: pgettext("step kind", "end of the machines"),
        StepKind.CATALOGUE: pgettext("step kind", "choice of the backup"),
        StepKind.MANUAL: pgettext("step kind", "by people"),
        StepKind.INTEGRITY: pgettext("step kind", "check of the backups"),
        StepKind.CANARY: pgettext("step kind", "planted value"),
    }


def _step_outcomes() -> Mapping[str, str]:
    return {
        StepOutcome.PASSED: pgettext("step", "passed"),
        StepOutcome.FAILED: pgettext("step", "failed"),
        StepOutcome.UNREACHABLE: pgettext("step", "unreachable"),
        StepOutcome.TIMED_OUT: pgettext("step", "timed out"),
        StepOutcome.CANCELLED: pgettext("step", "cancelled"),
        StepOutcome.UNKNOWN: pgettext("step", "unknown"),
    }


def _check_outcomes() -> Mapping[str, str]:
    return {
        CheckOutcome.PASSED: pgettext("check", "passed"),
        CheckOutcome.FAILED: pgettext("check", "failed"),
        CheckOutcome.ERRORED: pgettext("check", "errored"),
        CheckOutcome.SKIPPED: pgettext("check", "skipped"),
    }


def _not_run() -> Mapping[str, str]:
    return {
        NotRun.NEVER_PROVEN: pgettext("not run", "never proven"),
        NotRun.NOTHING_BEGUN: pgettext("not run", "nothing to put back"),
    }


def _guard_outcomes() -> Mapping[str, str]:
    return {
        GuardOutcome.PROVEN: pgettext("guard", "proven"),
        GuardOutcome.REFUSED: pgettext("guard", "refused"),
        GuardOutcome.UNPROVEN: pgettext("guard", "unproven"),
        GuardOutcome.WAIVED: pgettext("guard", "waived"),
    }


def _provenances() -> Mapping[str, str]:
    return {
        Provenance.MEASURED: pgettext("figure", "measured"),
        Provenance.ENTERED: pgettext("figure", "entered"),
        Provenance.ASSUMED: pgettext("figure", "assumed"),
    }


def _marks() -> Mapping[str, str]:
    return {
        Mark.DISRUPTION: _("disruption"),
        Mark.DETECTED: _("detected"),
        Mark.DECLARED: _("recovery declared"),
        Mark.RECOVERY_STARTS: _("recovery starts"),
        Mark.DATA_RESTORED: _("data restored"),
        Mark.SERVICE_VERIFIED: _("service verified"),
        Mark.ACCEPTED: _("accepted by the owner"),
    }


def _severities() -> Mapping[str, str]:
    return {
        Severity.MINOR: pgettext("finding", "minor"),
        Severity.MAJOR: pgettext("finding", "major"),
        Severity.CRITICAL: pgettext("finding", "critical"),
    }


def _roles() -> Mapping[str, str]:
    return {
        Role.BUSINESS: pgettext("reading", "business data"),
        Role.HEARTBEAT: pgettext("reading", "heartbeat"),
        Role.REPLAY: pgettext("reading", "log replay"),
    }


def _flow_uses() -> Mapping[str, str]:
    return {
        FlowUse.USED: pgettext("flow", "tried"),
        FlowUse.UNUSED: pgettext("flow", "never tried"),
        FlowUse.UNWATCHED: pgettext("flow", "not watched"),
        FlowUse.UNSEEN: pgettext("flow", "not seen from the standby"),
    }


def _proofs() -> Mapping[str, str]:
    return {
        Proof.SHOWN: pgettext("responsibility", "shown"),
        Proof.FAILED: pgettext("responsibility", "failed"),
        Proof.NOT_EXERCISED: pgettext("responsibility", "not exercised"),
        Proof.UNKNOWN: pgettext("responsibility", "not known"),
    }


def _topics() -> Mapping[str, str]:
    return {
        Topic.POWER_AND_NETWORK: pgettext("topic", "power and network"),
        Topic.MACHINES: pgettext("topic", "machines"),
        Topic.SYSTEMS: pgettext("topic", "systems"),
        Topic.APPLICATIONS: pgettext("topic", "applications"),
        Topic.BACKUPS: pgettext("topic", "backups"),
        Topic.RESTORE: pgettext("topic", "restore"),
        Topic.DNS: pgettext("topic", "dns"),
        Topic.ACCESSES: pgettext("topic", "accesses"),
        Topic.SUPERVISION: pgettext("topic", "supervision"),
        Topic.SUPPORT: pgettext("topic", "support"),
        Topic.COMMUNICATION: pgettext("topic", "communication"),
    }


def _parts() -> Mapping[str, str]:
    return {
        Part.PRIMARY: pgettext("part", "primary"),
        Part.STANDBY: pgettext("part", "standby"),
        Part.BACKUPS: pgettext("part", "backups"),
        Part.DNS: pgettext("part", "DNS"),
        Part.IDENTITY: pgettext("part", "identity"),
        Part.MAIL: pgettext("part", "mail"),
        Part.CONTROLLER: pgettext("part", "controller"),
    }


def _stages() -> Mapping[str, str]:
    return {
        CallStage.RESPONSE: pgettext("call", "response"),
        CallStage.RESTORATION: pgettext("call", "restoration"),
    }


def _promises() -> Mapping[str, str]:
    return {
        SlaStanding.MET: pgettext("promise", "met"),
        SlaStanding.NOT_MET: pgettext("promise", "not met"),
        SlaStanding.UNKNOWN: pgettext("promise", "unknown"),
    }


def _soundness() -> Mapping[str, str]:
    return {
        Soundness.SOUND: pgettext("backup", "sound"),
        Soundness.DAMAGED: pgettext("backup", "damaged"),
        Soundness.UNPROVEN: pgettext("backup", "unproven"),
    }


def _standings() -> Mapping[str, str]:
    return {
        Standing.FAILED: pgettext("service", "failed"),
        Standing.NEVER_TESTED: pgettext("service", "never tested"),
        Standing.MISSED: pgettext("service", "missed"),
        Standing.EXPIRED: pgettext("service", "expired"),
        Standing.PROVEN: pgettext("service", "proven"),
    }


def _annotations() -> Mapping[str, str]:
    return {
        AnnotationKind.MARK: pgettext("annotation", "mark"),
        AnnotationKind.PERSON: pgettext("annotation", "person"),
        AnnotationKind.DEVIATION: pgettext("annotation", "deviation"),
        AnnotationKind.WORKAROUND: pgettext("annotation", "workaround"),
        AnnotationKind.REX_WELL: pgettext("annotation", "what went well"),
        AnnotationKind.REX_BADLY: pgettext("annotation", "what did not go well"),
        AnnotationKind.REX_PLAN: pgettext("annotation", "effect on the plan"),
        AnnotationKind.SIGN_OFF: pgettext("annotation", "sign-off"),
        AnnotationKind.MANAGEMENT_REPORT: pgettext("annotation", "report to the management"),
        AnnotationKind.PLANNED: pgettext("annotation", "planned date"),
        AnnotationKind.SITE: pgettext("annotation", "site"),
        AnnotationKind.NETWORK: pgettext("annotation", "network"),
        AnnotationKind.BACKUP: pgettext("annotation", "backup"),
        AnnotationKind.SAMPLED: pgettext("annotation", "sampled fraction"),
        AnnotationKind.NEGATIVE_CONTROL: pgettext("annotation", "negative control"),
        AnnotationKind.ERASED: pgettext("annotation", "data erased"),
        AnnotationKind.REVOKED: pgettext("annotation", "credentials revoked"),
        AnnotationKind.RETENTION: pgettext("annotation", "retention"),
    }


_WORDS: Mapping[type[StrEnum], Callable[[], Mapping[str, str]]] = {
    Verdict: _verdicts,
    RunState: _states,
    Refusal: _refusals,
    Kind: _kinds,
    InventoryKind: _inventory_kinds,
    Phase: _phases,
    StepKind: _step_kinds,
    StepOutcome: _step_outcomes,
    CheckOutcome: _check_outcomes,
    GuardOutcome: _guard_outcomes,
    NotRun: _not_run,
    Provenance: _provenances,
    Mark: _marks,
    Severity: _severities,
    AnnotationKind: _annotations,
    Role: _roles,
    Proof: _proofs,
    FlowUse: _flow_uses,
    Topic: _topics,
    Part: _parts,
    CallStage: _stages,
    SlaStanding: _promises,
    Soundness: _soundness,
    Standing: _standings,
}
