"""Tell how far a signature vouches for the register as it lies on the disk.

Whoever can write in the state directory and has no key can change every line, compute the chain
anew and drop the signatures. What they cannot do is sign: so nothing is signed on top of a head
that does not carry its own signature, unless an entry before it says what nobody vouches for.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from pradrill.domain.register.entry import Head
from pradrill.register.chain.lines import HEAD, HEAD_SIGNATURE, head_line, parse_head
from pradrill.register.sealing.signing import signature_problem, signer_line
from pradrill.system.durable_files import content_of, write_whole

SIGNED = "register.signed"
"""The last head that was signed, with its signature, while newer entries could not be."""


def signed_heads(state: Path, public_key: str) -> list[Head]:
    """Return the heads on the disk that carry a signature by a key, the newest first."""
    candidates = []
    with suppress(OSError):
        candidates.append((content_of(state / HEAD), content_of(state / HEAD_SIGNATURE)))

    with suppress(OSError):
        signed_text, _, signature = content_of(state / SIGNED).partition(b"\n")
        candidates.append((signed_text + b"\n", signature))

    heads = []
    for text, signature in candidates:
        with suppress(ValueError):
            head = parse_head(text)
            if signature_problem(text, signature, signer_line(public_key)) is None:
                heads.append(head)

    return heads


def keep_signed(state: Path) -> None:
    """Keep the head with its signature before one that cannot be signed takes its place.

    Raises OSError. Whether it holds is asked when it is used.
    """
    with suppress(FileNotFoundError):
        signature = content_of(state / HEAD_SIGNATURE)
        write_whole(state / SIGNED, content_of(state / HEAD) + signature, 0o600)


def restore_signed(state: Path) -> None:
    """Give the head that was kept its signature back, if it still stands. Raises OSError."""
    text, _, signature = content_of(state / SIGNED).partition(b"\n")
    if content_of(state / HEAD) == text + b"\n":
        write_whole(state / HEAD_SIGNATURE, signature, 0o600)
        (state / SIGNED).unlink()


def vouched(heads: list[Head], hashes: list[str]) -> int:
    """Return how many of the lines, from the first on, the signed heads vouch for."""
    return max(
        (hashes.index(head.sha256) + 1 for head in heads if head.sha256 in hashes), default=0
    )


def is_signed(state: Path, head: Head, public_key: str) -> bool:
    """Tell whether the head that is written down carries its own signature by a key."""
    try:
        text, signature = content_of(state / HEAD), content_of(state / HEAD_SIGNATURE)
    except OSError:
        return False
    same = text == head_line(head)
    return same and signature_problem(text, signature, signer_line(public_key)) is None
