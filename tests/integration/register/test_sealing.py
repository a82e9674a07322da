"""Signatures and stamps, made and verified by the real ssh-keygen, openssl and git."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.integration.hosts.machines import propagation
from tests.integration.house import build, pradrill, seal_with_a_key

from pradrill.domain.declared.sealing import Sealing
from pradrill.domain.register.entry import EntryKind
from pradrill.errors import ExitCode, RecordError
from pradrill.register.sealing.publishing import newest_pushed
from pradrill.register.verification.acknowledge import acknowledge
from pradrill.register.verification.verify import verify
from pradrill.system.tools import tool
from pradrill.testing import START, a_sealed_run, after

from .conftest import only_in_an_agent

_PLAN = """
plan: 1
organisation: Exemple SAS
services: {{moodle: {{objectives: {{rto: 4h, rpo: 24h}}}}}}
sealing: {{key: {key}}}
"""


def stock_verify(state: Path, file: Path, signers: str) -> bool:
    """Ask stock ssh-keygen about a file's signature."""
    allowed = state.parent / "allowed_signers"
    allowed.write_text(signers)
    with file.open("rb") as content:
        result = subprocess.run(
            [
                *("ssh-keygen", "-Y", "verify", "-f", allowed, "-I", "ops@exemple.fr"),
                *("-n", "pradrill", "-s", f"{file}.sig"),
            ],
            stdin=content,
            check=False,
            capture_output=True,
        )
    return result.returncode == 0


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_stock_ssh_keygen_verifies_record_and_head(
    tmp_path: Path, kind: str, seal: Callable[..., Any], new_key: Callable[..., Path]
) -> None:
    """`ssh-keygen -Y verify` accepts the record's and the head's signature, and no changed byte."""
    key = new_key(tmp_path, kind=kind)
    state = tmp_path / "state"
    store, messages = seal(state, Sealing(key=key, principal="ops@exemple.fr"))
    record = state / "runs" / a_sealed_run(store).run_id / "record.json"
    public = key.with_suffix(".pub").read_text()
    signers = f"ops@exemple.fr {public}"
    assert stock_verify(state, record, signers)
    assert stock_verify(state, state / "register.head", signers)
    record.chmod(0o600)
    record.write_bytes(record.read_bytes().replace(b"PASSED", b"PASSEE", 1))
    assert not stock_verify(state, record, signers)
    assert messages == []


def test_a_key_in_an_agent_signs(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    seal: Callable[..., Any],
    new_key: Callable[..., Path],
) -> None:
    """Named by its public half, a key that only the agent holds signs, as one on a token does."""
    key = new_key(tmp_path)
    with only_in_an_agent(key, monkeypatch) as public:
        store, messages = seal(tmp_path / "state", Sealing(key=public))
        a_sealed_run(store)
    assert messages == []
    assert verify(store.state, each=True).troubles == []


def test_a_key_with_a_passphrase_never_asks(
    tmp_path: Path, seal: Callable[..., Any], new_key: Callable[..., Path]
) -> None:
    """Where a person would be asked, nobody is: the run is entered, and says why it is unsigned."""
    key = new_key(tmp_path, phrase="a secret phrase")
    store, messages = seal(tmp_path / "state", Sealing(key=key))
    run_id = a_sealed_run(store).run_id
    assert any("not signed" in line for line in messages)
    run = next(e.body for e in store.register.entries() if e.kind is EntryKind.RUN)
    assert run["run_id"] == run_id
    assert run["unsigned"]
    verification = verify(store.state)
    assert [trouble.where for trouble in verification.troubles] == ["register.head.sig"]
    assert any(run_id in note for note in verification.notes)


def test_a_key_that_is_back_signs_and_says_what_it_does_not_vouch_for(
    tmp_path: Path, seal: Callable[..., Any], new_key: Callable[..., Path]
) -> None:
    """What was entered without the key could be anybody's: it is told, and can be answered for."""
    key = new_key(tmp_path)
    state = tmp_path / "state"
    a_sealed_run(seal(state, Sealing(key=key)).store, 0)
    a_sealed_run(seal(state, None).store, 1)
    unsigned = ["register.head.sig: the head is not signed, and a key is named"]
    assert [str(t) for t in verify(state).troubles] == unsigned
    store = seal(state, Sealing(key=key)).store
    store.settle(START)
    assert [str(t) for t in verify(state).troubles] == unsigned
    a_sealed_run(store, 2)
    (trouble,) = verify(state).troubles
    assert trouble.what.startswith("nobody vouches for entries 3 to 3: ")
    assert acknowledge(store.register, START, by="ops", because="the key was away")
    assert verify(state).troubles == []


