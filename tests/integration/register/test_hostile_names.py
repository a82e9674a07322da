"""Names that a shell would obey: what a bundle tells people to paste runs nothing of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.integration.register.test_bundle import stock

from pradrill.errors import RecordError
from pradrill.register.verification.bundle import make_bundle, verify_bundle
from pradrill.testing import a_sealed_run

HOSTILE = [
    "20260310T000000Z-$(touch pwned)-aaaaaa",
    "20260310T000000Z-`touch pwned`-aaaaaa",
    "20260310T000000Z-a'; touch pwned; '-aaaaaa",
    '20260310T000000Z-a"; touch pwned; "-aaaaaa',
    "20260310T000000Z-a\ntouch pwned\n-aaaaaa",
    "20260310T000000Z-a b-aaaaaa",
    "-rf-20260310T000000Z-aaaaaa",
    "20260310T000000Z-a&touch pwned&-aaaaaa",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_run_with_a_name_that_no_run_was_given_is_not_bundled(
    name: str, tmp_path: Path, seal: Callable[..., Any]
) -> None:
    """It is refused by its name, and nothing of a bundle is left."""
    store, _ = seal(tmp_path / "state", None)
    run = store.runs / a_sealed_run(store).run_id
    run.rename(run.with_name(name))
    with pytest.raises(RecordError, match="is no name that a run was ever given"):
        make_bundle(store.register, [name], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_evidence_with_hostile_names_is_verified_and_obeyed_by_nobody(
    tmp_path: Path, seal: Callable[..., Any]
) -> None:
    """Every command of both texts ends with 0, run in a shell, and none of the names was run."""
    store, _ = seal(tmp_path / "state", None)
    evidence = {f"01-restore/{name}": "x" for name in ("$(touch pwned)", "a; touch pwned", "-n")}
    evidence |= {"`touch pwned`": "y", 'it\'s & "touch pwned"': "z"}
    run_id = a_sealed_run(store, 0, evidence).run_id
    bundle = tmp_path / "bundle"
    make_bundle(store.register, [run_id], bundle)
    assert stock(bundle, "VERIFY.txt") == []
    assert stock(bundle, "VERIFIER.txt") == []
    assert verify_bundle(bundle).troubles == []
    assert list(tmp_path.rglob("pwned")) == []
