"""Damage that is acknowledged is told in the report, the dossier and the bundle; never hidden."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import pytest

from pradrill.app.case_file import casefile
from pradrill.app.composition import App
from pradrill.cli import main
from pradrill.domain.declared.sealing import Sealing
from pradrill.errors import ExitCode
from pradrill.register.runs.store import FileRunStore
from pradrill.register.verification.acknowledge import acknowledge
from pradrill.register.verification.verify import verify
from pradrill.reporting.run.html import Letterhead, render_html
from pradrill.testing import a_sealed_run, after

from .conftest import NewKey, Seal
from .test_bundle import stock

_PLAN = """
plan: 1
organisation: Exemple SAS
services: {moodle: {objectives: {rto: 4h, rpo: 24h}}}
"""
_WHY = "the disk failed on 3 May <b>"

_MISSING = {
    "en": "before entry 3, entry 2 is missing",
    "fr": "avant l\u2019entrée 3, il manque l\u2019entrée 2",
}


@pytest.fixture
def store(tmp_path: Path) -> FileRunStore:
    """Return a store whose register has lost an entry, which somebody answers for."""
    store = FileRunStore(tmp_path / "state")
    for number in range(4):
        a_sealed_run(store, number)
    lines = store.register.path.read_bytes().splitlines(keepends=True)
    store.register.path.write_bytes(b"".join([*lines[:1], *lines[2:]]))
    assert acknowledge(store.register, after(1_000_000), by="alice", because=_WHY)
    (tmp_path / "plan.yml").write_text(_PLAN)
    return store


def command(store: FileRunStore, *words: str) -> int:
    """Run a command on the store."""
    return main(["--state", str(store.state), "--drills", str(store.state.parent), *words])


@pytest.mark.parametrize(("lang", "title"), [("en", "Damage to the register"), ("fr", "Dommages")])
def test_the_integrity_page_tells_it(store: FileRunStore, lang: str, title: str) -> None:
    """Who answers for what, since when and why, in both languages, escaped."""
    place = App(Namespace(state=store.state, drills=None, log=None))
    page = render_html(casefile(place, store.find(None)), Letterhead(language=lang))
    assert title in page
    assert "alice" in page
    assert "the disk failed on 3 May &lt;b&gt;" in page
    assert _MISSING[lang] in page


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_the_dossier_tells_it(store: FileRunStore, tmp_path: Path, lang: str) -> None:
    """A dossier made from a damaged register says so, where its head stands."""
    out = tmp_path / "dossier.html"
    period = ("--from", "2026-01-01", "--to", "2026-12-31")
    command(store, "dossier", *period, "--format", "html", "--lang", lang, "--output", str(out))
    page = out.read_text()
    assert "the disk failed on 3 May &lt;b&gt;" in page
    assert _MISSING[lang] in page


def test_a_bundle_is_no_more_whole_than_its_register(store: FileRunStore, tmp_path: Path) -> None:
    """`bundle` and `verify` answer 15, the stock commands fail, and VERIFY.txt says why."""
    out = tmp_path / "made"
    assert command(store, "bundle", "--output", str(out)) == ExitCode.ACKNOWLEDGED
    assert command(store, "verify", str(out)) == ExitCode.ACKNOWLEDGED
    assert stock(out, "VERIFY.txt")
    assert "DAMAGE THAT IS ACKNOWLEDGED" in (out / "VERIFY.txt").read_text()
    assert "DOMMAGES RECONNUS" in (out / "VERIFIER.txt").read_text()
    (out / "runs" / store.find(None) / "journal.jsonl").write_text("")
    assert command(store, "verify", str(out)) == ExitCode.RECORD


def test_a_head_that_is_not_signed_cannot_be_acknowledged(
    tmp_path: Path, new_key: NewKey, seal: Seal
) -> None:
    """Without the key nothing can be answered for; with it, it is told whom nobody vouches for."""
    key = new_key(tmp_path)
    store, _ = seal(tmp_path / "state", Sealing(key=key))
    a_sealed_run(store)
    unsealed, _ = seal(tmp_path / "state", None)
    unsealed.register.signature_path.unlink()
    assert acknowledge(unsealed.register, after(9), by="ops", because="why not") is None
    assert [trouble.where for trouble in verify(store.state).troubles] == ["register.head.sig"]
    store.register.settle(after(10))
    assert [trouble.where for trouble in verify(store.state).troubles] == ["register.head.sig"]
    assert acknowledge(store.register, after(11), by="ops", because="the key was away")
    verification = verify(store.state)
    assert (verification.troubles, len(verification.acknowledged)) == ([], 1)


def test_an_acknowledgement_is_signed_like_every_entry(
    tmp_path: Path, new_key: NewKey, seal: Seal
) -> None:
    """With a key, who answers for damage signs it: the head after it is signed, and holds."""
    store, messages = seal(tmp_path / "state", Sealing(key=new_key(tmp_path), principal="ops@x.fr"))
    a_sealed_run(store, 0)
    a_sealed_run(store, 1)
    lines = store.register.path.read_bytes().splitlines(keepends=True)
    store.register.path.write_bytes(b"".join(lines[:-1]))
    assert acknowledge(store.register, after(1_000_000), by="ops", because="restored")
    verification = verify(store.state, each=True)
    assert (verification.troubles, messages) == ([], [])
    assert verification.signer is not None
    assert "missing" in str(verification.acknowledged[0][0])
