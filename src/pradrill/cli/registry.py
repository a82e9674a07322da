"""List every command, one line each. `--help` imports none of them."""

from __future__ import annotations

COMMANDS = {
    "demo": "build a lab, destroy a WordPress in it, and drill its recovery",
    "init": "propose a first drill of a service from its backups, and write its files",
    "validate": "check the plan, the drills, and all that they name",
    "doctor": "look at every precondition of a drill at once, and record nothing",
    "plan": "print every step that a drill would take, and touch nothing",
    "catalogue": "list the backups of a drill, the one it would take, and the worst case",
    "run": "run a drill now",
    "answer": "answer a manual step of a run that waits, or list what waits",
    "resume": "go on with a run whose process died, once all is proven again",
    "abort": "stop a run from another terminal, through its teardown",
    "teardown": "tear down once more what a run has left on its standby",
    "gc": "find what older runs have left anywhere, show it, and remove it",
    "sabotage": "damage copies of a restored machine, and see which faults its checks notice",
    "status": "show on one screen how each service stands, and what wants attention",
    "proven": "name the last proven recovery point of each service, for its backup job",
    "metrics": "write how the services stand for Prometheus",
    "due": "list the services whose drill is due, or run their drills",
    "schema": "print the JSON Schema of a drill, the plan, a record or an entry",
    "show": "print a run's record",
    "runs": "list the runs, oldest first",
    "report": "write a run's report: a page, a PDF for auditors, or data",
    "dossier": "write what all drills of a period proved, for an audit",
    "annotate": "add what people say of a run: times, participants, lessons, sign-off",
    "findings": "list the open findings, oldest first",
    "finding": "open a finding, show one, or close one by a run that proves it",
    "sheet": "write the crisis sheet: whom to call and what to do, to be printed and kept",
    "incident": "enter an incident step by step, show one, or list them",
    "register": "list every attempt, and verify that nothing was changed",
    "bundle": "put a run's evidence into a folder that stock tools verify",
    "verify": "verify a bundle as its VERIFY.txt does; exit code 14 if it is not what was recorded",
    "index": "write a database for queries, made anew from the files",
    "lab": "build and use the lab's virtual machines",
}
"""Name → what it does. The module `commands/NAME.py` holds its `EXAMPLE`, `arguments` and `run`."""
