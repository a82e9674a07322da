"""A crisis sheet with a provider, contacts, a proof, and a service that nobody has shown."""

from __future__ import annotations

from pradrill.domain.declared.plan import Plan
from pradrill.domain.report.crisis_sheet import CrisisSheet, ProofOnSheet, crisis_sheet
from pradrill.domain.values.timeline import Elapsed, Provenance
from pradrill.testing import START

PLAN = Plan.model_validate(
    {
        "plan": 3,
        "organisation": "Exemple <SAS>",
        "providers": {
            "hexanet": {
                "support": {"phone": "+33 3 26 00 00 00", "contract": "HX-1234"},
                "sla": {"response": "30m", "by_severity": {"critical": {"response": "15m"}}},
                "contacts": [{"purpose": "at night", "escalation": "after 30 min: the manager"}],
            },
            "other": {"support": {"phone": "+33 1"}},
        },
        "services": {
            "moodle": {
                "objectives": {"rto": "4h", "rpo": "24h"},
                "provider": "hexanet",
                "depends_on": ["ldap"],
                "tier": 2,
            },
            "ldap": {"objectives": {"rto": "1h", "rpo": "24h"}, "tier": 1},
        },
    }
)
RTA = Elapsed(seconds=2000, low=1999, high=2001, provenance=Provenance.MEASURED)
PROOFS = {"moodle": ProofOnSheet(run_id="20260310T020000Z-moodle-a3f9c1", at=START, rta=RTA)}


def a_crisis_sheet(only: str | None = None) -> CrisisSheet:
    """Return the sheet of a plan whose Moodle has a drill and a proof."""
    return crisis_sheet(PLAN, {"moodle": ["moodle"]}, PROOFS, now=START, only=only)
