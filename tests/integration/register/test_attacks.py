"""A register in hostile hands: what an attacker with the folder, and old keys or states, can do."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from pradrill.cli import main
from pradrill.domain.declared.sealing import Sealing
from pradrill.domain.register.entry import EntryKind, Seals
from pradrill.errors import ExitCode
from pradrill.register.runs.store import FileRunStore
from pradrill.register.sealing.signing import public_key
from pradrill.register.verification.bundle import make_bundle, verify_bundle
from pradrill.register.verification.verify import verify
from pradrill.testing import a_sealed_run, after

from .conftest import Authority, NewKey, Seal
from .test_bundle import again, stock

_HEAD = ("register", "register.head", "register.head.sig")


def sign_head(state: Path, key: Path) -> None:
    """Sign a head with a key of the attacker's, as `ssh-keygen -Y sign` does."""
    (state / "register.head.sig").unlink(missing_ok=True)
    command = ["ssh-keygen", "-Y", "sign", "-q", "-n", "pradrill", "-f", str(key), "register.head"]
    subprocess.run(command, cwd=state, check=True, capture_output=True)


def test_a_retired_key_signs_no_head(tmp_path: Path, new_key: NewKey, seal: Seal) -> None:
    """Whoever finds the old key cannot go on with the register: the new one must sign its head.

    The stock commands of a bundle see that as well.
    """
    old, new = new_key(tmp_path, "old"), new_key(tmp_path, "new")
    state = tmp_path / "state"
    a_sealed_run(seal(state, Sealing(key=old)).store, 0)
    store = seal(state, Sealing(key=new, previous_key=old)).store
    run_id = a_sealed_run(store, 1).run_id
    assert verify(state, each=True).troubles == []
    make_bundle(store.register, [run_id], tmp_path / "bundle")
    assert stock(tmp_path / "bundle") == []

    FileRunStore(state).register.append(EntryKind.ANNOTATION, {"text": "forged"}, after(9))
    sign_head(state, old)
    (trouble,) = verify(state).troubles
    assert (trouble.where, "not an allowed signer" in trouble.what) == ("register.head.sig", True)
    for name in _HEAD:
        shutil.copy(state / name, tmp_path / "bundle" / name)
    again(tmp_path / "bundle")
    shutil.copy(tmp_path / "bundle/SHA256SUMS", state / "register.head")
    sign_head(state, old)
    shutil.copy(state / "register.head.sig", tmp_path / "bundle/SHA256SUMS.sig")
    failed = stock(tmp_path / "bundle")
    assert any("register.head.sig" in command for command in failed)
    assert any("SHA256SUMS.sig" in command for command in failed)
    wheres = {trouble.where for trouble in verify_bundle(tmp_path / "bundle").troubles}
    assert wheres == {"register.head.sig", "SHA256SUMS.sig"}


def test_a_key_that_comes_back_signs_again(tmp_path: Path, new_key: NewKey, seal: Seal) -> None:
    """The newest entry on keys counts, not the order in which they first came."""
    old, new = new_key(tmp_path, "old"), new_key(tmp_path, "new")
    state = tmp_path / "state"
    for number, key in enumerate((old, new, old)):
        other = new if key is old else old
        store = seal(state, Sealing(key=key, previous_key=other)).store
        run_id = a_sealed_run(store, number).run_id
    assert verify(state, each=True).troubles == []
    assert make_bundle(store.register, [run_id], tmp_path / "bundle").troubles == []
    assert stock(tmp_path / "bundle") == []


