"""Sign the facts of a journal in the run's own process.

Whoever can write in the state directory can make a journal up. Where a key is named, a run whose
first fact nobody vouches for was never begun, without its last one none has come to its end, and
one goes on in another process only from facts that its first one vouched for. A signature covers
all that stands before it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pradrill.domain.run.event import Event
from pradrill.errors import RecordError
from pradrill.register.runs.draft import EVIDENCE, JOURNAL
from pradrill.register.sealing.signing import signature_problem, signer_line
from pradrill.system.durable_files import content_of, sha256

VOUCHED = "vouched"
"""What a fact's signature is called in its line."""

Sign = Callable[[bytes], tuple[bytes | None, str | None]]

_UNBEGUN = "its first fact does not carry the signature of the key that is named"
_UNVOUCHED = "a fact in its journal does not carry the signature of the key that is named"

ENDS = frozenset({Event.STARTED, Event.ENDED})
"""What is signed even where somebody must be asked for it."""
BARE = frozenset({Event.STEP_STARTED, Event.CHECK_PASS, Event.NEWS, Event.SIGNAL, Event.CLOCK})
"""What counts for nothing when a run goes on: its step is taken again, a set clock only widens."""


def line_of(fact: Mapping[str, Any]) -> bytes:
    """Return a fact as it stands in a journal."""
    return json.dumps(fact, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"


def with_signature(folder: Path, fact: dict[str, Any], sign: Sign) -> dict[str, Any]:
    """Return a run's next fact, signed if a key is at hand. Raises OSError."""
    signature = None
    with suppress(RecordError):  # a register that cannot be read stops no run
        signature, _ = sign(_statement(folder, _journal(folder), json.loads(line_of(fact))))
    return fact if signature is None else {**fact, VOUCHED: signature.decode("ascii")}


def why_not_begun(folder: Path, public_key: str | None) -> str | None:
    """Say why a run without a record was not begun by a process of ours; None: nothing says so.

    Raises OSError.
    """
    if public_key is None:
        return None
    first, feed, _ = _journal(folder).partition(b"\n")
    vouched = _is_vouched(folder, b"", first + feed, Event.STARTED, public_key)
    return None if vouched else _UNBEGUN


def not_begun(folder: Path, public_key: str | None) -> str | None:
    """Say why no process of ours began a run; of what cannot be read, nothing is known."""
    with suppress(OSError):
        return why_not_begun(folder, public_key)
    return None


def why_unvouched(folder: Path, public_key: str | None) -> str | None:
    """Say why a run's facts are not what its process wrote; None: nothing says so. Raises OSError.

    Facts at the end may have been taken away: what they tell of is done again.
    """
    if public_key is None:
        return None

    *lines, _ = _journal(folder).split(b"\n")  # what a crash cut off is no fact
    while lines and _fact(lines[-1]).get("event") in BARE:
        lines.pop()

    *earlier, last = [line + b"\n" for line in lines] or [b""]
    is_vouched = _is_vouched(folder, b"".join(earlier), last, None, public_key)
    return None if is_vouched else _UNVOUCHED


def _fact(line: bytes) -> dict[str, Any]:
    with suppress(ValueError, RecursionError):
        fact = json.loads(line)
        return fact if isinstance(fact, dict) else {}
    return {}


def has_ended(folder: Path, public_key: str | None) -> bool:
    """Tell whether a journal's last fact is its end, and the run's own process says so.

    Raises OSError.
    """
    before, feed, last = _journal(folder).removesuffix(b"\n").rpartition(b"\n")
    return public_key is None or _is_vouched(
        folder, before + feed, last + b"\n", Event.ENDED, public_key
    )


def _is_vouched(
    folder: Path, before: bytes, line: bytes, event: Event | None, public_key: str
) -> bool:
    try:
        fact = json.loads(line)
        signature = fact.pop(VOUCHED).encode()
        statement = _statement(folder, before, fact)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False
    problem = signature_problem(statement, signature, signer_line(public_key))
    return event in (None, fact.get("event")) and problem is None


def _statement(folder: Path, before: bytes, fact: dict[str, Any]) -> bytes:
    """Return what is signed of a fact: the run, all that was told before it, and the fact itself.

    At a run's end this takes in its evidence: it is in the record that is still to be written.
    """
    files = sorted((folder / EVIDENCE).rglob("*")) if fact["event"] == Event.ENDED else []
    evidence = [
        (path.relative_to(folder).as_posix(), sha256(path)) for path in files if path.is_file()
    ]
    journal = hashlib.sha256(before).hexdigest()
    return json.dumps([folder.name, journal, evidence, fact], sort_keys=True).encode() + b"\n"


def _journal(folder: Path) -> bytes:
    """Return a journal's bytes; none when there is none. Raises OSError."""
    try:
        return content_of(folder / JOURNAL)
    except FileNotFoundError:
        return b""
