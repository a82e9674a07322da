"""What takes mail on a standby answers as a server does, and keeps numbers and domains alone."""

from __future__ import annotations

import json
import socket
from threading import Thread

import pytest

from pradrill.adapters.ssh import remote_mail_sink
from pradrill.adapters.ssh.remote_mail_sink import (
    LARGEST,
    MOST_DOMAINS,
    MOST_ERRORS,
    MOST_RECIPIENTS,
    MOST_SERVERS,
    MOST_TALKS,
    Sink,
    Talk,
    domain_of,
    talk,
)

SERVER = ("203.0.113.25", 25)
MAIL = (
    b"EHLO shop\r\nMAIL FROM:<shop@exemple.fr> SIZE=90\r\nRCPT TO:<jean.dupont@client.example>\r\n"
    b"RCPT TO:<anne@Client.example> NOTIFY=NEVER\r\nDATA\r\n"
    b"Subject: your order\r\n\r\n..\r\nDear Jean\r\n.\r\nQUIT\r\n"
)


def codes(answer: bytes) -> list[str]:
    """Return the code of each answer; one of several lines has it once."""
    return [line[:3].decode() for line in answer.splitlines() if line[3:4] != b"-"]


def talked(*chunks: bytes) -> tuple[bytes, dict[str, int], dict[str, int]]:
    """Return what one client was answered, what was counted, and the domains."""
    sink = Sink()
    server, _ = sink.arrive(SERVER, 1_000.0)
    words = Talk(sink, server)
    answers = b"".join(words.hear(chunk) for chunk in chunks if not words.over)
    words.end()
    return answers, server.counts, server.domains


def test_a_mail_is_taken_and_its_domains_counted() -> None:
    """Each command has its answer, in one piece or byte by byte."""
    for chunks in ((MAIL,), tuple(bytes([each]) for each in MAIL)):
        answers, counts, domains = talked(*chunks)
        assert codes(answers) == ["250", "250", "250", "250", "354", "250", "221"]
        assert counts["mails"] == 1
        assert counts["recipients"] == 2
        assert counts["mailless"] == counts["broken"] == 0
        assert domains == {"client.example": 2}


def test_nothing_of_a_mail_is_kept() -> None:
    """No address, no name, no word of it is in what the sink tells or holds."""
    sink = Sink()
    server, _ = sink.arrive(SERVER, 1_000.0)
    words = Talk(sink, server)
    words.hear(MAIL)
    memory = json.dumps(sink.as_json()) + repr(vars(words)) + repr(vars(server))
    for word in ("jean", "dupont", "anne", "order", "Dear", "exemple.fr", "shop"):
        assert word not in memory


def test_who_insists_on_tls_or_a_login_is_counted_and_gets_neither() -> None:
    """Neither is offered, what a client logs in with is forgotten, and it may go on without."""
    answers, counts, _ = talked(b"EHLO x\r\nSTARTTLS\r\nAUTH PLAIN AGEAcGFzc3dvcmQ=\r\nQUIT\r\n")
    assert b"STARTTLS" not in answers
    assert b"AUTH" not in answers
    assert codes(answers) == ["250", "502", "502", "221"]
    assert (counts["tls"], counts["logins"], counts["mailless"]) == (1, 1, 1)
    answers, counts, _ = talked(b"\x16\x03\x01\x02\x00\x01")
    assert (answers, counts["tls"], counts["mailless"]) == (b"", 1, 1)


@pytest.mark.parametrize(
    ("path", "domain"),
    [
        (b"<a@b.example>", "b.example"),
        (b"<a@B.Example.> ORCPT=rfc822;x@y.example", "b.example"),
        (b'<"a@secret.example"@b.example>', "b.example"),
        (b"<@relay.example:a@b.example>", "b.example"),
        (b"a@b.example", "b.example"),
        (b"<jean.dupont>", ""),
        (b"<>", ""),
        (b"<a@jean dupont>", ""),
        (b"<a@[192.0.2.1]>", ""),
        (b"<a@jean_dupont.example>", ""),
        (b"<a@b\xc3\xa9.example>", ""),
        (b"<a@" + b"a." * 200 + b"example>", ""),
        (b"<a@" + b"a" * 64 + b">", ""),
    ],
)
def test_of_a_recipient_the_domain_alone_is_read(path: bytes, domain: str) -> None:
    """What is no plain domain is none, so that nothing else passes for one."""
    assert domain_of(path) == domain


