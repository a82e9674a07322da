"""`pradrill lab`: the lab's virtual machines."""

from __future__ import annotations

import subprocess
import sys
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path

from pradrill.adapters.clock import SteadyClock
from pradrill.adapters.standbys.lab import Lab, Machine
from pradrill.app.reading import state_folder
from pradrill.cli.arguments import add, subcommands
from pradrill.cli.json_output import json_argument, print_json
from pradrill.errors import ExitCode, NotReadyError

EXAMPLE = "pradrill lab status"


def arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    verbs = subcommands(parser)
    build = add(verbs, "build", "build the machines' image", "pradrill lab build")
    build.add_argument(
        "--image", type=Path, metavar="QCOW2", help="your own image, with cloud-init inside"
    )
    build.set_defaults(verb="build")

    for verb, about in (
        ("up", "start a machine and wait for its SSH"),
        ("ssh", "open a shell on a running machine, or run a command there"),
        ("down", "stop a machine, or all of them, and drop what it changed"),
    ):
        example = "primary --link backup" if verb == "up" else "standby"
        command = add(verbs, verb, about, f"pradrill lab {verb} {example}")
        command.add_argument(
            "machine", nargs="?" if verb == "down" else None, help="name of a machine"
        )
        if verb == "up":
            command.add_argument(
                "--link",
                action="append",
                default=[],
                metavar="OTHER",
                help="let it reach the SSH of another machine, at an address that is printed and "
                "stays the same; several by repetition, also one that is still down",
            )
        if verb == "ssh":
            command.add_argument("command", nargs="*", help="a command (default: a shell)")
        command.set_defaults(verb=verb)

    for verb, about in (
        ("status", "list the machines"),
        ("destroy", "remove the image and every machine"),
    ):
        add(verbs, verb, about, f"pradrill lab {verb}").set_defaults(verb=verb)

    for verb, command in verbs.choices.items():
        if verb != "ssh":  # it hands on what the machine says
            json_argument(command)


def run(args: Namespace) -> int:
    """Carry out one verb on the lab."""
    lab = Lab(state_folder(args) / "lab", SteadyClock())
    verbs = {
        "build": _build,
        "up": _up,
        "ssh": _ssh,
        "status": _status,
        "down": _down,
        "destroy": _destroy,
    }
    return verbs[args.verb](lab, args)


def say(line: str) -> None:
    """Narrate on stderr: stdout is for answers."""
    print(line, file=sys.stderr, flush=True)


def _build(lab: Lab, args: Namespace) -> int:
    lab.build(say, image=args.image)
    return _tell(lab, args)


def _up(lab: Lab, args: Namespace) -> int:
    start = time.monotonic()
    machine = lab.machine(args.machine)
    links = lab.links(machine, args.link)
    names = {near: other.name for near, other in links.items()}
    if links and machine.running and machine.links != names:
        raise NotReadyError(
            f"the machine {machine.name} is up already, with other links",
            hint="Links are given at its start. End it, which drops what it changed: "
            f"pradrill lab down {machine.name}.",
        )

    machine.up(say, links={near: other.port_file() for near, other in links.items()})
    say(f"{machine.name} answers over SSH after {time.monotonic() - start:.1f} s")
    for near, other in links.items():
        _say_link(machine, near, other)
    return _tell(lab, args)


def _say_link(machine: Machine, near: str, other: Machine) -> None:
    """Say where a link leads, what a drill calls it, and the key to pin there."""
    say(f"{machine.name} reaches {other.name} at {near}")
    say(f'  in a drill: links: {{"{near}": "{other.name}:22"}}')
    if other.identified:
        say(f"  in known_hosts: {near.partition(':')[0]} {other.host_key}")
    if not other.running:
        say(f"  {other.name} is down: nobody answers there before pradrill lab up {other.name}")


def _ssh(lab: Lab, args: Namespace) -> int:
    machine = lab.machine(args.machine)
    if not machine.running:
        raise NotReadyError(
            f"the machine {args.machine} is not running",
            hint=f"Start it: pradrill lab up {args.machine}.",
        )
    process = subprocess.run([*machine.ssh_command(), *args.command], check=False)
    return ExitCode.PASSED if process.returncode == 0 else ExitCode.INTERNAL


def _tell(lab: Lab, args: Namespace) -> int:
    """Print how the lab is now, for programs that ask."""
    if args.json:
        machines = [
            {
                "name": m.name,
                "running": m.running,
                "pid": m.pid if m.running else None,
                "links": m.links,
            }
            for m in lab.machines()
        ]
        print_json(args, {"built": lab.built, "machines": machines})

    return ExitCode.PASSED


def _status(lab: Lab, args: Namespace) -> int:
    if args.json:
        return _tell(lab, args)

    print(f"image: {'built' if lab.built else 'not built yet (pradrill lab build)'}")
    for machine in lab.machines():
        state = f"running under {machine.accelerator}, pid {machine.pid}"
        reached = "".join(f"; reaches {name} at {near}" for near, name in machine.links.items())
        print(f"{machine.name}: {state + reached if machine.running else 'down'}")
    return ExitCode.PASSED


def _down(lab: Lab, args: Namespace) -> int:
    if args.machine is not None:
        lab.machine(args.machine).down()
        stopped = [args.machine]
    else:
        stopped = lab.down()
    say(f"down: {', '.join(stopped) or 'nothing was running'}")
    return _tell(lab, args)


def _destroy(lab: Lab, args: Namespace) -> int:
    lab.destroy()
    say("the lab is gone")
    return _tell(lab, args)
