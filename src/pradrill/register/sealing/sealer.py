"""Sign, stamp and publish as the plan says; what fails is reported, and never stops a run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pradrill.domain.declared.sealing import Sealing
from pradrill.domain.register.entry import Head, Seals
from pradrill.register.chain.lines import head_line
from pradrill.register.sealing.attesting import attest
from pradrill.register.sealing.publishing import REPOSITORY, log_head, push_head
from pradrill.register.sealing.signing import public_key, sign
from pradrill.register.sealing.stamping import stamp
from pradrill.system.tools import ToolError

if TYPE_CHECKING:  # status asks for the key, and needs none of its models
    from pradrill.domain.run.record import RunRecord

Tell = Callable[[str], None]


class Sealer:
    """What seals one state directory's register."""

    def __init__(self, settings: Sealing, state: Path, tell: Tell) -> None:
        self._settings = settings
        self._repository = state / REPOSITORY
        self._tell = tell

    def seals(self) -> Seals | None:
        """Return the public side of the settings; None when it cannot be known now."""
        settings = self._settings
        try:
            key = public_key(settings.key) if settings.key else None
            ca = settings.authority_ca.read_text("ascii") if settings.authority_ca else None
        except (ToolError, OSError, UnicodeDecodeError) as error:
            self._tell(f"the register is not sealed: {error}")
            return None

        return Seals(
            principal=settings.principal if key else None,
            public_key=key,
            authority=settings.authority,
            authority_ca=ca,
            strict=key is not None,
        )

    def handing_over(self, seals: Seals, before: Seals, previous: str) -> Seals:
        """Return the new settings with the hand of the key before, if it is another and usable."""
        key = self._settings.previous_key
        if before.public_key in {None, seals.public_key}:
            return seals
        if key is None:
            self._tell(
                "the register's key changes without the hand of the one before; name that "
                "under sealing as previous_key until the change is entered"
            )

            return seals

        try:
            if public_key(key) != before.public_key:
                self._tell(f"{key} is not the key that the register names")
                return seals

            signature = sign(seals.handed_over(previous), key)
        except ToolError as error:
            self._tell(f"the key before does not hand over: {error.message}")
            return seals

        return seals.model_copy(update={"handover": signature.decode("ascii")})

    def able(self, head: Head) -> bool:
        """Tell whether a head could be signed now."""
        return self.signature(head_line(head))[0] is not None

    def why_no_successor(self, predecessor: str) -> str | None:
        """Say why nothing can be signed that follows on what the named key has signed."""
        key = self.public_key()
        if key is None:
            return "no key that can be read is named"
        if key == predecessor:
            return self.signature(b"")[1]
        try:
            before = self._settings.previous_key and public_key(self._settings.previous_key)
        except ToolError as error:
            return error.message
        return None if before == predecessor else "another key is named, and the one before is not"

    def public_key(self) -> str | None:
        """Return the public half of the key, if one is named and can be read."""
        try:
            return public_key(self._settings.key) if self._settings.key else None
        except ToolError:
            return None

    def signature(self, content: bytes) -> tuple[bytes | None, str | None]:
        """Return the signature of a content, or why it is missing; neither without a key."""
        if self._settings.key is None:
            return None, None

        try:
            return sign(content, self._settings.key), None
        except ToolError as error:
            self._tell(f"not signed: {error.message}")
            return None, error.message

    def attestation(self, name: str, sha256: str, record: RunRecord) -> bytes | None:
        """Return an attestation of a record's file, if a key for it is named and usable."""
        if self._settings.attestation_key is None:
            return None

        try:
            return attest(name, sha256, record, self._settings.attestation_key)
        except ToolError as error:
            self._tell(f"not attested: {error.message}")
            return None

    def stamp(self, sha256: str) -> bytes | None:
        """Return an authority's stamp of a hash, if one is named and answers."""
        if self._settings.authority is None:
            return None

        try:
            return stamp(sha256, self._settings.authority)
        except ToolError as error:
            self._tell(error.message)
            return None

    def publish(self, head: Head, at: datetime) -> None:
        """Put the head where the settings say."""
        settings = self._settings
        try:
            if settings.head_log is not None:
                log_head(head, at, settings.head_log)
        except ToolError as error:
            self._tell(f"the register's head is not published: {error.message}")

        try:
            if settings.head_git is not None:
                push_head(head, at, self._repository, settings.head_git)
        except ToolError as error:
            self._tell(f"the register's head is not published: {error.message}")
