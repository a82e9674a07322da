"""Write a status as the textfile collector of Prometheus' node exporter reads it.

The only importer of prometheus_client, which is an extra: `pip install 'pradrill[metrics]'`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from pradrill.domain.dossier.status import AlarmKind, Level, ServiceStatus, Standing, Status
from pradrill.errors import ConfigurationError, PradrillError
from pradrill.system.durable_files import write_whole

_READABLE_BY_ALL = 0o644
"""The exporter runs as a user of its own."""


class MetricSample(NamedTuple):
    """One figure, with what tells it from others of its name."""

    name: str
    value: float
    labels: Mapping[str, str] = {}


FAMILIES = {
    "pradrill_service_standing": "1 for the word that a service has, 0 for the others",
    "pradrill_service_proof_timestamp_seconds": "when the last run that passed began",
    "pradrill_service_drill_due_timestamp_seconds": "when the next drill of a service is due",
    "pradrill_service_drill_due": "1 when the drill of a service is due",
    "pradrill_service_rta_seconds": "recovery time of the last conclusive run, its upper bound",
    "pradrill_service_rto_seconds": "recovery time objective",
    "pradrill_service_rpa_seconds": "data lost in the last conclusive run, its upper bound",
    "pradrill_service_rpo_seconds": "recovery point objective",
    "pradrill_service_sabotage_ratio": "part of the faults that the checks of a drill noticed",
    "pradrill_service_findings_open": "open findings of a service",
    "pradrill_findings_open": "open findings, of all services and of none",
    "pradrill_findings_overdue": "open findings whose date is past",
    "pradrill_alarms": "what wants attention, by kind and level",
    "pradrill_run_elapsed_seconds": "how long a run that is running takes up to now",
    "pradrill_commitment_days_left": "days until a contract or a certification ends",
    "pradrill_register_entries": "entries of the register",
    "pradrill_register_sound": "1 while somebody vouches for the register's head",
    "pradrill_written_timestamp_seconds": "when this was written: old metrics are an alarm",
}


def write_metrics(status: Status, path: Path) -> None:
    """Write the file whole, in the place of the one before. Raises PradrillError."""
    try:
        from prometheus_client import (  # noqa: PLC0415 an extra, and slow to load
            CollectorRegistry,
            Gauge,
            generate_latest,
        )
    except ImportError as error:
        raise ConfigurationError(
            "metrics need the package prometheus-client",
            hint="Install it: pip install 'pradrill[metrics]'.",
        ) from error

    registry = CollectorRegistry()
    gauges: dict[str, Gauge] = {}
    for sample in samples(status):
        labels = tuple(sorted(sample.labels))
        if sample.name not in gauges:
            about = FAMILIES[sample.name]
            gauges[sample.name] = Gauge(sample.name, about, labels, registry=registry)
        gauge = gauges[sample.name]
        (gauge.labels(**sample.labels) if labels else gauge).set(sample.value)

    try:
        write_whole(path, generate_latest(registry), _READABLE_BY_ALL)
    except OSError as error:
        raise PradrillError(
            f"cannot write {path}: {error.strerror}",
            hint="Name a file in the folder that the node exporter reads (--collector.textfile).",
        ) from error


def samples(status: Status) -> Iterator[MetricSample]:
    """Yield every figure. Kinds of alarms that there are none of are nought, not missing."""
    for service in status.services:
        yield from _of_service(service)
    for severity, count in status.findings_open.items():
        yield MetricSample("pradrill_findings_open", count, {"severity": severity.value})
    yield MetricSample("pradrill_findings_overdue", status.findings_overdue)
    yield from _of_alarms(status)
    yield MetricSample("pradrill_register_entries", status.entries)
    yield MetricSample("pradrill_register_sound", float(status.damage is None))
    yield MetricSample("pradrill_written_timestamp_seconds", status.made.timestamp())


def _of_service(status: ServiceStatus) -> Iterator[MetricSample]:
    service = {"service": status.service}
    tier = {**service, "tier": "" if status.tier is None else str(status.tier)}
    for word in Standing:
        labels = {**tier, "standing": word.value}
        yield MetricSample("pradrill_service_standing", float(word is status.word), labels)

    timely = {
        "proof_timestamp_seconds": status.proof.at.timestamp() if status.proof else None,
        "drill_due_timestamp_seconds": status.due.timestamp() if status.due else None,
        "drill_due": float(status.is_due),
        "rta_seconds": status.rta,
        "rto_seconds": status.rto,
        "rpa_seconds": status.rpa,
        "rpo_seconds": status.rpo,
    }
    for name, value in timely.items():
        if value is not None:
            yield MetricSample(f"pradrill_service_{name}", value, service)

    score = status.sabotage
    if score is not None and score.score is not None:
        labels = {**service, "drill": score.drill, "expired": str(score.expired).lower()}
        yield MetricSample("pradrill_service_sabotage_ratio", score.score, labels)
    for severity, count in status.findings_open.items():
        labels = {**service, "severity": severity.value}
        yield MetricSample("pradrill_service_findings_open", count, labels)


def _of_alarms(status: Status) -> Iterator[MetricSample]:
    for kind in AlarmKind:
        levels = {kind.level, *(each.level for each in status.alarms if each.kind is kind)}
        for level in sorted(levels - {Level.NOTE}):
            count = sum(each.kind is kind and each.level is level for each in status.alarms)
            labels = {"kind": kind.value, "level": level.name.lower()}
            yield MetricSample("pradrill_alarms", count, labels)

    for alarm in status.alarms:
        if alarm.kind is AlarmKind.RUNNING and alarm.seconds is not None:
            labels = {"run": alarm.run_id or ""}
            yield MetricSample("pradrill_run_elapsed_seconds", alarm.seconds, labels)
        if alarm.kind is AlarmKind.ENDING and alarm.at is not None:
            days = (alarm.at.date() - status.made.date()).days
            labels = {"provider": alarm.provider or "", "what": alarm.detail or "contract"}
            yield MetricSample("pradrill_commitment_days_left", days, labels)
