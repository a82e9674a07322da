"""Whatever a client says to what takes mail, it is answered in order, and nothing of it is kept."""

from __future__ import annotations

import json
import re
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.hostile import EXAMPLES

from pradrill.adapters.ssh.remote_mail_sink import LONGEST_LINE, MOST_ERRORS, Sink, Talk
from pradrill.domain.run.mail_sink import MailServerUse

PERSON = "Jean_Dupont"
"""It cannot be part of a domain, so that it is found wherever a word is kept that is none."""
_WORD = PERSON.encode()
_LINES = st.sampled_from(
    [
        b"EHLO " + _WORD,
        b"HELO x",
        b"MAIL FROM:<" + _WORD + b"@exemple.fr>",
        b"MAIL FROM:<> SIZE=99999999999",
        b"RCPT TO:<" + _WORD + b"@client.example>",
        b'RCPT TO:<"' + _WORD + b'@b"@client.example>',
        b"RCPT TO:<a@" + _WORD + b".example>",
        b"RCPT TO:" + _WORD,
        b"rcpt to: <a@b@" + _WORD + b">",
        b"RCPT TO:<a@client.example> ORCPT=rfc822;" + _WORD + b"@x.example",
        b"DATA",
        b".",
        b"..",
        b"Subject: " + _WORD,
        b"RSET",
        b"NOOP " + _WORD,
        b"AUTH PLAIN " + _WORD,
        b"STARTTLS",
        b"BDAT 86 LAST",
        b"VRFY " + _WORD,
        b"GET /" + _WORD + b" HTTP/1.1",
        b"a" * (LONGEST_LINE + 5) + _WORD,
        b"",
        b"\x16\x03\x01" + _WORD,
        b"\x00\xff\xfe" + _WORD,
    ]
) | st.binary(max_size=40)
_ENDS = st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b""])
speeches = st.lists(st.tuples(_LINES, _ENDS).map(b"".join), max_size=40).map(b"".join)
cuts = st.lists(st.integers(0, 2_000), max_size=8)
LINE = re.compile(rb"[2-5][0-9]{2}[ -][\x20-\x7e]*\r\n")


def spoken(*chunks: bytes) -> tuple[bytes, Sink, Talk]:
    """Let a client say these, then go."""
    sink = Sink()
    server, _ = sink.arrive(("203.0.113.25", 25), 1_700_000_000.0)
    words = Talk(sink, server)
    answers = b""
    for chunk in chunks:
        if not words.over:
            answers += words.hear(chunk)
            assert words.over or len(words.pending) <= LONGEST_LINE + len(chunk)
    words.end()
    return answers, sink, words


def remains(sink: Sink, words: Talk) -> str:
    """Return all that is left of what was said."""
    every = [vars(server) for server in (*sink.servers.values(), sink.rest)]
    return json.dumps(sink.as_json()) + repr((every, sink.domains, vars(words)))


@settings(max_examples=EXAMPLES * 5, deadline=None)
@given(speech=speeches)
def test_whatever_is_said_is_answered_line_by_line_and_kept_nowhere(speech: bytes) -> None:
    """Answers are lines of SMTP, errors end it, counts add up, and no word of it stays."""
    answers, sink, words = spoken(speech)
    assert LINE.sub(b"", answers) == b""
    assert answers.count(b"\r\n5") <= MOST_ERRORS + speech.count(b"SIZE=")
    assert PERSON.lower() not in remains(sink, words).lower()
    (server,) = sink.servers.values()
    counts = server.counts
    assert sum(server.domains.values()) <= counts["recipients"]
    assert counts["mails"] <= counts["recipients"]
    assert counts["mailless"] == (not counts["mails"])
    domains = [{"domain": name, "recipients": many} for name, many in server.domains.items()]
    times = {"first": "2026-01-01T00:00:00Z", "last": "2026-01-01T00:00:00Z"}
    MailServerUse.model_validate(
        {"address": "203.0.113.25", "port": 25, **counts, "domains": domains, **times}
    )


@settings(max_examples=EXAMPLES * 5, deadline=None)
@given(speech=speeches, places=cuts)
def test_how_the_network_cuts_it_changes_nothing(speech: bytes, places: list[int]) -> None:
    """The same words in other pieces have the same answers and the same counts."""
    edges = [0, *sorted(min(place, len(speech)) for place in places), len(speech)]
    pieces = [speech[a:b] for a, b in pairwise(edges)]
    whole, one, _ = spoken(speech)
    in_pieces, other, _ = spoken(*pieces)
    assert in_pieces == whole
    assert other.as_json() == one.as_json()
