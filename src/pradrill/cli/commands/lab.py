"""`pradrill lab`: the lab's virtual machines."""

from __future__ import annotations

import subprocess
import sys
import time
from argparse import Namespace

from pradrill.adapters.clock import SteadyClock
from pradrill.adapters.standbys.lab import Lab
from pradrill.app.composition import state_folder
from pradrill.errors import ExitCode, NotReadyError


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
    return ExitCode.PASSED


def _up(lab: Lab, args: Namespace) -> int:
    began = time.monotonic()
    lab.machine(args.machine).up(say)
    say(f"{args.machine} answers over SSH after {time.monotonic() - began:.1f} s")
    return ExitCode.PASSED


def _ssh(lab: Lab, args: Namespace) -> int:
    machine = lab.machine(args.machine)
    if not machine.running:
        raise NotReadyError(
            f"the machine {args.machine} is not running",
            hint=f"Start it: pradrill lab up {args.machine}.",
        )
    done = subprocess.run([*machine.ssh_command(), *args.command], check=False)
    return ExitCode.PASSED if done.returncode == 0 else ExitCode.INTERNAL


def _status(lab: Lab, _args: Namespace) -> int:
    print(f"image: {'built' if lab.built else 'not built yet (pradrill lab build)'}")
    for machine in lab.machines():
        state = f"running under {machine.accelerator}, pid {machine.pid}"
        print(f"{machine.name}: {state if machine.running else 'down'}")
    return ExitCode.PASSED


def _down(lab: Lab, args: Namespace) -> int:
    if args.machine is not None:
        lab.machine(args.machine).down()
        stopped = [args.machine]
    else:
        stopped = lab.down()
    say(f"down: {', '.join(stopped) or 'nothing was running'}")
    return ExitCode.PASSED


def _destroy(lab: Lab, _args: Namespace) -> int:
    lab.destroy()
    say("the lab is gone")
    return ExitCode.PASSED