@pytest.mark.parametrize("to", ["another key", "no key"])
def test_a_change_of_keys_is_told(
    tmp_path: Path, new_key: NewKey, seal: Seal, to: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever appends a key of their own, or has nobody sign from here on, shows in each answer."""
    key, theirs = new_key(tmp_path, "mine"), new_key(tmp_path, "theirs")
    state = tmp_path / "state"
    store = seal(state, Sealing(key=key)).store
    a_sealed_run(store, 0)
    assert verify(state).notes == []
    other = Seals(principal="pradrill", public_key=public_key(theirs))
    other = other if to == "another key" else Seals()
    FileRunStore(state).register.append(EntryKind.SEALS, other, after(9))
    if to == "another key":
        sign_head(state, theirs)
    assert main(["--state", str(state), "register", "verify"]) == ExitCode.RECORD
    output = capsys.readouterr().out
    fingerprint = verify(state).notes[0]
    assert "note: entry 3: from here on " in output
    assert ("nobody" in output.split("from here on")[1]) == (to == "no key")
    assert "SHA256:" in fingerprint


def test_an_older_state_put_back_passes_and_its_published_heads_do_not(
    tmp_path: Path, new_key: NewKey, seal: Seal
) -> None:
    """A whole older state directory is true in itself, signatures and all: hence the heads."""
    log = tmp_path / "elsewhere" / "heads.log"
    state = tmp_path / "state"
    store = seal(state, Sealing(key=new_key(tmp_path), head_log=log)).store
    a_sealed_run(store, 0)
    shutil.copytree(state, tmp_path / "older")
    a_sealed_run(store, 1, exit_code=10)
    shutil.rmtree(state)
    shutil.copytree(tmp_path / "older", state)
    assert verify(state, each=True).troubles == []
    (trouble,) = verify(state, published=[log.read_text()]).troubles
    assert "was published and is not in the register" in trouble.what


def test_an_older_head_beside_a_newer_register_is_found(
    tmp_path: Path, new_key: NewKey, seal: Seal
) -> None:
    """Head and signature of an earlier day are true together, and of another register."""
    state = tmp_path / "state"
    store = seal(state, Sealing(key=new_key(tmp_path))).store
    a_sealed_run(store, 0)
    older = {name: (state / name).read_bytes() for name in _HEAD[1:]}
    a_sealed_run(store, 1)
    for name, content in older.items():
        (state / name).write_bytes(content)
    (trouble,) = verify(state).troubles
    assert trouble.where == "register.head"


def test_a_run_of_another_register_is_none_of_this_one(
    tmp_path: Path, new_key: NewKey, seal: Seal
) -> None:
    """The same run id, sealed and signed with the same key in another register, is found."""
    key = new_key(tmp_path)
    one, two = (seal(tmp_path / name, Sealing(key=key)).store for name in ("one", "two"))
    run_id = a_sealed_run(one, 0).run_id
    other = a_sealed_run(two, 0, reasons=("all was well",)).run_id
    shutil.rmtree(one.runs / run_id)
    shutil.copytree(two.runs / other, one.runs / run_id)
    troubles = [str(trouble) for trouble in verify(one.state).troubles]
    assert any(f"runs/{run_id}/record.json: was changed" in trouble for trouble in troubles)
    assert any(f"runs/{run_id}/record.json.sig: was changed" in trouble for trouble in troubles)


def test_a_register_written_afterwards_is_betrayed_by_its_stamps(
    tmp_path: Path, authority: Authority, seal: Seal
) -> None:
    """Entries that claim to be of last spring, and stamps of today, are told side by side."""
    settings = Sealing(authority=authority.address, authority_ca=authority.ca)
    store = seal(tmp_path / "state", settings).store
    a_sealed_run(store, 0)  # dated in March 2026; the authority's clock is today's
    (note,) = verify(store.state).notes
    assert note.startswith("entry 2 is dated 2026-03-10")
    assert "stamped on 20" in note


def test_entries_that_go_back_in_time_are_told(tmp_path: Path, seal: Seal) -> None:
    """An entry dated long before the one that it follows was written later than it says."""
    store = seal(tmp_path / "state", None).store
    for at in (after(0), after(86_400), after(86_000), after(10)):
        store.register.append(EntryKind.ANNOTATION, {"text": "x"}, at)
    (note,) = verify(store.state).notes
    assert note.startswith("entry 4 is dated 2026-03-10 02:00:10 UTC, before entry 2")


def test_a_key_signs_only_once_the_chain_names_it(
    tmp_path: Path, new_key: NewKey, seal: Seal
) -> None:
    """A head that was left unsigned stays so; the next entry says that nobody vouches for it."""
    state, old = tmp_path / "state", new_key(tmp_path, "old")
    a_sealed_run(seal(state, Sealing(key=old)).store, 0)
    a_sealed_run(seal(state, None).store, 1)
    store = seal(state, Sealing(key=new_key(tmp_path, "new"), previous_key=old)).store
    store.settle(after(9))
    assert [trouble.what for trouble in verify(state).troubles] == [
        "the head is not signed, and a key is named"
    ]
    a_sealed_run(store, 2)
    (trouble,) = verify(state).troubles
    assert trouble.what.startswith("nobody vouches for entries 3 to 3: ")
