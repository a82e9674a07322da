"""Find what plays, tasks and files of variables say about where they act, in their YAML."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import NamedTuple

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from pradrill.config.problems import Problem

CONTROLLER = frozenset({"localhost", "127.0.0.1", "::1"})
PLUGINS = "Filters, tests, lookups and modules may stay; what reaches machines may not."

_PLUGIN_KINDS = (
    *("action", "become", "cache", "callback", "cliconf", "connection", "httpapi", "inventory"),
    *("netconf", "shell", "strategy", "terminal", "vars"),
)
_DEEPEST = 10  # a mapping can be merged into itself
_LISTS = {"tasks", "pre_tasks", "post_tasks", "handlers", "block", "rescue", "always"}
_ROLES = {"roles", "dependencies"}
_SSH = {"ssh", "smart", "ansible.builtin.ssh"}
_STRATEGIES = {"linear", "free", "host_pinned"}
_ONWARDS = re.compile(r"\b(?:ssh|mosh|rsh|telnet|nc|ncat|socat)\b")
"""Programs that go on to another machine from the one that was proven."""
_ANSIBLES_OWN = re.compile(r"^ansible\.(?:builtin|legacy)\.")
_ON_CONTROLLER = {"local_action", "synchronize", "fetch"}
_ACTING = {"pipe", "lines", "password"}
"""Lookups that run a command, or write a file."""
_NAMES = {"register", "loop_var", "index_var", "name"}
"""Keys whose value is the name of a variable that Ansible then sets."""
_FREE_FORM = {"set_fact", "add_host", "action", "local_action", "include_vars"}
_WORD = re.compile(r"(?<![\w.])(ansible_\w+)\s*=")
_LOOKUP = re.compile(
    r"\b(?:lookup|query|q)\s*\(\s*\\?['\"](?:[\w.]*\.)?"
    r"(?:(pipe|lines)\\?['\"]|(password)\\?['\"](?!\s*,\s*\\?['\"]/dev/null\b))"
)
"""A password that is kept in /dev/null is one that is made anew each time, and written nowhere."""
_ASK = 'Say "controller: true" on the step of the drill if it may act on this machine.'
_LEAD = "A drill's plays act on the standby's hosts as the inventory leads to them."

Allowed = Callable[[str, object], bool]


class _Rules(NamedTuple):
    """What the plays of a drill may say."""

    path: Path
    allowed: Allowed
    names: Collection[str]
    logins: Collection[str | None]
    controller: bool

    def problem(self, node: Node, message: str, hint: str = _LEAD) -> Problem:
        return Problem(self.path, node.start_mark.line + 1, "", message, hint)


def goes_on(program: str) -> bool:
    """Tell whether what is to run in a program's place goes on to another machine."""
    return _ONWARDS.search(program) is not None


def plugin_folder(path: Path) -> str:
    """Return which kind of plugin a path lies in, of those that reach machines; or nothing.

    Those of a collection are none: Ansible loads them for whoever calls them by their full name.
    """
    parts = path.parts
    if "ansible_collections" in parts:
        return ""
    for before, part in zip(("", *parts), parts, strict=False):
        if part.removesuffix("_plugins") in _PLUGIN_KINDS and (
            part.endswith("_plugins") or before == "plugins"
        ):
            return part
    return ""


def play_problems(
    path: Path,
    allowed: Allowed,
    names: Collection[str],
    logins: Collection[str | None],
    *,
    controller: bool,
) -> Iterator[Problem]:
    """Find what leads elsewhere in a file of plays, tasks or variables.

    `names`: the standby's hosts; `logins`: as whom they are reached; `controller`: whether it may
    act on this machine, too. Ansible judges what is not YAML.
    """
    rules = _Rules(path, allowed, names, logins, controller)
    try:
        text = path.read_text("utf-8", "replace")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except (OSError, yaml.YAMLError, ValueError, RecursionError):
        return
    if node is None:
        return

    visited: set[int] = set()
    yield from _of_variables(rules, node, visited)
    for mapping in _with_keywords(node):
        yield from _of_keywords(rules, mapping)

    if not controller:
        yield from lookup_problems(path, text)


def lookup_problems(path: Path, text: str) -> Iterator[Problem]:
    """Find lookups that act on the controller, in plays and in templates."""
    for lookup in _LOOKUP.finditer(text):
        line = text[text.rfind("\n", 0, lookup.start()) + 1 : lookup.start()]
        if not line.lstrip().startswith("#"):
            message = f"the lookup {lookup[1] or lookup[2]} acts on the controller"
            yield Problem(path, text.count("\n", 0, lookup.start()) + 1, "", message, _ASK)