def test_a_head_that_had_no_room_leaves_the_one_before_signed(
    tmp_path: Path, seal: Callable[..., Any], new_key: Callable[..., Path]
) -> None:
    """An entry without the key that could not be written changes nothing of what was signed."""
    key, state = new_key(tmp_path), tmp_path / "state"
    register = seal(state, Sealing(key=key)).store.register
    register.append(EntryKind.ANNOTATION, {"text": "signed"}, START)
    names = ("register", "register.head", "register.head.sig", "register.signed")

    def contents() -> dict[str, bytes]:
        return {name: (state / name).read_bytes() for name in names if (state / name).exists()}

    before = contents()
    (draft := state / ".register.head.draft").mkdir()  # as a disk without room for the head alone
    away = key.rename(key.with_name("away"))
    with pytest.raises(RecordError, match=r"register\.head"):
        register.append(EntryKind.ANNOTATION, {"text": "lost"}, START)
    draft.rmdir()
    assert contents() == before
    assert verify(state).troubles == []

    register.append(EntryKind.ANNOTATION, {"text": "unsigned"}, START)
    before = contents()
    draft.mkdir()
    with pytest.raises(RecordError, match=r"register\.head"):
        register.append(EntryKind.ANNOTATION, {"text": "lost"}, START)
    draft.rmdir()
    assert contents() == before, "the head before is another than the signed one"
    away.rename(key)


def test_only_trusted_keys_count(
    tmp_path: Path, seal: Callable[..., Any], new_key: Callable[..., Path]
) -> None:
    """A register that somebody signed anew with a key of their own fails the reader's list."""
    key, theirs = new_key(tmp_path, "mine"), new_key(tmp_path, "theirs")
    store, _ = seal(tmp_path / "state", Sealing(key=theirs))
    a_sealed_run(store)
    trusted = f"pradrill {key.with_suffix('.pub').read_text()}"
    assert verify(store.state).troubles == []
    (trouble,) = verify(store.state, signers=trusted).troubles
    assert trouble.where == "register.head.sig"
    assert "not an allowed signer's" in trouble.what


def test_a_reader_with_a_list_wants_signatures(
    tmp_path: Path, seal: Callable[..., Any], new_key: Callable[..., Path]
) -> None:
    """Where signers are given, an unsigned register does not pass."""
    store, _ = seal(tmp_path / "state", None)
    a_sealed_run(store)
    key = new_key(tmp_path)
    signers = f"pradrill {key.with_suffix('.pub').read_text()}"
    assert [t.where for t in verify(store.state, signers=signers).troubles] == ["register.head.sig"]


def test_a_new_key_is_an_entry(
    tmp_path: Path, seal: Callable[..., Any], new_key: Callable[..., Path]
) -> None:
    """The chain says which key signs from when on, and both keys' records verify."""
    one, two = new_key(tmp_path, "one"), new_key(tmp_path, "two")
    state = tmp_path / "state"
    a_sealed_run(seal(state, Sealing(key=one)).store, 0)
    store = seal(state, Sealing(key=two, previous_key=one)).store
    a_sealed_run(store, 1)
    kinds = [entry.kind.value for entry in store.register.entries()]
    assert kinds == ["seals", "run", "seals", "run"]
    assert verify(state, each=True).troubles == []


def test_a_signature_that_does_not_fit_is_found_by_itself(
    tmp_path: Path, seal: Callable[..., Any], new_key: Callable[..., Path]
) -> None:
    """`each` finds a signature that is the one entered and yet is not of this record."""
    key = new_key(tmp_path)
    store, _ = seal(tmp_path / "state", Sealing(key=key))
    run_id = a_sealed_run(store).run_id
    body = next(e.body for e in store.register.entries() if e.kind is EntryKind.RUN)
    wrong = store.state / "register.head.sig"
    shutil.copy(wrong, tmp_path / "wrong.sig")
    signature = store.runs / run_id / "record.json.sig"
    signature.chmod(0o600)
    shutil.copy(tmp_path / "wrong.sig", signature)
    digest = subprocess.run(["sha256sum", signature], check=True, capture_output=True).stdout
    files = {**body["files"], "record.json.sig": digest.decode().split()[0]}
    (store.state / "register").unlink()
    (store.state / "register.head").unlink()
    store.register.append(EntryKind.RUN, {**body, "files": files}, START)
    assert verify(store.state).troubles == []
    (trouble,) = verify(store.state, each=True).troubles
    assert trouble.what == "the signature does not fit the content"


