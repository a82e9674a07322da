"""Whatever a standby's own scripts, its kernel or its network card say, it is read or refused."""

from __future__ import annotations

import json
import struct
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.hostile import EXAMPLES, documents, texts

from pradrill.adapters.ssh.egress import SshEgress
from pradrill.adapters.ssh.files import SshFileWatch
from pradrill.adapters.ssh.interpreter import SshReply
from pradrill.adapters.ssh.remote_reason import reason
from pradrill.adapters.ssh.remote_resolver import Names, question, reply
from pradrill.adapters.ssh.sessions import Sessions
from pradrill.adapters.standbys.lab.capture import read_capture
from pradrill.domain.run import host_answers
from pradrill.domain.run.host import Host, Site
from pradrill.domain.run.inventory_answers import inventory
from pradrill.domain.values.masking import Masker
from pradrill.errors import UNREADABLE, PradrillError

HOST = Host(name="web-dr", address="192.0.2.20", user="root", dr_role="standby")
SITE = Site(
    hosts=(HOST,),
    inventory=Path("inventory"),
    known_hosts=Path("known_hosts"),
    ssh_config=Path("ssh_config"),
    run_id="20260310T020000Z-moodle-abcdef",
)
EGRESS = {
    "listing": "table inet pradrill {}",
    "attempts": [
        {
            "protocol": "tcp", "address": "198.51.100.7", "port": 443, "name": "api.example",
            "uid": 33, "user": "www-data", "process": "php", "programs": ["php"], "count": 3,
            "let_through": False,
        }
    ],
    "mail": {
        "servers": [
            ["mail.example", "203.0.113.25", 25,
             {"connections": 1, "mails": 1, "recipients": 2, "mailless": 0},
             {"client.example": 2}, 1_700_000_000, 1_700_000_009]
        ],
        "unkept": 0, "turned_away": 0,
    },
    "unkept": 0,
    "names": [{"name": "api.example", "count": 2, "process": "php", "addresses": ["192.0.2.9"]}],
    "names_unkept": 0,
    "resolver": True,
    "left": ["table inet pradrill"],
    "tables": ["pradrill_x"],
}  # fmt: skip
FILES = {
    "counts": {"package": 3, "neither": 1},
    "files": [["/opt/licence", "neither", ["/usr/bin/php"], False]],
    "unkept": 0, "gone": 0, "overflow": False, "unmarked": ["/mnt"],
}  # fmt: skip
FAULT = {"fault": "refused", "because": "nft: no"}


class SameAnswer:
    """The sessions of a host that answers so to everything."""

    def __init__(self, answer: SshReply) -> None:
        self._answer = answer

    def script(self, *_words: Any, **_options: Any) -> SshReply:
        """Return it."""
        return self._answer


replies = st.builds(
    SshReply, st.sampled_from([0, 0, 0, 1]), documents(EGRESS, FILES, FAULT), texts, st.booleans()
)


@settings(max_examples=2 * EXAMPLES)
@given(replies)
def test_what_a_standby_says_of_its_way_out_and_its_files_is_read_or_refused(
    answer: SshReply,
) -> None:
    """Attempts, names, mails and files can be written into a journal, or nothing is."""
    sessions = cast("Sessions", SameAnswer(answer))
    asks: list[Callable[[], object]] = [
        lambda: SshEgress(sessions).look(HOST, SITE).model_dump_json(),
        lambda: SshEgress(sessions).remove(HOST, SITE),
        lambda: SshEgress(sessions).tables(HOST, SITE),
        lambda: SshFileWatch(sessions).read(HOST, SITE, ["/srv"]).model_dump_json(),
    ]
    for ask in asks:
        with suppress(PradrillError):
            ask()