def _of_variables(rules: _Rules, node: Node, visited: set[int]) -> Iterator[Problem]:
    """Look at every name that is given a value, wherever it stands."""
    if id(node) in visited:
        return

    visited.add(id(node))
    if isinstance(node, SequenceNode):
        for item in node.value:
            yield from _of_variables(rules, item, visited)
    elif isinstance(node, MappingNode):
        for key, value in node.value:
            word = str(key.value) if isinstance(key, ScalarNode) else ""
            text = value.value if isinstance(value, ScalarNode) else None
            names = [(word, text)]
            if word in _NAMES and text is not None and re.fullmatch(r"ansible_\w+", text):
                names.append((text, ""))

            if _last(word) in _FREE_FORM and text is not None:
                names += [(name, "") for name in _WORD.findall(text)]

            for name, its in names:
                if not rules.allowed(name, its):
                    message = f"{name} would lead Ansible elsewhere than to the proven machine"
                    yield rules.problem(key, message)

            yield from _of_variables(rules, value, visited)


def _with_keywords(node: Node) -> Iterator[MappingNode]:
    """Yield every play, block, task and role of a file, however deep."""
    waiting = [node]
    if isinstance(node, MappingNode):  # variables, or a role's meta data
        waiting = [value for word, _, value in _items(node) if word in _ROLES]

    visited: set[int] = set()
    while waiting:
        each = waiting.pop(0)
        if id(each) in visited:
            continue

        visited.add(id(each))
        if isinstance(each, SequenceNode):
            waiting += each.value
        elif isinstance(each, MappingNode):
            yield each
            for word, _, value in _items(each):
                if word in _LISTS or word in _ROLES:
                    waiting.append(value)
                elif isinstance(value, MappingNode):
                    waiting += [inner for name, _, inner in _items(value) if name == "apply"]


def _items(mapping: MappingNode, depth: int = 0) -> Iterator[tuple[str, Node, Node]]:
    """Yield keys and values, those that are merged in by an anchor included."""
    for key, value in mapping.value if depth < _DEEPEST else ():
        if key.tag == "tag:yaml.org,2002:merge" or key.value == "<<":
            merged = value.value if isinstance(value, SequenceNode) else [value]
            for each in merged:
                if isinstance(each, MappingNode):
                    yield from _items(each, depth + 1)
        elif isinstance(key, ScalarNode):
            yield str(key.value), key, value


def _of_keywords(rules: _Rules, mapping: MappingNode) -> Iterator[Problem]:
    keywords = {word: value for word, _, value in _items(mapping)}
    here = bool({*_words(keywords.get("hosts")), *_words(keywords.get("delegate_to"))} & CONTROLLER)
    for word, key, value in _items(mapping):
        text = value.value if isinstance(value, ScalarNode) else ""
        if message := _refused(rules, word, text, here=here):
            yield rules.problem(key, message)

        if not rules.controller and word in {"hosts", "delegate_to"} and _words(value) & CONTROLLER:
            yield rules.problem(key, f"{word}: {text} acts on the controller", _ASK)

        module = _module(word, value)
        if module == "add_host":
            yield rules.problem(key, "add_host makes a host that nobody has proven")
        elif not rules.controller and (_ON_CONTROLLER & {word, module} or _runs_here(word)):
            what = module if module in _ON_CONTROLLER else word
            yield rules.problem(key, f"{what} acts on the controller", _ASK)


def _refused(rules: _Rules, word: str, text: str, *, here: bool) -> str:
    """Say what is wrong with a keyword; `here`: it is of a play or task for the controller."""
    right: dict[str, bool] = {
        "connection": text in _SSH or (rules.controller and here and _last(text) == "local"),
        "port": False,
        "remote_user": {text} == set(rules.logins),
        "strategy": _ANSIBLES_OWN.sub("", text) in _STRATEGIES,
        "become_exe": not goes_on(text),
        # What a template comes to is seen when it runs.
        "delegate_to": "{{" in text or text in rules.names or text in CONTROLLER,
    }
    why = {
        "connection": "is not the way that is proven",
        "port": "is not the inventory's ansible_port, which is proven",
        "remote_user": "is not the inventory's ansible_user, which is proven",
        "strategy": "is not one of Ansible's own",
        "become_exe": "goes on to another machine than the one that is proven",
        "delegate_to": "is none of the standby's hosts",
    }
    return "" if right.get(word, True) else f"{word}: {text} {why[word]}"


def _module(word: str, value: Node) -> str:
    """Return which module a key stands for, also one that is named in free form."""
    if word not in {"action", "local_action"}:
        return _last(word)

    if isinstance(value, MappingNode):
        modules = (inner for name, _, inner in _items(value) if name == "module")
        value = next(modules, value)

    text = str(value.value) if isinstance(value, ScalarNode) else ""
    return _last(text.split()[0]) if text.split() else word


def _runs_here(word: str) -> bool:
    """Tell whether a key loops over a lookup that acts on the controller, by its full name too."""
    return word.startswith("with_") and _last(word.removeprefix("with_")) in _ACTING


def _words(node: Node | None) -> set[str]:
    """Return the names in a pattern of hosts, or in a list of them."""
    if isinstance(node, SequenceNode):
        return {word for item in node.value for word in _words(item)}
    text = str(node.value) if isinstance(node, ScalarNode) else ""
    return {text.strip(), *re.split(r"[,:;\s]+", text)}


def _last(word: str) -> str:
    return word.rpartition(".")[2]
