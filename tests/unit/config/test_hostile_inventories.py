"""Whatever an inventory's own programs make Ansible list, hosts are read of it or it is refused."""

from __future__ import annotations

import json
import subprocess
from contextlib import suppress
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.hostile import EXAMPLES, documents, texts

from pradrill.config import inventory, templates
from pradrill.errors import ConfigurationError

LISTING = {
    "_meta": {
        "hostvars": {
            "standby1": {
                "ansible_host": "192.0.2.20",
                "ansible_port": 22,
                "ansible_user": "drill",
                "ansible_become": True,
                "ansible_become_flags": "-H -S",
                "ansible_ssh_common_args": "-o ProxyJump=jump1",
                "dr_role": "standby",
            }
        }
    },
    "all": {"children": ["ungrouped", "standbys"]},
    "standbys": {"hosts": ["standby1"], "children": ["standbys"]},
}
ANSWER = 'standby1 | SUCCESS => {"msg": {"pradrill_0": "192.0.2.20"}}'
PATH = Path("/nonexistent/inventory.yml")


@settings(max_examples=6 * EXAMPLES)
@given(
    documents(LISTING),
    st.sampled_from(["standbys", "standby1", "all"]),
    st.sampled_from([0, 0, 0, 0, 1, -9]),
    texts | st.sampled_from(["[ERROR]: Failed to parse x with 'yaml' plugin: y", ANSWER]),
)
def test_what_ansible_lists_is_hosts_or_refused(
    listing: str, pattern: str, code: int, words: str
) -> None:
    """Each of them is one that ssh can be asked for."""

    def ask(_path: Path, program: str, *_: str, **__: str) -> subprocess.CompletedProcess[bytes]:
        out = listing if program == "ansible-inventory" else words
        errors = words.encode("utf-8", "replace")
        return subprocess.CompletedProcess([], code, out.encode("utf-8", "replace"), errors)

    with patch.object(inventory, "ask_of", ask), suppress(ConfigurationError):
        hosts = inventory.read_inventory(PATH, pattern)
        assert hosts
        assert len({host.name for host in hosts}) == len(hosts)
        for host in hosts:
            assert not host.address.startswith("-")
            host.model_dump_json()


@settings(max_examples=2 * EXAMPLES)
@given(documents({"msg": {"pradrill_0": "192.0.2.20"}}, {"msg": '{"a": [1]}'}), texts)
def test_what_ansible_makes_of_templates_is_values_or_nothing(answer: str, words: str) -> None:
    """A debug task tells a variable; whatever else stands there is no value of it."""
    for answers in (answer, json.dumps({"msg": answer}), words):
        for name, values in templates._answers(f"web | SUCCESS => {answers}\n{words}"):
            assert name
            assert isinstance(values, dict)


@pytest.mark.parametrize(
    "listing",
    ["", "[]", "{", json.dumps({**LISTING, "_meta": []}), json.dumps({"standbys": {"hosts": 1}})],
)
def test_a_listing_that_is_none_is_a_sentence(listing: str) -> None:
    """It was a traceback."""
    answer = subprocess.CompletedProcess([], 0, listing.encode(), b"")
    with (
        patch.object(inventory, "ask_of", lambda *_, **__: answer),
        pytest.raises(ConfigurationError, match=r"inventory\.yml"),
    ):
        inventory.read_inventory(PATH, "standbys")
