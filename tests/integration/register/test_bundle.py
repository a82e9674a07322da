"""A bundle's own text of stock commands and pradrill give the same answer, right or wrong."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from pradrill.domain.declared.sealing import Sealing
from pradrill.domain.register.entry import EntryKind
from pradrill.errors import UsageError
from pradrill.register.verification.bundle import make_bundle, verify_bundle
from pradrill.testing import START, a_sealed_run

SUMS = (
    "find . -type f ! -path ./SHA256SUMS ! -path ./SHA256SUMS.sig -print0"
    " | LC_ALL=C sort -z | xargs -0 sha256sum > SHA256SUMS"
)


class BundleParts(NamedTuple):
    """A bundle, its run, and the key that signed it."""

    folder: Path
    run: Path
    key: Path


def stock(bundle: Path, text: str = "VERIFY.txt", **env: str) -> list[str]:
    """Run every command that a bundle's text gives; return those that did not exit with 0."""
    words = (bundle / text).read_text(encoding="utf-8")
    commands = re.findall(r"^    \$ (.+)$", words, re.MULTILINE)
    assert len(commands) >= 7
    return [
        command
        for command in commands
        if subprocess.run(
            ["bash", "-c", command],
            cwd=bundle,
            env={**os.environ, **env},
            check=False,
            capture_output=True,
        ).returncode
    ]


def again(bundle: Path) -> None:
    """Write the sums anew, as whoever changes a bundle would."""
    subprocess.run(["bash", "-c", SUMS], cwd=bundle, check=True)


@pytest.fixture(scope="module")
def whole(
    tmp_path_factory: pytest.TempPathFactory,
    authority: Any,
    seal: Callable[..., Any],
    new_key: Callable[..., Path],
) -> BundleParts:
    """Return a signed and stamped bundle of the second of three runs."""
    folder = tmp_path_factory.mktemp("bundle")
    key = new_key(folder)
    settings = Sealing(
        key=key,
        principal="ops@exemple.fr",
        authority=authority.address,
        authority_ca=authority.ca,
    )
    store, messages = seal(folder / "state", settings)
    evidence = {"01-a b/é.txt": "x", "Z": "y", "a": "z", "02-restore/events.jsonl": "{}\n"}
    runs = [a_sealed_run(store, n, evidence).run_id for n in range(3)]
    store.register.append(EntryKind.ANNOTATION, {"text": "REX"}, START)
    verified = make_bundle(store.register, [runs[1]], folder / "made")
    assert (verified.troubles, messages) == ([], [])
    return BundleParts(folder / "made", folder / "made" / "runs" / runs[1], key)


@pytest.fixture
def bundle(whole: BundleParts, tmp_path: Path) -> BundleParts:
    """Return a copy that may be changed."""
    copy = tmp_path / "bundle"
    shutil.copytree(whole.folder, copy)
    return BundleParts(copy, copy / whole.run.relative_to(whole.folder), whole.key)


def test_both_texts_and_pradrill_find_it_whole(bundle: BundleParts) -> None:
    """Each command of the English and of the French text exits with 0, and so does pradrill."""
    assert stock(bundle.folder, "VERIFY.txt") == []
    assert stock(bundle.folder, "VERIFIER.txt") == []
    assert verify_bundle(bundle.folder).troubles == []
    english, french = (
        re.findall(r"^    \$ (.+)$", (bundle.folder / name).read_text(), re.MULTILINE)
        for name in ("VERIFY.txt", "VERIFIER.txt")
    )
    assert english == french


def test_the_text_needs_no_pradrill(bundle: BundleParts) -> None:
    """The commands use nothing but what a bare Debian package list gives."""
    commands = re.findall(
        r"^    \$ (.+)$", (bundle.folder / "VERIFY.txt").read_text(), re.MULTILINE
    )
    words = {word for c in commands for word in re.findall(r"(?:^|[|(;&] *|\$\()([a-z0-9]+) ", c)}
    words_allowed = {
        *("diff", "find", "xargs", "sha256sum", "test", "grep", "jq", "seq", "wc", "head", "split"),
        *("cut", "tail", "cd", "openssl", "base64", "sed", "echo", "select", "sort", "ssh", "tr"),
    }
    assert words <= words_allowed
    assert "pradrill " not in "".join(commands).replace("-n pradrill ", "")


def _edit_record(whole: BundleParts) -> None:
    record = whole.run / "record.json"
    record.write_bytes(record.read_bytes().replace(b'"PASSED"', b'"FAILED"', 1))


def _edit_journal(whole: BundleParts) -> None:
    (whole.run / "journal.jsonl").write_text("")


def _remove_evidence(whole: BundleParts) -> None:
    (whole.run / "evidence" / "Z").unlink()


def _add_evidence(whole: BundleParts) -> None:
    (whole.run / "evidence" / "more").write_text("more")


def _add_outside(whole: BundleParts) -> None:
    (whole.folder / "another").write_text("more")


def _link(whole: BundleParts) -> None:
    path = whole.run / "evidence" / "Z"
    shutil.move(path, whole.folder.parent / "Z")
    path.symlink_to(whole.folder.parent / "Z")


