"""Ask Ansible itself about the playbooks: unknown modules, and plays that reach nobody.

One process looks at all playbooks with the same inventory; only when it finds a fault are they
asked in ever smaller parts, so that all faults are told at once. What a playbook includes while
it runs is looked at as if it were imported. Nothing is run and no host is reached.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from pradrill.config.ansible_command import plain_environment
from pradrill.config.checks.hypervisors import hosts_of
from pradrill.config.playbook_inputs import around
from pradrill.config.problems import Problem
from pradrill.config.project import LoadedDrill, Project
from pradrill.config.vaults import Resolve, vault_words
from pradrill.domain.declared.drill import Drill
from pradrill.domain.declared.playbook_step import PlaybookStep
from pradrill.system import scratch

_DEADLINE = 300  # seconds: of an emulated machine that others keep busy, too
_AT_ONCE = 2  # processes: each takes most of a second of a core
_ORIGIN = re.compile(
    r"^Origin: (?P<new>.+?):(?P<at>\d+)"
    r"|error appears to be in '(?P<old>[^']+)': line (?P<line>\d+)",
    re.MULTILINE,
)
_PLAY = re.compile(r"^  play #\d+ ")
_HOSTS = re.compile(r"^[ \t-]*(?:hosts|'hosts'|\"hosts\")\s*:", re.MULTILINE)
_TEMPLATED = re.compile(
    r"^[ \t-]*(?:hosts|(?:[\w.]*\.)?import_\w+|name|file|role)\s*:.*\{\{", re.MULTILINE
)
_COLLECTIONS = re.compile(
    r"^[ \t-]*collections\s*:\s*+(\[[^\]]*\]|(?:\s*-\s+[\w.]+$)+)", re.MULTILINE
)
_WORD = re.compile(r"(?<!\w)\w+\.\w+")
_LOCKED = re.compile(r"vault secrets? (?:found|that)|decrypt|vault password", re.IGNORECASE)
_HERE = {"localhost", "127.0.0.1", "::1"}
_OF_MACHINES = {
    "pradrill_run": "",
    "pradrill_tag": "pradrill-000000000000",
    "pradrill_expires": "",
    "pradrill_machines": [],
}
"""Handed to what makes, ends and lists machines: there is no run yet."""
_LONGEST = 300


class _Call(NamedTuple):
    """A playbook as a drill runs it."""

    playbook: Path
    inventory: str
    """A path, or the names of a lab's machines, each followed by a comma."""
    variables: str
    standby: frozenset[str]
    beside: Path | None = None
    """For what is included: the folder of the playbook that includes it, and the file itself."""
    file: Path | None = None
    vaults: tuple[str, ...] = ()
    """The names of the passwords that open what is encrypted in them."""


class _Listing(NamedTuple):
    """What Ansible said of some playbooks."""

    code: int
    output: str
    errors: str


class AnsibleAnswers(NamedTuple):
    """The problems that Ansible finds, and which playbooks it could not look at, and why."""

    problems: list[Problem]
    passed_over: list[str]


def ask_ansible(house: Project, resolve: Resolve) -> AnsibleAnswers:
    """Have Ansible check and list every playbook of the house's drills.

    `resolve` fetches the passwords of vaults. Raises NotReadyError when one cannot be had.
    """
    with (
        tempfile.TemporaryDirectory(prefix="pradrill-plays-", dir=scratch.base()) as folder,
        ThreadPoolExecutor(_AT_ONCE) as pool,
    ):
        calls = [call for drill in house.drills.values() for call in _calls(drill)]
        calls += _included(calls, Path(folder))
        together: dict[tuple[str, str, Path | None, tuple[str, ...]], list[_Call]] = {}
        for call in dict.fromkeys(calls):
            alike = (call.inventory, call.variables, call.beside, call.vaults)
            together.setdefault(alike, []).append(call)
        passwords = {each: resolve(each) for call in calls for each in call.vaults}
        each = list(pool.map(partial(_ask, passwords), together.values()))

    unique_problems = {
        (p.file, p.line, p.message): p for one in reversed(each) for p in one.problems
    }
    return AnsibleAnswers(
        list(unique_problems.values()), sorted({word for one in each for word in one.passed_over})
    )


