"""Whatever byte, line or file of a register or a bundle is changed, it is noticed."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from pradrill.domain.declared.sealing import Sealing
from pradrill.domain.register.entry import EntryKind
from pradrill.errors import RecordError
from pradrill.register.runs.store import FileRunStore
from pradrill.register.verification.acknowledge import acknowledge
from pradrill.register.verification.bundle import make_bundle, verify_bundle
from pradrill.register.verification.verify import RegisterVerification, verify
from pradrill.testing import a_sealed_run, after

KINDS = ["signed state", "plain state", "acknowledged state", "signed bundle", "plain bundle"]


class Files(dict[str, bytes]):
    """Path → content."""

    def __repr__(self) -> str:
        """Return the paths alone."""
        return f"<{', '.join(self)}>"


def contents(folder: Path) -> Files:
    """Return path → bytes of all in a folder but locks, which hold nothing of a run."""
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "alive"
    }
    return Files({path: content for path, content in files.items() if path[:6] != "locks/"})


def without(files: Files, name: str) -> Files:
    """Return all but one."""
    return Files({path: content for path, content in files.items() if path != name})


def spread(files: Files, folder: Path) -> Path:
    """Write files into a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def noticed(check: Callable[[Path], RegisterVerification], files: Files) -> bool:
    """Tell whether a verification finds anything wrong with the files."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            return bool(check(spread(files, Path(folder))).troubles)
        except RecordError:
            return True


@st.composite
def changes(draw: st.DrawFn, names: list[str]) -> Callable[[Files], Files]:
    """Draw a way to change something: bytes, lines or whole files, one to three times."""
    steps = draw(st.lists(_change(names), min_size=1, max_size=3))

    def change(files: Files) -> Files:
        for step in steps:
            files = step(files)
        return files

    return change


@st.composite
def _change(draw: st.DrawFn, names: list[str]) -> Callable[[Files], Files]:
    what = draw(st.sampled_from(["bytes", "lines", "files"]))
    name, other = draw(st.sampled_from(names)), draw(st.sampled_from(names))
    if what == "files":
        return draw(st.sampled_from(_file_changes(name, other)))
    make = draw(_byte_change() if what == "bytes" else _line_change())
    return lambda files: Files({**files, name: make(files[name])}) if name in files else files


def _file_changes(name: str, other: str) -> list[Callable[[Files], Files]]:
    def removed(files: Files) -> Files:
        return without(files, name)

    def swapped(files: Files) -> Files:
        if name not in files or other not in files:
            return files
        return Files({**files, name: files[other], other: files[name]})

    def doubled(files: Files) -> Files:
        return Files({**files, f"{name}~": files.get(name, b"")})

    # Beside the register other files may lie; among the evidence of a run, none.
    return [removed, swapped, *([doubled] if "/" in name else [])]


def _byte_change() -> st.SearchStrategy[Callable[[bytes], bytes]]:
    at, count = st.floats(0, 1), st.integers(1, 40)
    flip = st.builds(lambda p, bit: lambda b: _flip(b, p, bit), at, st.integers(0, 7))
    cut = st.builds(lambda p: lambda b: b[: int(p * len(b))], at)
    drop = st.builds(
        lambda p, n: lambda b: b[: int(p * len(b))] + b[int(p * len(b)) + n :], at, count
    )
    put = st.builds(
        lambda p, more: lambda b: b[: int(p * len(b))] + more + b[int(p * len(b)) :],
        at,
        st.binary(min_size=1, max_size=4) | st.sampled_from([b"\n", b" ", b"\r", b"\t", b"\0"]),
    )
    last = st.sampled_from([lambda b: b[:-1], lambda b: b + b"\n", lambda b: b.strip()])
    return st.one_of(flip, cut, drop, put, last)


def _flip(content: bytes, place: float, bit: int) -> bytes:
    if not content:
        return content
    at = min(int(place * len(content)), len(content) - 1)
    return content[:at] + bytes([content[at] ^ (1 << bit)]) + content[at + 1 :]


def _line_change() -> st.SearchStrategy[Callable[[bytes], bytes]]:
    at = st.integers(0, 60)

    def one(line: int) -> Callable[[bytes], bytes]:
        def remove(content: bytes) -> bytes:
            lines = content.splitlines(keepends=True)
            return b"".join(lines[: line % len(lines)] + lines[line % len(lines) + 1 :])

        return lambda content: remove(content) if content else content

    def two(first: int, second: int, *, copy: bool) -> Callable[[bytes], bytes]:
        def moved(content: bytes) -> bytes:
            lines = content.splitlines(keepends=True)
            if not lines:
                return content
            a, b = first % len(lines), second % len(lines)
            lines[a], lines[b] = lines[b], lines[b] if copy else lines[a]
            return b"".join(lines)

        return moved

    return st.one_of(
        st.builds(one, at),
        st.builds(lambda a, b: two(a, b, copy=False), at, at),
        st.builds(lambda a, b: two(a, b, copy=True), at, at),
    )


def build(folder: Path, seal: Callable[..., Any], how: Sealing | None) -> dict[str, Files]:
    """Return a state directory and a bundle of it, as files."""
    store, messages = seal(folder / "state", how)
    evidence = {"01-restore/events.jsonl": '{"task": 1}\n{"task": 2}\n', "02-check/page.html": "é"}
    runs = [a_sealed_run(store, n, evidence).run_id for n in range(2)]
    store.register.append(EntryKind.ANNOTATION, {"text": "REX"}, after(9))
    a_sealed_run(store, 2)
    assert messages == []
    state, bundle = contents(store.state), folder / "bundle"
    assert make_bundle(store.register, runs[1:], bundle).troubles == []
    return {"state": state, "bundle": contents(bundle)}


@pytest.fixture(scope="module")
def built(
    tmp_path_factory: pytest.TempPathFactory,
    seal: Callable[..., Any],
    new_key: Callable[..., Path],
    authority: Any,
) -> dict[str, Files]:
    """Return what is tampered with: signed and stamped, or neither."""
    folder = tmp_path_factory.mktemp("tampering")
    whole = Sealing(key=new_key(folder), authority=authority.address, authority_ca=authority.ca)
    signed = build(folder / "signed", seal, whole)
    plain = build(folder / "plain", seal, None)
    acknowledgements = damaged(spread(plain["state"], folder / "known"))
    return {f"signed {what}": files for what, files in signed.items()} | {
        **{f"plain {what}": files for what, files in plain.items()},
        "acknowledged state": acknowledgements,
    }


def damaged(state: Path) -> Files:
    """Return a state directory with damage of three kinds that somebody answers for."""
    store = FileRunStore(state)
    store.register.append(EntryKind.ANNOTATION, {"text": "the last before the damage"}, after(9))
    lines = store.register.path.read_bytes().splitlines(keepends=True)
    store.register.path.write_bytes(b"".join([lines[0], b"garbage\n", lines[2], lines[4]]))
    min(state.glob("runs/2*/evidence/02-check/page.html")).write_text("è")
    assert acknowledge(store.register, after(99), by="ops", because="the disk failed")
    assert len(store.settle(after(100))) == 2, "the runs of the damaged lines are entered anew"
    verification = verify(state)
    assert (verification.troubles, len(verification.acknowledged)) == ([], 4)
    return contents(state)


@pytest.mark.parametrize("what", KINDS)
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_every_change_is_noticed(built: dict[str, Files], what: str, data: st.DataObject) -> None:
    """One to three random changes of bytes, lines and files never pass a verification."""
    files = built[what]
    check = verify if what.endswith("state") else verify_bundle
    changed = data.draw(changes(sorted(files)))(files)
    assume(changed != files)
    assert noticed(check, changed)


@pytest.mark.parametrize("what", KINDS)
def test_what_nobody_changed_is_never_accused(built: dict[str, Files], what: str) -> None:
    """The same files, written elsewhere, have no trouble."""
    assert not noticed(verify if what.endswith("state") else verify_bundle, built[what])


@pytest.mark.parametrize("what", KINDS)
def test_every_file_counts(built: dict[str, Files], what: str) -> None:
    """Each single file: without it, with its last byte gone, with a byte more, it is noticed."""
    files = built[what]
    check = verify if what.endswith("state") else verify_bundle
    for name, content in files.items():
        assert noticed(check, without(files, name)), f"without {name}"
        assert noticed(check, Files({**files, name: content[:-1]})), f"{name} without its end"
        assert noticed(check, Files({**files, name: content + b"\n"})), f"{name} with a line feed"


@given(st.binary(max_size=400))
@example(b"\n\n")
@example(b'{"number":1}\n')
def test_garbage_is_told_and_breaks_nothing(garbage: bytes) -> None:
    """A register of any bytes is trouble, and no exception that nobody expects."""
    head = b"1 " + b"0" * 64 + b"\n"
    assert noticed(verify, Files({"register": garbage, "register.head": head}))
    assert noticed(verify, Files({"register.head": garbage}))
