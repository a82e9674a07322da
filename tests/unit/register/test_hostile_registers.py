"""Whatever stands in a register's lines and its head, each line is an entry or a trouble."""

from __future__ import annotations

import json
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.hostile import EXAMPLES, documents, texts

from pradrill.domain.values.instant_text import parse_instant
from pradrill.errors import PradrillError
from pradrill.register.chain import lines as chain_lines
from pradrill.register.chain.walk import read_chain

ENTRY = {
    "number": 1,
    "previous": "0" * 64,
    "at": "2026-03-10T02:00:00Z",
    "kind": "seals",
    "body": {"signers": "", "authorities": ""},
}
lines = documents(ENTRY, {**ENTRY, "number": 2}, {**ENTRY, "number": 10**30}) | texts


@settings(max_examples=3 * EXAMPLES)
@given(st.lists(lines, max_size=5), st.sampled_from(["\n", "", "\r\n"]))
def test_a_register_of_any_lines_is_walked_to_its_end(every: list[str], end: str) -> None:
    """What is no entry is told with its place, and so is what does not follow."""
    content = ("\n".join(every) + end).encode("utf-8", "surrogatepass")
    chain = read_chain(content)
    whole = content.count(b"\n")
    assert len(chain.entries) + len(chain.troubles) >= whole
    chain.signers()
    chain_lines.seals_in(content)
    json.dumps([str(trouble) for trouble in chain.troubles])


@settings(max_examples=2 * EXAMPLES)
@given(st.binary(max_size=90) | st.integers(0, 99).map(lambda each: b"%d %s\n" % (each, b"a" * 64)))
def test_a_head_is_exactly_one_or_none(text: bytes) -> None:
    """Nothing that is read as a head is written otherwise."""
    with suppress(ValueError):
        assert chain_lines.head_line(chain_lines.parse_head(text)) == text


@settings(max_examples=3 * EXAMPLES)
@given(
    st.sampled_from(["epoch", "epoch_ms", "iso", "%Y-%m-%d %H:%M:%S", "%d/%m/%Y"]),
    st.one_of(
        texts,
        st.text("0123456789-:T.Z+ \n", max_size=30),
        st.sampled_from(["1e400", "nan", "9" * 400, "2026-01-01T00:00:00Z", "0001-01-01 00:00:00"]),
    ),
)
def test_an_instant_is_one_or_refused(form: str, text: str) -> None:
    """What the newest data's command prints is a moment, or a sentence."""
    with suppress(PradrillError):
        assert parse_instant(text, form, "Europe/Paris").tzinfo is not None
