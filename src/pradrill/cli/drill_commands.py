"""The commands that drill, and those around a drill: its declaration, its machines."""

from __future__ import annotations

from pathlib import Path

from pradrill.cli.arguments import Commands, add, subcommands


def add_drilling(commands: Commands) -> None:
    """Declare what validates, shows and runs drills."""
    demo = add(
        commands,
        "demo",
        "build a lab, destroy a WordPress in it, and drill its recovery",
        "pradrill demo",
    )
    demo.add_argument(
        "--keep", action="store_true", help="leave the primary's backup server running afterwards"
    )
    validate = add(
        commands,
        "validate",
        "check the plan, the drills, and all that they name",
        "pradrill validate",
    )
    validate.add_argument("drill", nargs="?", help="one drill, by name or file (default: all)")
    plan = add(
        commands,
        "plan",
        "print every step that a drill would take, and touch nothing",
        "pradrill plan wordpress",
    )
    plan.add_argument("drill", help="name or file of a drill")
    plan.add_argument("--json", action="store_true", help="print it for programs")
    catalogue = add(
        commands,
        "catalogue",
        "list the backups of a drill, the one it would take, and the worst case",
        "pradrill catalogue moodle",
    )
    catalogue.add_argument("drill", help="name or file of a drill")
    catalogue.add_argument("--json", action="store_true", help="print it for programs")
    run = add(commands, "run", "run a drill now", "pradrill run wordpress")
    run.add_argument("drill", help="name or file of a drill")
    run.add_argument("--dry-run", action="store_true", help="print the plan and touch nothing")
    _add_answer(commands)
    due = add(
        commands,
        "due",
        "list the services whose drill is due, or run their drills",
        "pradrill due --run",
    )
    due.add_argument(
        "--run",
        dest="launch",
        action="store_true",
        help="run their unattended drills, one after another; exit with the worst code",
    )
    schema = add(
        commands,
        "schema",
        "print the JSON Schema of a drill or of the plan, for editors",
        "pradrill schema drill > drill.schema.json",
    )
    schema.add_argument("kind", choices=("drill", "plan"), nargs="?", default="drill")
    schema.add_argument(
        "--format",
        choices=("json", "md"),
        default="json",
        help="json for editors, or md: a table of every key",
    )


def _add_answer(commands: Commands) -> None:
    answer = add(
        commands,
        "answer",
        "answer a manual step of a run that waits, or list what waits",
        'pradrill answer moodle "switch the DNS" --yes',
    )
    answer.add_argument("run", nargs="?", help="a run's id, or any part of it that is unique")
    answer.add_argument("step", nargs="?", help="the step that waits, or any part of its name")
    said = answer.add_mutually_exclusive_group()
    said.add_argument(
        "--yes", action="store_const", const=True, dest="yes", help="it is done, or approved"
    )
    said.add_argument(
        "--no", action="store_const", const=False, dest="yes", help="it is not, and will not be"
    )
    answer.add_argument("--text", metavar="WORDS", help="the words asked for, or a comment")


def add_lab(commands: Commands) -> None:
    """Declare the lab's commands."""
    lab = add(commands, "lab", "build and use the lab's virtual machines", "pradrill lab status")
    verbs = subcommands(lab)
    build = add(verbs, "build", "build the machines' image", "pradrill lab build", module="lab")
    build.add_argument(
        "--image", type=Path, metavar="QCOW2", help="your own image, with cloud-init inside"
    )
    build.set_defaults(verb="build")
    for verb, about in (
        ("up", "start a machine and wait for its SSH"),
        ("ssh", "open a shell on a running machine, or run a command there"),
        ("down", "stop a machine, or all of them, and drop what it changed"),
    ):
        command = add(verbs, verb, about, f"pradrill lab {verb} standby", module="lab")
        command.add_argument(
            "machine", nargs="?" if verb == "down" else None, help="name of a machine"
        )
        if verb == "ssh":
            command.add_argument("command", nargs="*", help="a command (default: a shell)")
        command.set_defaults(verb=verb)
    for verb, about in (
        ("status", "list the machines"),
        ("destroy", "remove the image and every machine"),
    ):
        add(verbs, verb, about, f"pradrill lab {verb}", module="lab").set_defaults(verb=verb)
