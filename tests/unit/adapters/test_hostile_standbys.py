"""Whatever a standby's kernel and its programs say, what is sent there reads it or says why not."""

from __future__ import annotations

import io
import json
import os
import sys
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.hostile import EXAMPLES, documents

from pradrill.adapters.ssh import remote_egress, remote_file_watch

EVENT = remote_file_watch.EVENT
numbers = st.sampled_from([0, 1, 3, 24, 0x20, 0x1000, 0x4000, 2**32 - 1])
events = st.lists(
    st.builds(
        lambda length, number, mask, has_file, pid: (length, number & 255, mask, has_file, pid),
        st.sampled_from([0, 1, 24]), numbers, numbers, st.booleans(),
        st.sampled_from([-1, 0, 1, 7, 2**31 - 1]),
    ),
    max_size=12,
)  # fmt: skip
WORDS = ["1 (x) S", "(", ")", "a b c", "MARK=run:", "\0", "python3\0-m\0", "sshd", "", "9" * 400]
procs = st.sampled_from(WORDS).map(str.encode) | st.binary(max_size=40)


@settings(max_examples=4 * EXAMPLES)
@given(events, st.binary(max_size=23), procs, st.sampled_from(["", "/usr/bin/python3", "/a\ud8ff"]))
def test_events_of_files_are_kept_or_counted(
    every: list[tuple[int, int, int, bool, int]], rest: bytes, proc: bytes, leads: str
) -> None:
    """Whatever /proc says of who it was: no file stays open, and what is not kept is told."""
    there, here = os.pipe()
    handles = [os.dup(there) if has_file else -1 for _, _, _, has_file, _ in every]
    packed = [
        EVENT.pack(length, number, 0, 24, mask, handle, pid)
        for (length, number, mask, _, pid), handle in zip(every, handles, strict=True)
    ]
    os.write(here, b"".join(packed) + rest or b"\0")
    os.close(here)
    watch = remote_file_watch.Watch(remote_file_watch.Processes("MARK=run:"), there, None)
    try:
        with (
            patch.object(remote_file_watch, "PROC", "/proc/self/ns"),  # in which no process is
            patch.object(remote_file_watch, "read", lambda _: proc),
            patch.object(remote_file_watch, "link", lambda _: leads),
            patch.object(remote_file_watch, "stamp", lambda _: {"/srv/a": 1.0}),
        ):
            json.dumps(watch.as_json())
        for handle in filter(lambda each: each >= 0, handles):
            with pytest.raises(OSError, match="descriptor"):
                os.fstat(handle)
    finally:
        os.close(there)
    lost = [each for each in every if not each[3] and not each[2] & remote_file_watch.OVERFLOW]
    assert watch.unkept >= len(lost)


TABLE = {
    "nftables": [
        {"metainfo": {"version": "1.0.6"}},
        {"counter": {"name": "unkept", "packets": 3, "bytes": 180}},
        {"set": {"name": "through_4", "elem": [
            {"elem": {"val": {"concat": ["192.0.2.7", "tcp", 443, 33]},
                      "counter": {"packets": 2, "bytes": 120}}}]}},
    ]
}  # fmt: skip
LOOK = {"names": [["a.example", 1, "curl", ["192.0.2.7"]]], "unkept": 0, "servers": [["a", 1]]}


@settings(max_examples=4 * EXAMPLES)
@given(
    st.sampled_from(["look", "tables", "prepare", "load"]),
    documents(TABLE),
    st.sampled_from([None, LOOK]),
)
def test_a_table_of_traffic_is_told_or_refused(do: str, text: str, control: Any) -> None:
    """What nft lists becomes attempts, or the reason why it is not known what was tried."""
    request = {
        "do": do, "table": "pradrill_a", "prefix": "pradrill_", "rules": "", "names": [],
        "mail_sink": False, "peer": None, "server": None,
    }  # fmt: skip
    out = io.StringIO()
    with (
        patch.multiple(
            remote_egress,
            output_of=lambda *_, **__: text,
            control=lambda *_: control,
            start=lambda *_: 1,
            running=lambda _: {},
            remove=lambda _: {},
            has_table=lambda _: True,
            lead_nowhere=lambda _: None,
        ),
        patch.object(os, "geteuid", lambda: 0),
        patch.object(sys, "stdout", out),
    ):
        remote_egress.main("", json.dumps(request))
    answer = json.loads(out.getvalue())
    for attempt in answer.get("attempts", []):
        assert isinstance(attempt["count"], int)
        assert isinstance(attempt["address"], str)


@pytest.mark.parametrize(
    "text", ["null", "[]", '{"nftables": 1}', '{"nftables": [{"counter": 1}]}']
)
def test_a_table_that_is_none_is_the_reason(text: str) -> None:
    """It ended the script, and nobody could say why nothing was known."""
    out = io.StringIO()
    with (
        patch.multiple(remote_egress, output_of=lambda *_, **__: text, control=lambda *_: None),
        patch.object(os, "geteuid", lambda: 0),
        patch.object(sys, "stdout", out),
    ):
        remote_egress.main("", json.dumps({"do": "look", "table": "pradrill_a"}))
    assert json.loads(out.getvalue())["fault"] == "refused"


def test_an_event_without_a_length_is_passed() -> None:
    """The watch would have stood at it for ever."""
    there, here = os.pipe()
    os.write(here, EVENT.pack(0, 3, 0, 24, 0x20, -1, 0))
    os.close(here)
    watch = remote_file_watch.Watch(remote_file_watch.Processes("MARK=run:"), there, None)
    watch.take()
    os.close(there)
    assert watch.unkept == 1