words = st.sampled_from(
    [
        *("  0: 00000000:0016 00000000:0000 0A", "0100007F:1F90", ":", "0A", " ", "\n", "\t"),
        *("ssh.service", "user@0.service", "loaded", "/dev/sda1 / ext4 rw 0 0", r"\040", r"\777"),
        *("    inet 192.0.2.20/24 scope", "/32 host LOCAL", "fe80" * 8, "ssh-ed25519", "AAAA"),
        *("unit", "mount", "socket", "package", "!unit", "stopped", "password='a", "---", "\x00"),
        *("ERROR 1062 (23000): Duplicate entry 'a' for key 'b'", "'", '"', "{", "[", "ii", "32768"),
        *("\x1b[31m", "\\", "\\n", "secret=", "://u:p@h/", "..."),
    ]
) | st.text(max_size=12)  # fmt: skip
tables = st.lists(words, max_size=30).map("".join) | st.tuples(words, st.integers(1, 3_000)).map(
    lambda pair: pair[0] * pair[1]
)


@settings(max_examples=3 * EXAMPLES)
@given(tables)
def test_tables_of_a_standby_are_read_or_refused(table: str) -> None:
    """Sockets, units, mounts, addresses, keys: as its kernel writes them, or anything else."""
    assert len(host_answers.last_line(table)) <= 200
    assert host_answers.last_line(table).isprintable()
    host_answers.document_in(table)
    host_answers.pinned_keys(table, "web")
    host_answers.public_keys(table)
    for read in (
        host_answers.listening,
        host_answers.services,
        host_answers.waiting_units,
        host_answers.mounts,
        host_answers.addresses,
    ):
        with suppress(*UNREADABLE):
            read(table)
    inventory(table.replace(" ", "\t"), ["a.timer"]).model_dump_json()


@settings(max_examples=2 * EXAMPLES)
@given(tables)
def test_no_secret_stays_in_what_a_tool_prints(text: str) -> None:
    """Whatever stands around it; and a database's reason is short."""
    masker = Masker(["hunter2hunter2", "pass'word\"9"])
    masked = masker.text(f"{text} hunter2hunter2\n{text}")
    assert "hunter2hunter2" not in masked
    assert masker.text(masked) == masked
    assert len(reason(text)) <= 300


packets = st.one_of(
    st.binary(max_size=80),
    st.tuples(
        st.sampled_from([b"\x08\x00", b"\x86\xdd", b"\x08\x06"]),
        st.sampled_from([b"\x45", b"\x4f", b"\x60"]),
        st.binary(max_size=60),
    ).map(lambda parts: bytes(12) + b"".join(parts)),
)
_HEAD = struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 320, 1)


@settings(max_examples=3 * EXAMPLES)
@given(st.lists(packets, max_size=8), st.binary(max_size=20), st.booleans())
def test_what_a_network_card_sent_is_read_or_refused(
    frames: list[bytes], rest: bytes, is_whole: bool
) -> None:
    """Root inside sends what it likes; what is read of it can be written down."""
    records = b"".join(struct.pack("=IIII", 0, 0, len(each), len(each)) + each for each in frames)
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder, suppress(PradrillError):
        path = Path(folder, "sent.pcap")
        path.write_bytes((_HEAD if is_whole else b"") + records + rest)
        read_capture(path, "web-dr", frozenset({"192.0.2.1:22"})).model_dump_json()


labels = st.lists(
    st.tuples(st.integers(0, 255), st.binary(max_size=64)).map(
        lambda pair: bytes([pair[0]]) + pair[1]
    ),
    max_size=6,
).map(b"".join)


@settings(max_examples=3 * EXAMPLES)
@given(st.binary(max_size=12), labels, st.sampled_from([b"", b"\0\0\x01\0\x01", b"\0\0\x1c\0\x01"]))
def test_a_question_for_a_name_is_answered_or_passed_over(
    head: bytes, name: bytes, kind: bytes
) -> None:
    """The resolver of a standby goes on, whatever a service sends to it."""
    names = Names({"api.example": ["192.0.2.9", "2001:db8::9"]})
    query = head.ljust(12, b"\0") + name + kind
    answer = reply(query, names, 0)
    assert not answer or answer[:2] == query[:2]
    json.dumps(names.as_json())
    with suppress(IndexError, ValueError, struct.error):
        assert question(query)[0].isprintable()
