"""What a report says of a record's place in the register is verified, not copied."""

from __future__ import annotations

import hashlib
from argparse import Namespace
from pathlib import Path

import pytest

from pradrill.app.case_file import casefile
from pradrill.app.composition import App
from pradrill.domain.declared.sealing import Sealing
from pradrill.domain.register.entry import EntryKind
from pradrill.domain.register.finding import Finding
from pradrill.domain.report.case_file import CaseFile, RecordIntegrity
from pradrill.register.runs.enter import SIGNATURE
from pradrill.testing import START, a_finding, a_sealed_run, after, an_annotation

from .conftest import Authority, NewKey, Seal


@pytest.fixture
def state(tmp_path: Path, new_key: NewKey, authority: Authority, seal: Seal) -> Path:
    """Return a state folder with one run, signed and stamped."""
    settings = Sealing.model_validate(
        {
            "key": new_key(tmp_path),
            "principal": "dsi@exemple.fr",
            "authority": authority.address,
            "authority_ca": authority.ca,
        }
    )
    sealed = seal(tmp_path / "state", settings)
    a_sealed_run(sealed.store)
    return tmp_path / "state"


def known(state: Path, run: str | None = None) -> CaseFile:
    """Return what is known of the run."""
    place = App(Namespace(state=state, drills=None, log=None))
    return casefile(place, place.store.find(run))


def integrity(state: Path) -> RecordIntegrity:
    """Return where the run stands in the register."""
    found = known(state).integrity
    assert found is not None
    return found


def test_signature_and_stamp_that_hold_are_told(state: Path) -> None:
    """A signed and stamped run is told with entry, head, signer, fingerprint and stated time."""
    found = integrity(state)
    lines = (state / "register").read_bytes().splitlines(keepends=True)
    assert found.entry is not None
    assert found.entry_sha256 == hashlib.sha256(lines[found.entry - 1]).hexdigest()
    assert found.head == hashlib.sha256(lines[-1]).hexdigest()
    assert found.signed
    assert str(found.signer).startswith("dsi@exemple.fr SHA256:")
    assert found.stamped is not None
    assert found.stamped > START


@pytest.mark.parametrize("harm", ["gone", "altered"])
def test_a_signature_that_does_not_hold_is_none(state: Path, harm: str) -> None:
    """Without its signature, or with another's bytes in it, a record is told as not signed."""
    path = next(state.glob(f"runs/*/{SIGNATURE}"))
    content = path.read_bytes()
    path.unlink()
    if harm == "altered":
        path.write_bytes(content.replace(content[100:104], b"AAAA", 1))
    assert not integrity(state).signed


def test_an_altered_record_is_not_the_registered_one(state: Path) -> None:
    """A record that was changed has no entry, no signature and no stamp in its report."""
    path = next(state.glob("runs/*/record.json"))
    content = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(content.replace(b"Exemple SAS", b"Exemple SA ", 1))
    found = integrity(state)
    assert (found.entry, found.signed, found.stamped) == (None, False, None)


def test_people_words_and_findings_come_from_the_register(state: Path) -> None:
    """Annotations of the run and findings of its services are in the case, of others are not."""
    place = App(Namespace(state=state, drills=None, log=None))
    run = place.store.find(None)
    mine, other = an_annotation(run_id=run), an_annotation(run_id="20200101T000000Z-x-1")
    for note in (mine, other):
        place.register.append(EntryKind.ANNOTATION, note, after(90_000))
    for services in (("moodle",), ("wiki",)):
        shown: Finding = a_finding(services=services, key="/".join(services), run_id=None)
        place.register.append(EntryKind.FINDING, shown, after(90_000))
    case = known(state)
    assert case.annotations == (mine,)
    assert [finding.services for finding in case.findings] == [("moodle",)]


def test_a_damaged_register_does_not_hide_the_run(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a register that cannot be read, the case has the record and claims nothing more."""
    register = state / "register"
    register.chmod(0o600)
    register.write_bytes(register.read_bytes().replace(b'{"', b"{{", 1))
    case = known(state)
    assert "without the register" in capsys.readouterr().err
    assert case.integrity is not None
    assert case.integrity.entry is None
    assert case.findings == ()
