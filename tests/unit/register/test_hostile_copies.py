"""Whatever a register, a bundle, a signature or a published head is changed to, it is told."""

from __future__ import annotations

import json
import subprocess
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.hostile import EXAMPLES, documents, texts

from pradrill.domain.declared.sealing import Sealing
from pradrill.errors import ExitCode, PradrillError
from pradrill.register.chain.register import HEAD, HEAD_SIGNATURE, REGISTER, Register
from pradrill.register.runs.store import FileRunStore
from pradrill.register.sealing import publishing
from pradrill.register.sealing.sealer import Sealer
from pradrill.register.sealing.signing import signature_problem
from pradrill.register.sealing.stamping import stamp_problem, stated_time
from pradrill.register.verification.bundle import make_bundle, verify_bundle
from pradrill.register.verification.verify import verify
from pradrill.testing import a_sealed_run


def new_bundle(folder: Path) -> Path:
    """Make a signed bundle of a run; return its folder."""
    key = folder / "key"
    words = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
    subprocess.run(words, check=True)
    state = folder / "state"
    sealer = Sealer(Sealing(key=key, principal="ops@exemple.fr"), state, lambda _: None)
    store = FileRunStore(state, Register(state, lambda: sealer))
    record = a_sealed_run(store)
    make_bundle(Register(state, lambda: sealer), [record.run_id], folder / "bundle")
    return folder / "bundle"


@cache
def whole() -> dict[str, bytes]:
    """Return the files of a signed bundle."""
    with tempfile.TemporaryDirectory() as folder:
        bundle = new_bundle(Path(folder))
        return {
            str(path.relative_to(bundle)): path.read_bytes()
            for path in sorted(bundle.rglob("*"))
            if path.is_file()
        }


@st.composite
def changed(draw: st.DrawFn, content: bytes) -> bytes:
    """Draw what a file is changed to."""
    at, end = sorted(draw(st.tuples(*[st.integers(0, len(content))] * 2)))
    match draw(st.sampled_from(["part", "line", "document", "text"])):
        case "part":
            return content[:at] + draw(st.binary(max_size=9)) + content[end:]
        case "line":
            return content + draw(st.sampled_from([b"\n", b" ", b"\0", b"x\n"]))
        case "document":
            with suppress(ValueError):
                return draw(documents(json.loads(content))).encode("utf-8", "surrogatepass")
    return draw(texts).encode("utf-8", "surrogatepass")


@settings(max_examples=EXAMPLES // 3)  # ssh-keygen some times for each
@given(st.data())
def test_a_bundle_with_any_file_changed_is_not_what_it_was(data: st.DataObject) -> None:
    """Whichever: its sums, its manifest, its register, a signature: it is told or refused."""
    files = whole()
    name = data.draw(st.sampled_from(sorted(files)))
    content = data.draw(changed(files[name]))
    with tempfile.TemporaryDirectory() as folder:
        for each, its in {**files, name: content}.items():
            path = Path(folder, each)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(its)
        try:
            verification = verify_bundle(Path(folder))
        except PradrillError:
            assert content != files[name]
            return
    assert (verification.exit_code is ExitCode.PASSED) is (content == files[name])
    json.dumps(verification.facts)


@settings(max_examples=EXAMPLES // 3)  # as above
@given(st.data())
def test_what_a_state_folder_is_changed_to_is_told(data: st.DataObject) -> None:
    """With a head published elsewhere in any words, and the signers that a reader trusts."""
    files = whole()
    name = data.draw(st.sampled_from([REGISTER, HEAD, HEAD_SIGNATURE]))
    content = data.draw(changed(files[name]))
    published = data.draw(texts | heads)
    signers = data.draw(st.sampled_from([None, "", "x", files["allowed_signers"].decode()]))
    with tempfile.TemporaryDirectory() as folder:
        for each in (REGISTER, HEAD, HEAD_SIGNATURE):
            Path(folder, each).write_bytes(content if each == name else files[each])
        with suppress(PradrillError):
            verification = verify(
                Path(folder), published=[published], signers=signers, each=True, runs=[]
            )
            assert verification.troubles or content == files[name]
            assert "a" * 64 not in published or verification.troubles


heads = st.lists(
    st.sampled_from(["1 ", "01 ", "9" * 30 + " ", "a" * 64, "a" * 63, "A" * 64, "\n", "\0", "é "]),
    max_size=6,
).map("".join)


@settings(max_examples=EXAMPLES)
@given(st.data())
def test_a_signature_is_exactly_the_one_that_was_written(data: st.DataObject) -> None:
    """No byte of the file may change, and no other content has it."""
    files = whole()
    signers = data.draw(st.sampled_from([files["allowed_signers"].decode(), "", "x\0\n"]))
    signature = data.draw(st.just(files[HEAD_SIGNATURE]) | changed(files[HEAD_SIGNATURE]))
    content = data.draw(st.just(files[HEAD]) | st.binary(max_size=90))
    problem = signature_problem(content, signature, signers)
    is_whole = (content, signature) == (files[HEAD], files[HEAD_SIGNATURE])
    assert (problem is None) is (is_whole and len(signers) > 9)


@settings(max_examples=2 * EXAMPLES)
@given(texts | heads, st.integers(1, 99), st.booleans())
def test_the_newest_of_published_heads_is_the_last_that_is_one(
    before: str, number: int, is_there: bool
) -> None:
    """Whatever stands in the file beside it."""
    line = f"2026-03-10T02:00:00Z {number} {'b' * 64}\n"
    logged = publishing.newest_logged(f"{before}\n{line if is_there else ''}")
    assert logged == ("b" * 64 if is_there else None) or (
        not is_there and logged is not None and logged in before
    )


@settings(max_examples=EXAMPLES)
@given(st.binary(max_size=60) | st.sampled_from([b"\x30\x82\xff\xff", b"\x30\x80" * 400]))
def test_bytes_that_are_no_stamp_state_no_time(response: bytes) -> None:
    """And prove nothing."""
    assert stated_time(response) is None
    assert stamp_problem("a" * 64, response, "") is not None