def test_what_is_out_of_order_is_refused() -> None:
    """As by any server: no recipient without a sender, no mail without a recipient."""
    answers, counts, _ = talked(
        b"RCPT TO:<a@b.example>\r\nDATA\r\nMAIL FROM:<>\r\nMAIL FROM:<>\r\nRCPT a@b.example\r\n"
        b"DATA\r\nRCPT TO:<a@b.example>\r\nRSET\r\nDATA\r\nVRFY a\r\nNOOP\r\n\r\nMAIL x\r\n"
    )
    assert codes(answers) == [
        *("503", "503", "250", "503", "501", "503", "250", "250", "503", "502", "250", "502"),
        "501",
    ]
    assert counts["mails"] == 0


def test_whatever_is_without_end_ends() -> None:
    """Lines, errors, recipients, a mail's bytes: each has a limit, and memory has its own."""
    answers, _, _ = talked(b"a" * 100_000, b"b" * 100_000, b"\r\nNOOP\r\n")
    assert codes(answers) == ["500", "250"]
    answers, _, _ = talked(b"?\n" * 10_000, b"NOOP\r\n")
    assert codes(answers)[-1] == "421"
    assert len(answers) < 100 * MOST_ERRORS
    many = b"RCPT TO:<a@b.example>\r\n" * (MOST_RECIPIENTS + 5)
    answers, counts, _ = talked(b"MAIL FROM:<>\r\n" + many + b"DATA\r\n.\r\n")
    assert codes(answers).count("452") == 5
    assert counts["recipients"] == MOST_RECIPIENTS
    answers, counts, _ = talked(f"MAIL FROM:<> SIZE={LARGEST + 1}\r\n".encode())
    assert (codes(answers), counts["broken"]) == (["552"], 1)

    sink = Sink()
    server, _ = sink.arrive(SERVER, 1.0)
    words = Talk(sink, server)
    words.hear(b"MAIL FROM:<>\r\nRCPT TO:<a@b>\r\nDATA\r\n")
    answers, size = b"", 0
    while not words.over:
        answers += words.hear(b"x" * 1_000_000)
        size += 1_000_000
        assert words.over or len(words.pending) < 10
        assert size <= LARGEST + 2_000_000
    words.end()
    assert codes(answers) == ["552"]
    assert server.counts["broken"] == 1


def test_servers_and_domains_have_room_for_so_many() -> None:
    """What is more is counted together, and which domains it was for is not told."""
    sink = Sink()
    for number in range(MOST_SERVERS + 7):
        server, _ = sink.arrive((f"203.0.113.{number}", 25), 1.0)
        sink.leave()
        sink.take(server, [f"d{number}-{each}.example" for each in range(5)])
    payload = sink.as_json()
    assert len(payload["servers"]) == MOST_SERVERS
    assert payload["unkept"] == 7
    domains = {domain for each in payload["servers"] for domain in each[3]}
    assert len(domains) == MOST_DOMAINS
    assert sum(each[2]["recipients"] for each in payload["servers"]) == MOST_SERVERS * 5


def test_of_too_many_connections_the_rest_is_turned_away() -> None:
    """And counted; one that ends makes room."""
    sink = Sink()
    room = [sink.arrive(SERVER, 1.0)[1] for _ in range(MOST_TALKS + 3)]
    assert room == [True] * MOST_TALKS + [False] * 3
    assert sink.turned_away == 3
    sink.leave()
    assert sink.arrive(SERVER, 2.0)[1]


@pytest.mark.parametrize("limit", ["IDLE", "LONGEST_TALK"])
def test_who_says_nothing_or_never_ends_is_left(
    monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    """After its time the connection is closed, and makes room."""
    monkeypatch.setattr(remote_mail_sink, limit, 0.2)
    sink = Sink()
    server, _ = sink.arrive(SERVER, 1.0)
    client, far = socket.socketpair()
    thread = Thread(target=talk, args=(far, sink, server), daemon=True)
    thread.start()
    client.settimeout(5)
    assert client.recv(3) == b"220"
    if limit == "LONGEST_TALK":
        try:
            while thread.is_alive():
                client.sendall(b"NOOP\r\n")
                thread.join(0.02)
        except OSError:
            pass  # it has been closed
    thread.join(5)
    assert not thread.is_alive()
    assert sink.talks == 0
    assert server.counts["mailless"] == 1