def _cut_register(whole: BundleParts) -> None:
    register = whole.folder / "register"
    register.write_bytes(b"".join(register.read_bytes().splitlines(keepends=True)[:-1]))


def _edit_entry(whole: BundleParts) -> None:
    register = whole.folder / "register"
    register.write_bytes(register.read_bytes().replace(b"REX", b"RAS"))


def _swap_entries(whole: BundleParts) -> None:
    register = whole.folder / "register"
    lines = register.read_bytes().splitlines(keepends=True)
    register.write_bytes(b"".join([lines[0], lines[2], lines[1], *lines[3:]]))


def _move_head_back(whole: BundleParts) -> None:
    """Cut the register and write the head that it would have."""
    _cut_register(whole)
    subprocess.run(
        "echo $(wc -l < register) $(tail -n 1 register | sha256sum | cut -c 1-64) > register.head",
        shell=True,
        cwd=whole.folder,
        check=True,
    )


def _other_signature(whole: BundleParts) -> None:
    shutil.copy(whole.folder / "register.head.sig", whole.run / "record.json.sig")


def _other_authority(whole: BundleParts) -> None:
    (whole.folder / "authority.pem").write_text("")


def _edit_words(whole: BundleParts) -> None:
    with (whole.folder / "VERIFY.txt").open("a") as file:
        file.write("\n")


CHANGES = [
    _edit_record,
    _edit_journal,
    _remove_evidence,
    _add_evidence,
    _add_outside,
    _link,
    _cut_register,
    _edit_entry,
    _swap_entries,
    _move_head_back,
    _other_signature,
    _other_authority,
    _edit_words,
]


@pytest.mark.parametrize("sums", [False, True], ids=["as is", "sums written anew"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_bundle_fails_both(
    bundle: BundleParts, change: Callable[[BundleParts], None], sums: bool
) -> None:
    """Each change is found by the stock commands and by pradrill, with new sums as well."""
    change(bundle)
    if sums:
        again(bundle.folder)
    assert stock(bundle.folder)
    assert verify_bundle(bundle.folder).troubles


_BESIDE_THE_CHAIN = {_add_outside, _move_head_back, _edit_words, _other_signature, _other_authority}


@pytest.mark.parametrize("change", [c for c in CHANGES if c not in _BESIDE_THE_CHAIN])
def test_an_unsigned_bundle_still_has_to_fit_together(
    tmp_path: Path, seal: Callable[..., Any], change: Callable[[BundleParts], None]
) -> None:
    """Without a key, with sums written anew, what contradicts the chain is found by both."""
    store, _ = seal(tmp_path / "state", None)
    runs = [a_sealed_run(store, n, {"Z": "y"}).run_id for n in range(2)]
    store.register.append(EntryKind.ANNOTATION, {"text": "REX"}, START)
    folder = tmp_path / "made"
    assert make_bundle(store.register, runs[:1], folder).troubles == []
    assert "NOT SIGNED" in (folder / "VERIFY.txt").read_text()
    assert "PAS SIGNÉ" in (folder / "VERIFIER.txt").read_text()
    assert stock(folder) == []
    change(BundleParts(folder, folder / "runs" / runs[0], tmp_path))
    again(folder)
    assert stock(folder)
    assert verify_bundle(folder).troubles


def test_a_bundle_made_by_another_key_fails_the_readers_list(
    tmp_path: Path, bundle: BundleParts, seal: Callable[..., Any], new_key: Callable[..., Path]
) -> None:
    """Given the signers that a reader trusts, a forged bundle fails both; without, neither."""
    store, _ = seal(tmp_path / "state", Sealing(key=new_key(tmp_path), principal="ops@exemple.fr"))
    run_id = a_sealed_run(store).run_id
    forged = tmp_path / "forged"
    assert make_bundle(store.register, [run_id], forged).troubles == []
    trusted = tmp_path / "trusted"
    trusted.write_text(f"ops@exemple.fr {bundle.key.with_suffix('.pub').read_text()}")
    assert stock(bundle.folder, SIGNERS=str(trusted)) == []
    assert verify_bundle(bundle.folder, trusted.read_text()).troubles == []
    assert stock(forged) == []
    assert verify_bundle(forged).troubles == []
    assert stock(forged, SIGNERS=str(trusted))
    assert verify_bundle(forged, trusted.read_text()).troubles


def test_a_bundle_is_never_written_over_anything(
    bundle: BundleParts, seal: Callable[..., Any]
) -> None:
    """A folder that exists is refused."""
    store, _ = seal(bundle.folder.parent / "state", None)
    run_id = a_sealed_run(store).run_id
    with pytest.raises(UsageError, match="File exists"):
        make_bundle(store.register, [run_id], bundle.folder)


def test_a_bundle_of_a_tampered_run_says_so(tmp_path: Path, seal: Callable[..., Any]) -> None:
    """What was changed before the bundle was made is told when it is made."""
    store, _ = seal(tmp_path / "state", None)
    run_id = a_sealed_run(store).run_id
    (store.runs / run_id / "journal.jsonl").write_text("")
    (trouble,) = make_bundle(store.register, [run_id], tmp_path / "made").troubles
    assert trouble.where == f"runs/{run_id}/journal.jsonl"
    assert stock(tmp_path / "made")