def _included(calls: list[_Call], folder: Path) -> Iterator[_Call]:
    """Yield a playbook of our own for each file of tasks that these may take in as they run.

    A file whose name is only put together then may be for other machines: it is not looked at.
    """
    vaults = {call.playbook.parent: call.vaults for call in calls if call.vaults}
    playbooks = {call.playbook for call in calls}
    for beside in sorted({playbook.parent for playbook in playbooks}):
        plays = sorted(each for each in playbooks if each.parent == beside)
        near = [Path(each.path) for each in around(plays, (), ()).files]
        files = [path for path in near if path.suffix in {".yml", ".yaml"} and _is_tasks(path)]

        text = "\n".join(_text(path) for path in (*plays, *files))
        collections = sorted(
            {n for part in _COLLECTIONS.findall(text) for n in _WORD.findall(part)}
        )
        for path in files:
            word = path.parts[-3] if path.stem == "main" else path.name
            if word in text:
                file = folder / f"{len(list(folder.iterdir()))}.yml"
                tasks = [{"ansible.builtin.import_tasks": str(path)}]
                play = {"hosts": "localhost", "collections": collections, "tasks": tasks}
                file.write_text(json.dumps([play]), encoding="utf-8")
                its = vaults.get(beside, ())
                yield _Call(file, "localhost,", "{}", frozenset(), beside, path, its)


def _is_tasks(path: Path) -> bool:
    return path.parent.name in {"tasks", "handlers"}


def _calls(loaded: LoadedDrill) -> Iterator[_Call]:
    standby = loaded.drill.standby
    names = frozenset(host.name for host in loaded.hosts) | frozenset(standby.names)
    inventory = str(standby.inventory_file or "".join(f"{name}," for name in standby.names))
    for step in loaded.drill.playbook_steps():
        variables = _variables(loaded.drill, step)
        vaults = standby.vault_passwords
        yield _Call(step.playbook, inventory, variables, names, vaults=vaults)
    yield from _machine_calls(loaded.drill)


def _machine_calls(drill: Drill) -> Iterator[_Call]:
    """Yield the playbooks that make, end and list machines: they are for the hypervisor."""
    making = drill.standby.provisioning
    if making is None:
        return
    where, vaults = making.hypervisor, drill.standby.vault_passwords
    inventory = str(where.inventory) if where is not None else "localhost,"
    names = _HERE if where is None else {host.name for host in hosts_of(where)}
    for step in making.steps:
        variables = _variables(drill, step, _OF_MACHINES)
        yield _Call(step.playbook, inventory, variables, frozenset(names), vaults=vaults)


def _variables(drill: Drill, step: PlaybookStep, given: Mapping[str, Any] | None = None) -> str:
    """Return what its names may be built from; a secret's value is not looked up for that."""
    if not _TEMPLATED.search(_text(step.playbook)):
        return "{}"
    secrets = dict.fromkeys(step.secrets, "")
    variables = {**drill.vars, **step.vars, **secrets, **(given or {})}
    return json.dumps(variables, default=str, sort_keys=True)


