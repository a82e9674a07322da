"""Whatever lies on a standby or runs there under a name of ours, what is sent there goes on."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any
from unittest.mock import patch

from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.support.hostile import EXAMPLES, documents, texts

from pradrill.adapters.ssh import remote_file_watch, remote_files, remote_lease, remote_strays

MARK, RUN = "PRADRILL_SCOPE", "20261128T020000Z-shop-a1b2c3"
LEASE = {"run": RUN, "controller": "ops", "state": "/var/lib/pradrill", "boot": "b", "until": 90.0}
REQUEST = {"term": 600.0, "over": ["ended"], "run": RUN, "machine_id": "0" * 32}
numbers = st.sampled_from(["", "0", "1", "7", "9" * 11, "9" * 5_000, "-1", "\u00b2", "7 7", "x"])


@settings(max_examples=4 * EXAMPLES)
@given(documents(LEASE).map(lambda text: text.encode("utf-8", "surrogatepass")) | st.binary())
def test_a_lease_of_any_words_holds_or_says_why_not(content: bytes) -> None:
    """One that cannot be read is none; one that holds ends within its term."""
    with patch.object(remote_lease, "boot", lambda: ("b", 60.0)):
        words = remote_lease.words_in(content)
        if words is None:
            return
        why = remote_lease.over(words, REQUEST)
        assert why in {"", "rebooted", "expired", "impossible", "ended"}
        if not why:
            assert 60.0 < words["until"] <= 660.0
        json.dumps(remote_lease.busy(words))


processes = st.tuples(
    st.sampled_from(["bash", "a) S 1", "(x", "mysqld", "\u202e", ""]) | st.text(max_size=8),
    st.sampled_from(["S", "Z", "R"]),
    st.integers(0, 2**31 - 1),
    st.one_of(numbers, st.text(max_size=5)),
)


@settings(max_examples=4 * EXAMPLES)
@given(processes)
@example(("bash", "S", 1, "9" * 5_000))
@example(("bash", "S", 0, "1\0"))
def test_a_process_is_looked_at_whatever_its_name_and_marks(
    one: tuple[str, str, int, str],
) -> None:
    """What its environment holds in the place of a number is none, and hinders no sweep."""
    name, state, number, leader = one
    leader = leader.partition("\0")[0]  # no environment holds more of it
    words = " ".join(str(number) if at != 5 else "0" for at in range(49))
    files = {
        "stat": f"7 ({name}) {state} {words}".encode("utf-8", "replace"),
        "environ": f"A=1\0{MARK}={RUN}:{leader}\0".encode("utf-8", "replace"),
    }
    with patch.object(remote_strays, "read", lambda _, name: files[name]):
        facts = remote_strays.process(7, {"mark": MARK, "run": RUN})
    assert (facts is None) == (state == "Z")
    if facts is not None:
        assert facts["of"] is None or str(facts["of"]) == leader.lstrip("0") or facts["of"] == 0
    mark = f"{MARK}={RUN}:".encode()
    with (
        patch.object(remote_file_watch, "read", lambda _: files["environ"]),
        patch.object(remote_file_watch, "parent", lambda _: 1),
    ):
        whose = remote_file_watch.Processes(mark.decode()).of_whom(7)
    assert whose in {"service", "command", "other"}


LINES = ["0 - /etc/a", "17 00 /etc/a", "\u00b2 x /etc/a", "64 - /srv/b", " ", "1", "x"]


@settings(max_examples=4 * EXAMPLES)
@given(st.lists(st.one_of(st.sampled_from(LINES), texts, numbers), max_size=8).map("\n".join))
def test_what_rpm_lists_is_a_packages_or_nobodys(listing: str) -> None:
    """A name of two lines, and no list at all, tell of no other file."""
    answer = subprocess.CompletedProcess([], 0, listing.encode("utf-8", "surrogatepass"), b"")
    with (
        patch.object(remote_files, "RPM", (os.sep,)),
        patch.object(subprocess, "run", lambda *_, **__: answer),
    ):
        names, changes = remote_files.of_rpm({"/etc/a", "/srv/b"})
    assert names is None or names <= {"/etc/a", "/srv/b"}
    assert changes <= (names or set())


@settings(max_examples=4 * EXAMPLES)
@given(st.lists(st.text(max_size=9) | st.just("/" * 5_000), max_size=6), st.booleans())
def test_a_path_of_any_letters_can_be_told(paths: list[str], is_other: bool) -> None:
    """It is written as it is read, and nothing of it acts on a terminal."""
    for path in paths:
        text: Any = remote_files.plain(path)
        assert text.isprintable()
        assert len(text) <= 4 * remote_files.LONGEST
        json.dumps([text, is_other])
