"""Whatever ssh, ssh-keygen and ansible-inventory print, and whatever an address says."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from pathlib import Path
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.hostile import EXAMPLES

from pradrill.adapters.standbys import pinned_keys, ssh_route
from pradrill.config.jumps import is_jump
from pradrill.domain.run.host import Host
from pradrill.domain.values.host_key import fingerprint
from pradrill.domain.values.ssh_place import ssh_place
from pradrill.errors import PradrillError

HOST = Host(name="web-dr", address="web", user="root", dr_role="standby")
KEYS = (
    "hostname", "port", "user", "proxyjump", "proxycommand", "identityfile", "hostkeyalias",
    "userknownhostsfile", "globalknownhostsfile",
)  # fmt: skip
VALUES = st.sampled_from(
    [
        "none", "192.0.2.20", "22", "0", "99999999", "root", "a@b:22", "a@[::1]:22,b", "~/x ~/y",
        "/etc/known hosts /b", "~nobody-at-all/x", "", " ", "%h", "::1", "-oProxyCommand=x", "\x00",
    ]
) | st.text(max_size=12)  # fmt: skip
USUAL = "hostname web\nport 22\nuser root\n"
settings_of_ssh = st.lists(st.tuples(st.sampled_from(KEYS), VALUES).map(" ".join), max_size=8).map(
    "\n".join
)


@settings(max_examples=4 * EXAMPLES)
@given(settings_of_ssh, st.booleans())
def test_what_ssh_says_of_a_way_is_taken_or_refused(output: str, is_usual: bool) -> None:
    """A jump host, an alias or a file of keys of any name."""
    text = f"{output}\n{USUAL}" if is_usual else output
    answer = subprocess.CompletedProcess([], 0, text, "")
    with (
        patch("subprocess.run", lambda *_, **__: answer),
        suppress(PradrillError),
    ):
        for host in ssh_route.hops(ssh_route.route(HOST)):
            assert 0 < host.port < 1 << 16


lines = st.lists(
    st.sampled_from(
        ["@revoked", "@cert-authority", "web", "ssh-ed25519", "AAAA", "#", " ", "\t", "|1|a|b"]
    )
    | st.text(max_size=8),
    max_size=20,
).map(" ".join)


@settings(max_examples=2 * EXAMPLES)
@given(st.lists(lines, max_size=5).map("\n".join))
def test_what_ssh_keygen_says_of_pins_is_keys_or_none(output: str) -> None:
    """A key that it calls revoked is none."""
    answer = subprocess.CompletedProcess([], 0, output, "")
    with patch("subprocess.run", lambda *_, **__: answer):
        pins = pinned_keys.PinnedKeys([Path("known_hosts")])
        for key in pins.of(HOST):
            fingerprint(key)
        pins.certifies(HOST)


@settings(max_examples=4 * EXAMPLES)
@given(
    st.lists(
        st.sampled_from(
            ["sftp://", "ssh://", "u@", "h", ":22", ":0", "[::1]", "%eth0", "/srv", "-J ", "-o",
             "=", "ProxyJump", "ControlMaster", " ", "'", '"', ",", "#", "?"]
        )
        | st.text(max_size=5),
        max_size=12,
    ).map("".join)
)  # fmt: skip
def test_an_address_leads_to_a_host_or_nowhere(address: str) -> None:
    """No option of ssh's is taken for a host."""
    place = ssh_place(address)
    assert place is None or not place.login.startswith("-")
    is_jump(address)
