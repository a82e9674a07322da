"""A key on a hardware token signs the register: OpenSSH's own software token stands in for one.

The token is the library that OpenSSH is tested with; signing goes the whole way through ssh-keygen,
its helper process and that library, and the signatures are those of an sk key.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from pradrill.cli import main
from pradrill.domain.declared.sealing import Sealing
from pradrill.domain.register.entry import EntryKind
from pradrill.register.verification.bundle import make_bundle, verify_bundle
from pradrill.register.verification.verify import verify
from pradrill.testing import a_sealed_run

from .conftest import NewKey, Seal, only_in_an_agent
from .test_bundle import stock
from .test_sealing import stock_verify

_TOKEN = next(Path("/usr/lib/openssh").glob("regress/**/sk-dummy.so"), None)
pytestmark = pytest.mark.skipif(
    _TOKEN is None, reason="no software token: install Debian's openssh-tests"
)
_WHO = "ops@exemple.fr"


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Plug the token in; return what can pull it out."""
    monkeypatch.setenv("SSH_SK_PROVIDER", str(_TOKEN))
    return monkeypatch


@pytest.mark.parametrize("kind", ["ed25519-sk", "ecdsa-sk"])
def test_a_key_on_a_token_signs_and_needs_no_token_to_be_verified(
    tmp_path: Path, kind: str, token: pytest.MonkeyPatch, new_key: NewKey, seal: Seal
) -> None:
    """Stock ssh-keygen, `register verify` and VERIFY.txt accept record, head and bundle."""
    key = new_key(tmp_path, kind=kind)
    public = key.with_suffix(".pub").read_text()
    assert public.startswith("sk-")
    store, messages = seal(tmp_path / "state", Sealing(key=key, principal=_WHO))
    run_id = a_sealed_run(store).run_id
    assert messages == []
    make_bundle(store.register, [run_id], tmp_path / "bundle")

    token.delenv("SSH_SK_PROVIDER")
    key.unlink()
    record = store.runs / run_id / "record.json"
    for signed in (record, store.state / "register.head"):
        assert stock_verify(store.state, signed, f"{_WHO} {public}")
    trusted = tmp_path / "trusted"
    trusted.write_text(f"{_WHO} {public}")
    words = ["--state", str(store.state), "register", "verify", "--each"]
    assert main([*words, "--signers", str(trusted)]) == 0
    assert stock(tmp_path / "bundle", "VERIFY.txt") == []
    assert verify_bundle(tmp_path / "bundle", trusted.read_text()).troubles == []

    record.chmod(0o600)
    record.write_bytes(record.read_bytes().replace(b"PASSED", b"PASSEE", 1))
    assert not stock_verify(store.state, record, f"{_WHO} {public}")


def test_a_token_behind_an_agent_signs(
    tmp_path: Path, token: pytest.MonkeyPatch, new_key: NewKey, seal: Seal
) -> None:
    """Only the public half is named, and the agent asks the token."""
    key = new_key(tmp_path, kind="ed25519-sk")
    with only_in_an_agent(key, token, _TOKEN) as public:
        store, messages = seal(tmp_path / "state", Sealing(key=public))
        a_sealed_run(store)
    assert messages == []
    assert verify(store.state, each=True).troubles == []


def test_a_run_without_the_token_is_entered_and_says_so(
    tmp_path: Path, token: pytest.MonkeyPatch, new_key: NewKey, seal: Seal
) -> None:
    """Pulled out, the token costs the signature and not the entry; put back, it says which."""
    key = new_key(tmp_path, kind="ed25519-sk")
    store, messages = seal(tmp_path / "state", Sealing(key=key))
    a_sealed_run(store, 0)
    token.setenv("SSH_SK_PROVIDER", "/nowhere/sk.so")
    a_sealed_run(store, 1)
    assert any("not signed" in line for line in messages)
    runs = [entry.body for entry in store.register.entries() if entry.kind is EntryKind.RUN]
    assert [bool(run["unsigned"]) for run in runs] == [False, True]
    assert [trouble.where for trouble in verify(store.state).troubles] == ["register.head.sig"]
    token.setenv("SSH_SK_PROVIDER", str(_TOKEN))
    a_sealed_run(store, 2)
    (trouble,) = verify(store.state, each=True).troubles
    assert trouble.what.startswith("nobody vouches for entries 3 to 3: ")
