"""Sign what is about to be appended: a crash in the middle of it is carried through afterwards.

`register.next` is written before the register is touched. Without the key nobody can make one, and
one of another place in the chain does not fit: so what is carried through was signed by a process
that had verified what it signed on top of.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from pydantic import Field, ValidationError

from pradrill.domain.register.entry import GENESIS, Entry, Head
from pradrill.domain.values.model import Model
from pradrill.register.chain.lines import HEAD, REGISTER, head_line, line_hash, seals_in
from pradrill.register.sealing.signing import signature_problem, signer_line
from pradrill.system.durable_files import content_of, write_whole

INTENT = "register.next"


class Intent(Model):
    """Lines to be appended, and the signature of the head that they lead to."""

    end: int = Field(ge=0, description="where the register ended before them")
    lines: tuple[str, ...] = Field(min_length=1)
    signature: str

    @property
    def content(self) -> bytes:
        """Return the lines as they stand in the register."""
        return "".join(self.lines).encode()

    @property
    def head(self) -> Head:
        """Return the head that they lead to; raises ValueError when a line is not an entry."""
        last = self.lines[-1].encode()
        number = Entry.model_validate_json(last).number
        return Head(number=number, sha256=line_hash(last))


def write_intent(state: Path, intent: Intent) -> None:
    """See it on the disk; raises OSError."""
    write_whole(state / INTENT, intent.model_dump_json().encode(), 0o600)


def drop_intent(state: Path) -> None:
    """Remove what was carried through; raises OSError."""
    (state / INTENT).unlink(missing_ok=True)


def unfinished(state: Path, trusted: str | None) -> Intent | None:
    """Return what a crash left half done, if it was signed for exactly this place in the chain.

    `trusted`: the public key of the settings, if they are at hand; otherwise only the key that
    the chain names counts.
    """
    try:
        intent = Intent.model_validate_json(content_of(state / INTENT))
        head, first = intent.head, Entry.model_validate_json(intent.lines[0])
    except (OSError, ValidationError, ValueError):
        return None

    content = b""
    with suppress(OSError):
        content = content_of(state / REGISTER)
    before, after = content[: intent.end], content[intent.end :]
    seals = seals_in(before)
    keys = {seals.public_key if seals else None, trusted} - {None}
    fits = (
        len(before) == intent.end
        and _ends_with(before) == first.previous
        and intent.content.startswith(after)
        and _names(state, first, head)
        and _is_chain(intent.lines)
    )

    allowed = "".join(signer_line(str(key)) for key in keys)
    signed = fits and not signature_problem(head_line(head), intent.signature.encode(), allowed)

    return intent if signed else None


def _ends_with(content: bytes) -> str:
    """Return the hash of the last line."""
    if not content:
        return GENESIS
    return line_hash(content[content.rfind(b"\n", 0, -1) + 1 :]) if content[-1:] == b"\n" else ""


def _names(state: Path, first: Entry, head: Head) -> bool:
    """Tell whether the head on the disk is the one before, or already the new one."""
    try:
        text = content_of(state / HEAD)
    except FileNotFoundError:
        return first.previous == GENESIS
    except OSError:
        return False

    number = first.number - 1
    before = head_line(Head(number=number, sha256=first.previous)) if number else b""

    return text in {before, head_line(head)}


def _is_chain(lines: tuple[str, ...]) -> bool:
    hashes = [line_hash(line.encode()) for line in lines]
    entries = [Entry.model_validate_json(line) for line in lines[1:]]
    return [entry.previous for entry in entries] == hashes[:-1]
