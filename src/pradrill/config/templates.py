"""Render templates in connection variables as Ansible does: once, and nothing acts meanwhile.

Ansible itself renders them, on this machine. It is given an inventory of its own for that, which
holds nothing but the templates and what they are made of; each text in it was looked through.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pradrill.config.template_actions import action_in, is_template
from pradrill.errors import UNREADABLE, ConfigurationError


class TemplateError(ConfigurationError):
    """A template that is not rendered, with the variable that it stands in."""

    def __init__(self, variable: str, message: str, hint: str) -> None:
        super().__init__(message, hint=hint)
        self.variable = variable


Variables = Mapping[str, Mapping[str, Any]]
"""Host → its variables, as Ansible lists them."""
Ansible = Callable[[Sequence[str], Variables], str]
"""Runs Ansible's command `ansible` with words, for hosts that have these variables and no others;
returns what it prints."""

_EVERYWHERE = re.compile(r"\b(?:hostvars|vars|varnames)\b")
_WORD = re.compile(r"[A-Za-z_]\w*")
_ANSWER = re.compile(r"^(\S+) \| (\w+)!? => ", re.MULTILINE)


def rendered(
    names: Sequence[str], keys: Sequence[str], variables: Variables, ansible: Ansible
) -> dict[str, dict[str, Any]]:
    """Return, of each host, what Ansible makes of those of its variables `keys` that are templates.

    Raises TemplateError; ConfigurationError when Ansible cannot be asked.
    """
    templates = {
        name: [each for each in keys if is_template(variables.get(name, {}).get(each))]
        for name in names
    }
    templates = {name: each for name, each in templates.items() if each}
    if not templates:
        return {}

    # Ansible renders whatever leads or becomes, for any task: none of that goes with them.
    usable = {
        name: {each: value for each, value in of_host.items() if _is_usable(each, keys)}
        for name, of_host in variables.items()
    }
    hostvars: dict[str, dict[str, Any]] = {}
    for name, each in templates.items():
        for variable in each:
            template = str(variables[name][variable])
            _refuse_actions(name, variable, template)
            for host, part, value in _made_of(name, template, usable):
                for text in _texts(value):
                    _refuse_actions(name, variable, text)
                hostvars.setdefault(host, {})[part] = value

    unique = sorted({variable for each in templates.values() for variable in each})
    neutral = {variable: f"pradrill_{number}" for number, variable in enumerate(unique)}
    for name, each in templates.items():
        questions = {neutral[variable]: variables[name][variable] for variable in each}
        hostvars[name] = {**hostvars.get(name, {}), **questions, "ansible_connection": "local"}

    values = ", ".join(f"'{each}': {neutral[each]} | default(none)" for each in unique)
    message = {"msg": f"{{{{ {{{values}}} | to_json }}}}"}
    words = [",".join(templates), "-m", "ansible.builtin.debug", "-a", json.dumps(message)]
    answers = dict(_answers(ansible(words, hostvars)))

    return {name: _of_host(name, each, answers) for name, each in templates.items()}


def _is_usable(variable: str, keys: Sequence[str]) -> bool:
    return variable in keys or not variable.startswith("ansible_")


def _of_host(
    name: str, templates: Sequence[str], answers: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    values = answers.get(name, {})
    for variable in templates:
        if values.get(variable) is None:
            raise TemplateError(
                variable,
                f"{variable} of {name} is a template of which Ansible makes nothing",
                hint=f"Try it: ansible {name} -m debug -a var={variable} -i THE_INVENTORY.",
            )
    return {variable: values[variable] for variable in templates}


def _answers(output: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield hosts with what their debug task has told; nothing of those where it failed."""
    decoder = json.JSONDecoder()
    for match in _ANSWER.finditer(output):
        try:
            answer, _ = decoder.raw_decode(output, match.end())
            message = answer.get("msg")
            values = json.loads(message) if isinstance(message, str) else message
        except UNREADABLE:
            continue
        if match[2] == "SUCCESS" and isinstance(values, dict):
            yield match[1], values


def _made_of(name: str, template: str, variables: Variables) -> Iterator[tuple[str, str, Any]]:
    """Yield each variable that a template may be made of: whose it is, its name, its value."""
    waiting, parts = [template], set[tuple[str, str]]()
    while waiting:
        for host, variable in _named_in(name, waiting.pop(), variables):
            if (host, variable) in parts:
                continue
            parts.add((host, variable))
            value = variables[host][variable]
            yield host, variable, value
            waiting += _texts(value)


def _named_in(name: str, text: str, variables: Variables) -> Iterator[tuple[str, str]]:
    if _EVERYWHERE.search(text):
        yield from ((host, each) for host, of_host in variables.items() for each in of_host)
        return
    of_host = variables.get(name, {})
    yield from ((name, word) for word in _WORD.findall(text) if word in of_host)


def _texts(value: object) -> Iterator[str]:
    """Yield every text in a value, keys included."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield str(key)
            yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)
    else:
        yield str(value)


def _refuse_actions(name: str, variable: str, text: str) -> None:
    if is_template(text) and (action := action_in(text)) is not None:
        raise TemplateError(
            variable,
            f"{variable} of {name} is a template that may act on this machine: {action}",
            hint="Where a standby is may be put together of names, plain filters, and "
            "lookup('env', …), lookup('file', …) or lookup('vars', …).",
        )
