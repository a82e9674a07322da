"""The wish that a run ends: the first one counts, and whose run it is can read it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pradrill.adapters.questions.files import FilePeople
from pradrill.domain.run.abort import Abort
from pradrill.errors import UsageError
from pradrill.testing import START

NOBODY = 65_534


def test_the_first_wish_counts_and_the_second_is_told_whose_it_is(tmp_path: Path) -> None:
    """Root may end another user's run, whose process then reads who wants it."""
    people, folder = FilePeople(), tmp_path / "20261128T020000Z-shop-aaaaaa"
    folder.mkdir()
    owner = NOBODY if os.geteuid() == 0 else os.geteuid()
    os.chown(folder, owner, -1)
    assert people.aborted(folder) is None
    people.abort(folder, Abort(by="amartin", asked=START))
    paths = [folder / "people", *(folder / "people").iterdir()]
    assert [path.name for path in paths] == ["people", "abort.json"]
    assert {path.stat().st_uid for path in paths} == {owner}
    with pytest.raises(UsageError, match="is being aborted already, by amartin"):
        people.abort(folder, Abort(by="bdurand", asked=START))
    wish = people.aborted(folder)
    assert wish is not None
    assert wish.by == "amartin"
