"""Bundle a run's evidence with the register, to be verified without pradrill."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from pydantic import Field, ValidationError

from pradrill.domain.register.entry import EntryKind
from pradrill.domain.values.model import Model
from pradrill.errors import RecordError, UsageError
from pradrill.register.chain.register import HEAD, HEAD_SIGNATURE, REGISTER, Register
from pradrill.register.chain.walk import Chain, Trouble, read_chain
from pradrill.register.runs.enter import SIGNATURE
from pradrill.register.sealing.signing import newest, signature_problem
from pradrill.register.verification import procedure
from pradrill.register.verification.run_files import NOT_EVIDENCE, RUNS, tree
from pradrill.register.verification.verify import RegisterVerification, verify
from pradrill.system.durable_files import content_of, sha256

SUMS = "SHA256SUMS"
_SUMS_SIGNATURE = f"{SUMS}.sig"
_MANIFEST = "bundle.json"
_SIGNERS = "allowed_signers"
_AUTHORITY = "authority.pem"
_RUN_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,200}")
_NOT_THERE = {errno.EEXIST, errno.ENOTDIR, errno.EACCES, errno.EPERM}

Signature = Callable[[bytes], tuple[bytes | None, str | None]]


class Manifest(Model):
    """`bundle.json`: what must be there."""

    format: int = 1
    runs: tuple[str, ...] = Field(min_length=1)
    principal: str | None = Field(description="who signed the register's head")
    sums_signed: bool


def make_bundle(
    register: Register,
    run_ids: Sequence[str],
    output: Path,
    trusted: Collection[str] = (),
    published: Sequence[str] = (),
) -> RegisterVerification:
    """Write a bundle into a new folder and verify it there.

    Raises UsageError for a folder that cannot be made, RecordError for what cannot be handed on;
    then nothing of it is left. A run's name stands in commands that people paste into a shell.
    Nothing of it is signed when the register does not verify, by the keys that are trusted and the
    heads that were published.
    """
    for run_id in run_ids:
        if not _RUN_ID.fullmatch(run_id):
            raise RecordError(
                f"{run_id!r} is no name that a run was ever given",
                hint="See what was added to the runs: pradrill register verify.",
            )

    with register.locked():  # register, head and signature of one moment
        parts = {
            name: path.read_bytes()
            for name in (REGISTER, HEAD, HEAD_SIGNATURE)
            if (path := register.state / name).is_file()
        }

    chain = read_chain(parts.get(REGISTER, b""))
    wrong = verify(
        register.state, runs=run_ids, only=True, trusted=trusted, published=published
    ).troubles

    try:
        output.mkdir(parents=True)
    except OSError as error:
        if error.errno not in _NOT_THERE:
            raise RecordError(f"cannot write {output}: {error.strerror}") from error
        raise UsageError(
            f"cannot make {output}: {error.strerror}", hint="Name a new folder with --output."
        ) from error

    try:
        for name, content in parts.items():
            (output / name).write_bytes(content)

        for run_id in run_ids:
            _copy_run(register.state / RUNS / run_id, output / RUNS / run_id)
        _write_words(chain, run_ids, output, register.signature, wrong)
    except (OSError, RecordError) as error:
        shutil.rmtree(output, ignore_errors=True)
        if isinstance(error, RecordError):
            raise
        raise RecordError(f"cannot write {output}: {error.strerror}") from error

    verification = verify_bundle(output)
    more = [
        trouble
        for trouble in wrong
        if trouble.wrong not in {t.wrong for t in verification.troubles}
    ]

    return verification._replace(troubles=[*verification.troubles, *more])


def verify_bundle(folder: Path, signers: str | None = None) -> RegisterVerification:
    """Verify a bundle as VERIFY.txt does; raises RecordError when it cannot be read.

    Raises UsageError for a folder that never was one.

    `signers`: allowed_signers that the reader trusts instead of those in the bundle; then
    everything must be signed.
    """
    if not any((folder / name).exists() for name in (_MANIFEST, SUMS, REGISTER)):
        raise UsageError(f"{folder} is no bundle", hint="Make one with pradrill bundle.")

    try:
        manifest = Manifest.model_validate_json(content_of(folder / _MANIFEST))
        sums = content_of(folder / SUMS)
    except (OSError, ValidationError) as error:
        raise RecordError(
            f"{folder} is no bundle, or its {_MANIFEST} or {SUMS} is gone or damaged",
            hint="Make one with pradrill bundle.",
        ) from error

    strict = signers is not None
    if signers is None and (folder / _SIGNERS).is_file():
        signers = (folder / _SIGNERS).read_text(encoding="utf-8", errors="replace")
    troubles = list(_verify_sums(folder, sums))
    signed = strict or manifest.principal is not None
    now = (signers or "") if strict else newest(signers or "")
    if strict or manifest.sums_signed:
        troubles += _verify_sums_signature(folder, sums, now)
    allowed = (signers or "") if signed else None
    verification = verify(
        folder, signers=allowed, now=now, each=signed, runs=manifest.runs, strict=strict
    )

    return verification._replace(troubles=[*troubles, *verification.troubles])


def _copy_run(source: Path, target: Path) -> None:
    files = list(tree(str(source)))
    if not files:
        raise RecordError(f"cannot read {source}", hint="List the runs: pradrill runs.")

    for path, entry in files:
        if path.split("/")[0] in NOT_EVIDENCE:
            continue
        if not entry.is_file(follow_symlinks=False) or not path.isprintable() or "\\" in path:
            raise RecordError(
                f"{entry.path!r} is no file that can be handed on",
                hint="See what was added to the run: pradrill register verify.",
            )

        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(entry.path, target / path)


def _write_words(
    chain: Chain,
    run_ids: Sequence[str],
    output: Path,
    signature: Signature,
    wrong: Sequence[Trouble],
) -> None:
    """Write what is not copied: signers, authorities, the procedure, the sums."""
    seals = chain.seals()
    principal = seals[-1].principal if seals else None
    if not (output / HEAD_SIGNATURE).exists():
        principal = None
    able = principal is not None and not wrong and signature(b"")[0] is not None
    content = procedure.BundleContent(
        run_ids=tuple(run_ids),
        principal=principal,
        sums_signed=able,
        records_signed=tuple(r for r in run_ids if (output / RUNS / r / SIGNATURE).exists()),
        stamps=tuple(_stamps(chain, run_ids)),
        acknowledged=bool(chain.acknowledgements()),
        wrong=tuple(str(trouble) for trouble in wrong),
    )

    manifest = Manifest(runs=content.run_ids, principal=principal, sums_signed=able)
    words = {
        _MANIFEST: json.dumps(manifest.model_dump(mode="json"), indent=1) + "\n",
        _SIGNERS: chain.signers(),
        _AUTHORITY: chain.authorities(),
        "VERIFY.txt": procedure.english(content),
        "VERIFIER.txt": procedure.french(content),
    }
    for name, text in words.items():
        if text:
            (output / name).write_text(text, encoding="utf-8")

    sums = _sums(output)
    (output / SUMS).write_bytes(sums)

    if able:
        signed, why = signature(sums)
        if signed is None:
            raise RecordError(f"the bundle cannot be signed: {why}")

        (output / _SUMS_SIGNATURE).write_bytes(signed)


def _stamps(chain: Chain, run_ids: Sequence[str]) -> Iterator[int]:
    hashes = {
        sha256 for entry, sha256 in chain.of(EntryKind.RUN) if entry.body.get("run_id") in run_ids
    }
    return (entry.number for entry, _ in chain.of(EntryKind.STAMP) if entry.previous in hashes)


def _sums(folder: Path) -> bytes:
    """Return what `sha256sum` says of every file but the sums, in the order of `LC_ALL=C sort`."""
    lines = []
    for path, entry in tree(str(folder), all_of_it=True):
        if path not in {SUMS, _SUMS_SIGNATURE} and entry.is_file(follow_symlinks=False):
            lines.append((os.fsencode(f"./{path}"), sha256(Path(entry.path)).encode()))
    return b"".join(digest + b"  " + path + b"\n" for path, digest in sorted(lines))


def _verify_sums(folder: Path, sums: bytes) -> Iterator[Trouble]:
    for path, entry in tree(str(folder), all_of_it=True):
        if not entry.is_file(follow_symlinks=False):
            yield Trouble(path, "is no file but a link or a device")

    now = _sums(folder)
    if now == sums:
        return

    before, are = _by_path(sums), _by_path(now)
    for name in sorted(before.keys() | are.keys()):
        where = name.decode("utf-8", "replace").removeprefix("./")
        if name not in are:
            yield Trouble(where, "is missing")
        elif name not in before:
            yield Trouble(where, f"was added: {SUMS} does not name it")
        elif before[name] != are[name]:
            yield Trouble(where, f"is not what {SUMS} says")

    if before == are:
        yield Trouble(SUMS, "is not as it was written")


def _by_path(sums: bytes) -> dict[bytes, bytes]:
    return {
        path: sha256 for sha256, _, path in (line.partition(b"  ") for line in sums.split(b"\n"))
    }


def _verify_sums_signature(folder: Path, sums: bytes, signers: str) -> Iterator[Trouble]:
    path = folder / _SUMS_SIGNATURE
    if not path.is_file():
        yield Trouble(_SUMS_SIGNATURE, "is missing")
        return

    problem = signature_problem(sums, path.read_bytes(), signers)
    if problem is not None:
        yield Trouble(_SUMS_SIGNATURE, f"the signature {problem}")