def _ask(passwords: Mapping[str, str], calls: list[_Call]) -> AnsibleAnswers:
    """Ask for all of them in one process, or for each when that says that something is wrong."""
    playbooks = list(dict.fromkeys(call.playbook for call in calls))
    listing = _listed(playbooks, calls[0], [passwords[each] for each in calls[0].vaults])
    if listing.code == 0:
        return AnsibleAnswers([p for call in calls for p in _reaching_nobody(call, listing)], [])

    if len(playbooks) > 1:
        first = {*playbooks[: len(playbooks) // 2]}
        halves = ([c for c in calls if (c.playbook in first) is half] for half in (True, False))
        one, other = map(partial(_ask, passwords), halves)

        return AnsibleAnswers(one.problems + other.problems, one.passed_over + other.passed_over)

    return _fault(calls[0], listing)


def _fault(call: _Call, listing: _Listing) -> AnsibleAnswers:
    errors = [line for line in listing.errors.splitlines() if line.startswith(("[ERROR]", "ERROR"))]
    reason = re.sub(
        r"^(\[ERROR\]:?|ERROR!)\s*", "", errors[0] if errors else listing.errors.strip()
    )
    if _LOCKED.search(listing.errors):
        why = (
            f"{call.file or call.playbook}: not looked at by Ansible: its vault password is needed"
        )
        return AnsibleAnswers([], [why])
    if call.beside is not None and "couldn't resolve module" not in reason:
        return AnsibleAnswers([], [])  # as an import it may lack what the playbook has by then

    place = _ORIGIN.search(listing.errors)
    file = Path(place["new"] or place["old"]) if place else call.playbook
    line = int(place["at"] or place["line"]) if place else 1
    message = f"Ansible says: {reason[:_LONGEST].splitlines()[0] if reason else 'nothing'}"
    hint = f"Try: ansible-playbook --syntax-check -i {call.inventory} {call.playbook}."

    return AnsibleAnswers([Problem(file, line, "", message, hint)], [])


def _reaching_nobody(call: _Call, listing: _Listing) -> Iterator[Problem]:
    """Yield each play of a playbook that none of the standby's hosts is in."""
    for number, (pattern, hosts) in enumerate(_plays(call.playbook, listing.output)):
        if not hosts & (call.standby | _HERE):
            standby = ", ".join(sorted(call.standby))
            message = f"the play's hosts, {pattern}, match nothing in the standby ({standby})"
            yield Problem(call.playbook, _line(call.playbook, number), "", message)


def _plays(playbook: Path, output: str) -> Iterator[tuple[str, set[str]]]:
    """Yield pattern and hosts of each play of a playbook, as Ansible listed them."""
    _, _, rest = output.partition(f"\nplaybook: {playbook}\n")
    listed_lines = rest.partition("\nplaybook: ")[0]

    pattern, hosts = "", set[str]()
    inside = False
    for line in [*listed_lines.splitlines(), "  play #0 "]:
        if _PLAY.match(line):
            if inside:
                yield pattern, hosts
            pattern, hosts, inside = "", set(), True
        elif line.startswith("    pattern: "):
            pattern = line.partition(": ")[2].strip("[]")
        elif line.startswith("      "):
            hosts.add(line.strip())


def _line(playbook: Path, number: int) -> int:
    """Return the line of a play's hosts; the first where plays come from other files too."""
    text = _text(playbook)
    places = [] if "import_playbook" in text else list(_HOSTS.finditer(text))
    return text.count("\n", 0, places[number].start()) + 1 if number < len(places) else 1


def _listed(playbooks: list[Path], call: _Call, unlocking: Sequence[str]) -> _Listing:
    with tempfile.TemporaryDirectory(prefix="pradrill-plays-", dir=scratch.base()) as folder:
        config = Path(folder, "ansible.cfg")  # an empty one: the user's own does not count here
        config.touch()
        variables = Path(folder, "variables.json")
        variables.write_text(call.variables, encoding="utf-8")

        command = Path(sys.executable).parent / "ansible-playbook"
        words = [str(command), "-i", call.inventory, "-e", f"@{variables}", "--list-hosts"]
        try:
            with vault_words(Path(folder), unlocking) as unlocked:
                process = subprocess.run(
                    [*words, *unlocked, *map(str, playbooks)],
                    env=_environment(command, config, call.beside),
                    cwd=folder,
                    capture_output=True,
                    text=True,
                    errors="replace",
                    stdin=subprocess.DEVNULL,
                    timeout=_DEADLINE,
                    check=False,
                )
        except subprocess.TimeoutExpired:
            why = f"[ERROR]: ansible-playbook gave no listing within {_DEADLINE} s"
            return _Listing(1, "", why)
        except OSError as error:
            why = f"[ERROR]: ansible-playbook gave no listing: {error.strerror or error}"
            return _Listing(1, "", why)

    return _Listing(process.returncode, process.stdout, process.stderr)


def _environment(command: Path, config: Path, beside: Path | None) -> dict[str, str]:
    home, ansible = os.environ.get("HOME", "/"), "/usr/share/ansible"
    usual = {
        "ANSIBLE_COLLECTIONS_PATH": f"{home}/.ansible/collections:{ansible}/collections",
        "ANSIBLE_ROLES_PATH": f"{home}/.ansible/roles:{ansible}/roles:/etc/ansible/roles",
    }

    paths = {key: os.environ.get(key, value) for key, value in usual.items()}
    if beside is not None:  # where Ansible looks by itself, for a playbook that lies there
        for key, kind in (("COLLECTIONS_PATH", "collections"), ("ROLES_PATH", "roles")):
            paths[f"ANSIBLE_{key}"] = f"{beside / kind}:{paths[f'ANSIBLE_{key}']}"

        for key, kind in (("LIBRARY", "library"), ("ACTION_PLUGINS", "action_plugins")):
            folders = [beside / kind, *sorted(beside.glob(f"roles/*/{kind}"))]
            paths[f"ANSIBLE_{key}"] = ":".join(map(str, folders))

    return {
        **paths,
        **plain_environment(command, config),
        "ANSIBLE_DEPRECATION_WARNINGS": "False",
    }


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
