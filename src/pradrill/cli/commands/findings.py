"""`pradrill findings`: what runs and people showed to be wrong, the oldest first."""

from __future__ import annotations

from argparse import Namespace

from pradrill.app.composition import App
from pradrill.app.settle import swept
from pradrill.domain.register.finding_history import open_findings
from pradrill.errors import ExitCode
from pradrill.reporting.text.findings import finding_line


def run(args: Namespace) -> int:
    """List the open findings, or all of them."""
    place = swept(App(args))
    findings = place.findings()
    listed = findings if args.all else open_findings(findings)
    if args.service:
        listed = [finding for finding in listed if args.service in finding.services]
    for finding in listed:
        if args.json:
            print(finding.model_dump_json())
        else:
            print(finding_line(finding, place.clock.now()))
    if not listed and not args.json:
        print("no finding is on record" if args.all else "no finding is open")
    return ExitCode.PASSED
