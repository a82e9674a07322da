"""Render templates in connection variables as Ansible does: once, and nothing acts meanwhile.

Ansible itself renders them, on this machine. So a template, and every variable that it is made of,
may hold no lookup but those that only read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pradrill.errors import ConfigurationError

Variables = Mapping[str, Mapping[str, Any]]
"""Host → its variables, as Ansible lists them."""
Ansible = Callable[[Sequence[str]], str]
"""Runs Ansible's command `ansible` with words, for an inventory; returns what it prints."""

_ANY_LOOKUP = re.compile(r"\b(?:lookup|query|q)\b")
_READING = re.compile(
    r"\b(?:lookup|query|q)\s*\(\s*['\"](?:ansible\.builtin\.)?(?:env|file|vars)['\"]"
)
"""Lookups that read, and neither run nor write anything."""
_EVERYWHERE = re.compile(r"\b(?:hostvars|vars|varnames)\b")
_WORD = re.compile(r"[A-Za-z_]\w*")
_ANSWER = re.compile(r"^(\S+) \| (\w+)!? => ", re.MULTILINE)


def is_template(value: object) -> bool:
    """Tell whether Ansible makes something else of a value."""
    return "{{" in str(value) or "{%" in str(value)


def rendered(
    names: Sequence[str], keys: Sequence[str], variables: Variables, ansible: Ansible
) -> dict[str, dict[str, Any]]:
    """Return, of each host, what Ansible makes of those of its variables `keys` that are templates.

    Raises ConfigurationError, with the host and the variable in it.
    """
    templates = {
        name: [each for each in keys if is_template(variables.get(name, {}).get(each))]
        for name in names
    }
    templates = {name: each for name, each in templates.items() if each}
    if not templates:
        return {}

    for name, each in templates.items():
        for variable in each:
            for text in _made_of(name, str(variables[name][variable]), variables):
                _refuse_lookups(name, variable, text)

    unique = sorted({variable for each in templates.values() for variable in each})
    values = ", ".join(f"'{each}': {each} | default(none)" for each in unique)
    message = {"msg": f"{{{{ {{{values}}} | to_json }}}}"}
    words = [",".join(templates), "-m", "ansible.builtin.debug", "-a", json.dumps(message)]
    answers = dict(_answers(ansible(words)))

    return {name: _of_host(name, each, answers) for name, each in templates.items()}


def _of_host(
    name: str, templates: Sequence[str], answers: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    values = answers.get(name, {})
    for variable in templates:
        if values.get(variable) is None:
            raise ConfigurationError(
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
        except (ValueError, AttributeError):
            continue
        if match[2] == "SUCCESS" and isinstance(values, dict):
            yield match[1], values


def _made_of(name: str, template: str, variables: Variables) -> Iterator[str]:
    """Yield a template, and every text that it may come to by the variables that it names."""
    waiting, texts = [template], {template}
    while waiting:
        text = waiting.pop()
        yield text
        for each in _named_in(name, text, variables):
            if each not in texts:
                texts.add(each)
                waiting.append(each)


def _named_in(name: str, text: str, variables: Variables) -> Iterator[str]:
    if _EVERYWHERE.search(text):
        yield from _texts(dict(variables))
        return
    of_host = variables.get(name, {})
    for word in _WORD.findall(text):
        if word in of_host:
            yield from _texts(of_host[word])


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


def _refuse_lookups(name: str, variable: str, text: str) -> None:
    if is_template(text) and _ANY_LOOKUP.search(_READING.sub("", text)):
        raise ConfigurationError(
            f"{variable} of {name} is a template with a lookup that may act on this machine",
            hint="Where a standby is may be read: by lookup('env', …), lookup('file', …) or "
            "lookup('vars', …).",
        )