def test_an_authority_stamps_each_run(
    tmp_path: Path, authority: Any, seal: Callable[..., Any]
) -> None:
    """The stamp of a run's entry stands in the chain and holds with stock `openssl ts -verify`."""
    settings = Sealing(authority=authority.address, authority_ca=authority.ca)
    store, messages = seal(tmp_path / "state", settings)
    a_sealed_run(store, 0)
    a_sealed_run(store, 1)
    assert messages == []
    kinds = [entry.kind.value for entry in store.register.entries()]
    assert kinds == ["seals", "run", "stamp", "run", "stamp"]
    verification = verify(store.state, each=True)
    assert verification.troubles == []
    stamp = verification.entries[-1].body
    line = store.register.lines()[3] + b"\n"
    (tmp_path / "entry").write_bytes(line)
    subprocess.run(
        f"jq -r 'select(.number == 5).body.response' {store.register.path} | base64 -d > stamp.tsr"
        f" && openssl ts -verify -data entry -in stamp.tsr -CAfile {authority.ca}",
        shell=True,
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    assert stamp["sha256"] == verification.entries[-1].previous


def test_another_authoritys_stamp_does_not_hold(
    tmp_path: Path, authority: Any, seal: Callable[..., Any]
) -> None:
    """A stamp counts only by the certificates that were named for it."""
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30"),
            *("-keyout", "other.key", "-out", "other.pem", "-subj", "/CN=Other CA"),
        ],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    settings = Sealing(authority=authority.address, authority_ca=tmp_path / "other.pem")
    store, _ = seal(tmp_path / "state", settings)
    a_sealed_run(store)
    (trouble,) = verify(store.state).troubles
    assert trouble.where == "register: entry 3"
    assert "the stamp does not hold" in trouble.what


def test_an_authority_that_is_down_stops_nothing(
    tmp_path: Path, authority: Any, seal: Callable[..., Any]
) -> None:
    """The run is entered without a stamp, and that is told."""
    settings = Sealing(authority="http://127.0.0.1:9/", authority_ca=authority.ca)
    store, messages = seal(tmp_path / "state", settings)
    a_sealed_run(store)
    assert any("gave no stamp" in line for line in messages)
    assert [e.kind.value for e in store.register.entries()] == ["seals", "run"]
    assert verify(store.state).troubles == []


