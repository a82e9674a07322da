"""Sign as `ssh-keygen -Y sign` does; keys on tokens and in agents work as there."""

from __future__ import annotations

import base64
import binascii
import re
from pathlib import Path
from typing import NamedTuple

from pradrill.domain.declared.sealing import NAMESPACE
from pradrill.domain.register.symptom import Symptom
from pradrill.system.in_memory import memory_file
from pradrill.system.tools import ToolError, tool

_ARMOR = re.compile(
    rb"-----BEGIN SSH SIGNATURE-----\n(.+)\n-----END SSH SIGNATURE-----\n", re.DOTALL
)
_KEY = re.compile(r"((?:ssh|ecdsa|sk)-[a-z0-9@.-]+) ([A-Za-z0-9+/]+={0,2})(?: .*)?")
_WIDTH = 70


class Signer(NamedTuple):
    """A name and the key that speaks for it, as in a line of allowed_signers."""

    principal: str
    public_key: str

    def __str__(self) -> str:
        """Return the line of an allowed_signers file."""
        return f'{self.principal} namespaces="{NAMESPACE}" {self.public_key}'

    @property
    def fingerprint(self) -> str:
        """Return what `ssh-keygen -l` calls the key."""
        listing = tool("ssh-keygen", "-l", "-f", "-", stdin=f"{self.public_key}\n".encode())
        return listing.decode("ascii", "replace").split()[1]


def signer_line(public_key: str) -> str:
    """Return the allowed_signers file of one key, whatever its owner is called."""
    return f"{Signer('signer', public_key)}\n"


def newest(signers: str) -> str:
    """Return the newest of the signers that a register names: the one who signs now."""
    return "".join(signers.splitlines(keepends=True)[-1:])


def public_key(key: Path) -> str:
    """Return a key's public half ("ssh-ed25519 AAAA…", no comment); raises ToolError."""
    beside = key if key.suffix == ".pub" else key.with_name(f"{key.name}.pub")
    try:
        text = beside.read_text(encoding="utf-8") if beside.is_file() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise ToolError(f"cannot read the public key {beside}") from error

    match = _KEY.fullmatch((text or tool("ssh-keygen", "-y", "-f", key).decode()).strip())
    if match is None:
        raise ToolError(f"{beside} is no public SSH key")

    return f"{match[1]} {match[2]}"


def sign(content: bytes, key: Path) -> bytes:
    """Return the signature file of a content; raises ToolError."""
    return tool("ssh-keygen", "-Y", "sign", "-n", NAMESPACE, "-f", key, stdin=content)


def signature_problem(content: bytes, signature: bytes, signers: str) -> str | None:
    """Say why a signature file does not vouch for a content, or None when it does.

    `signers` is the text of an allowed_signers file. The file must be exactly as ssh-keygen
    writes it: otherwise bytes of it could change and nobody would notice.
    """
    if not _is_canonical(signature):
        return Symptom.SIGNATURE_FORM.text()

    with memory_file(signers.encode()) as allowed, memory_file(signature) as signed:
        try:
            principals = tool("ssh-keygen", "-Y", "find-principals", "-f", allowed, "-s", signed)
        except ToolError:
            return Symptom.SIGNATURE_STRANGER.text()

        principal = principals.decode("utf-8", "replace").splitlines()[0].strip()
        try:
            tool(
                *("ssh-keygen", "-Y", "verify", "-f", allowed, "-I", principal),
                *("-n", NAMESPACE, "-s", signed),
                stdin=content,
            )
        except ToolError:
            return Symptom.SIGNATURE_OTHER.text()

    return None


def _is_canonical(signature: bytes) -> bool:
    match = _ARMOR.fullmatch(signature)
    if match is None:
        return False

    try:
        blob = base64.b64decode(match[1].replace(b"\n", b""), validate=True)
    except binascii.Error:
        return False

    text = base64.b64encode(blob)
    lines = [text[start : start + _WIDTH] for start in range(0, len(text), _WIDTH)]

    return b"\n".join(lines) == match[1]
