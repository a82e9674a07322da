"""What commands answer programs."""

from __future__ import annotations

import json
from argparse import Namespace

import pytest

from pradrill.cli.json_output import print_json
from pradrill.domain.values.masking import Masker
from pradrill.testing import START


def test_an_instant_is_written_as_in_records(capsys: pytest.CaptureFixture[str]) -> None:
    """With its T: a program reads one form everywhere."""
    print_json(Namespace(masker=Masker()), {"next": START, "day": START.date()})
    assert json.loads(capsys.readouterr().out) == {
        "format": 1,
        "next": START.isoformat(),
        "day": START.date().isoformat(),
    }