def test_heads_are_published_in_a_file_and_a_git_remote(
    tmp_path: Path, seal: Callable[..., Any]
) -> None:
    """A line and a commit a head; with either, a register that was made anew is found."""
    remote, log = tmp_path / "audit.git", tmp_path / "elsewhere" / "heads.log"
    subprocess.run(["git", "init", "-q", "--bare", remote], check=True)
    settings = Sealing(head_log=log, head_git=str(remote))
    store, messages = seal(tmp_path / "state", settings)
    for number in range(3):
        a_sealed_run(store, number)
    assert messages == []
    commits = subprocess.run(
        ["git", "--git-dir", remote, "log", "--format=%s", "pradrill-heads"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert commits.splitlines()[0] == str(store.register.head())
    assert len(commits.splitlines()) == len(log.read_text().splitlines()) == 3
    assert verify(store.state, published=[commits, log.read_text()]).troubles == []
    forged, _ = seal(tmp_path / "forged", None)
    a_sealed_run(forged, 0)
    for text in (commits, log.read_text()):
        assert len(verify(forged.state, published=[text]).troubles) == 3


def test_our_repository_of_heads_starts_no_program(
    tmp_path: Path, seal: Callable[..., Any]
) -> None:
    """A hook, or a setting that leads elsewhere, is put there by whoever writes in the state."""
    remote, ran = tmp_path / "audit.git", tmp_path / "ran"
    subprocess.run(["git", "init", "-q", "--bare", remote], check=True)
    store, lines = seal(tmp_path / "state", Sealing(head_git=str(remote)))
    a_sealed_run(store, 0)
    ours = store.state / "heads.git"
    for name in ("pre-push", "reference-transaction"):
        (ours / "hooks" / name).write_text(f"#!/bin/sh\ntouch {ran}\n")
        (ours / "hooks" / name).chmod(0o755)
    with (ours / "config").open("a") as config:
        config.write(f'[url "{tmp_path}/nowhere"]\n\tinsteadOf = {remote}\n')
    a_sealed_run(store, 1)
    assert not ran.exists()
    assert lines == []


def test_a_remote_that_is_away_gets_its_heads_later(
    tmp_path: Path, seal: Callable[..., Any]
) -> None:
    """A head that could not be pushed is told, and goes with the next one."""
    remote = tmp_path / "audit.git"
    store, messages = seal(tmp_path / "state", Sealing(head_git=str(remote)))
    a_sealed_run(store, 0)
    assert any("is not published" in line for line in messages)
    assert newest_pushed(store.state / "heads.git") is None
    subprocess.run(["git", "init", "-q", "--bare", remote], check=True)
    a_sealed_run(store, 1)
    assert newest_pushed(store.state / "heads.git") == store.register.head().sha256
    count = subprocess.run(
        ["git", "--git-dir", remote, "rev-list", "--count", "pradrill-heads"],
        check=True,
        capture_output=True,
    ).stdout
    assert count == b"2\n"


def test_a_register_is_verified_and_signed_when_every_temporary_folder_is_full(
    tmp_path: Path, seal: Callable[..., Any], new_key: Callable[..., Path]
) -> None:
    """What ssh-keygen must read from files lies in memory."""
    places = ("/tmp", "/var/tmp", "/dev/shm", "/run")
    if any(Path(sys.prefix).is_relative_to(place) for place in places):
        pytest.skip("the program itself lies in a temporary folder")

    key = new_key(tmp_path)
    store, lines = seal(tmp_path / "state", Sealing(key=key))
    a_sealed_run(store, 0)
    (tmp_path / "plan.yml").write_text(_PLAN.format(key=key.name))
    words = f"{sys.executable} -m pradrill --drills /mnt --state /mnt/state"
    full = "".join(
        f"mount -t tmpfs -o size=4k none {place}; echo x > {place}/full; " for place in places
    )
    script = f"mount --bind {tmp_path} /mnt; {full} cd /run; unset TMPDIR; "
    script += f"{words} annotate 2026 --well x && {words} register verify"
    result = subprocess.run(
        ["unshare", "--mount", *propagation(), "sh", "-c", script],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "signed by pradrill" in result.stdout
    assert lines == []


def test_a_key_that_fails_is_told_once_and_asked_again_at_the_end(
    tmp_path: Path, seal: Callable[..., Any], new_key: Callable[..., Path]
) -> None:
    """A mail at night is not filled with a line for each fact; the end is worth another try."""
    key = new_key(tmp_path)
    store, lines = seal(tmp_path / "state", Sealing(key=key))
    journal = store.open("moodle", after(0))
    journal.append("run_started", after(0), {})
    journal.append("mark", after(1), {})
    away = key.rename(key.with_name("away"))
    for _ in range(5):
        journal.append("mark", after(2), {})
    assert len(lines) == 1
    assert "not signed" in lines[0]
    away.rename(key)
    journal.append("run_ended", after(3), {})
    journal.close()
    facts = (store.runs / journal.run_id / "journal.jsonl").read_text().splitlines()
    assert ["vouched" in line for line in facts] == [True, True, *[False] * 5, True]


def test_a_tool_inherits_none_of_a_drills_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """`env:` may name any variable; agents, tokens and proxies are reached all the same."""
    for name in ("SHOP_PASSWORD", "SSH_AUTH_SOCK", "https_proxy"):
        monkeypatch.setenv(name, "a value")
    inherited = tool("env").decode()
    assert "SHOP_PASSWORD" not in inherited
    assert "SSH_AUTH_SOCK=a value" in inherited
    assert "https_proxy=a value" in inherited


def test_nothing_is_asked_at_a_terminal(tmp_path: Path, new_key: Callable[..., Path]) -> None:
    """Signing with a passphrase key from a terminal ends at once: /dev/tty is out of reach."""
    key = new_key(tmp_path, phrase="a secret phrase")
    code = (
        "import sys; from pathlib import Path; from pradrill.register.sealing.signing import sign\n"
        "from pradrill.system.tools import ToolError\n"
        "try: sign(b'x', Path(sys.argv[1]))\n"
        "except ToolError: print('refused')\n"
    )
    result = subprocess.run(
        ["script", "-qec", f'{sys.executable} -c "{code}" {key}', "/dev/null"],
        timeout=20,
        check=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
    )
    assert b"refused" in result.stdout
    assert b"passphrase" not in result.stdout.lower()


def test_a_plan_that_cannot_be_read_lets_nobody_say_that_nothing_was_changed(
    tmp_path: Path,
) -> None:
    """Which key it names is not known: verify and acknowledge end with 3 and the plan's line."""
    build(tmp_path)
    seal_with_a_key(tmp_path)
    with (tmp_path / "drills/plan.yml").open("a", encoding="utf-8") as plan:
        plan.write("services: [\n")
    for words in (["verify"], ["acknowledge", "--because", "x"]):
        refused = pradrill(tmp_path, "register", *words)
        assert refused.returncode == ExitCode.CONFIGURATION, refused.stderr
        assert "plan.yml:" in refused.stderr
        assert "nothing was changed" not in refused.stdout
