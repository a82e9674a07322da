"""List every form that tools give to a secret: escaped, encoded, spelled out, byte by byte."""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
import shlex
import textwrap
from collections.abc import Callable, Iterable, Iterator

SHORTEST = 4
"""Characters: what is shorter stands in every text by chance, and cannot be kept out of one."""

STRONG = 8
"""Characters: what is shorter, or a number, is masked as a word of its own only."""

_FRAME = re.compile(r"-----(BEGIN|END) [A-Z0-9 ]+-----")  # of a key: no secret by itself
_DECLARED_PASSWORD = re.compile(r"://[^/:@]*:(?!\d{1,5}/)(\S+)")
_NAME = r"[\w.-]*(?:pass(?:word|wd|phrase)?|pwd|secret|token|key)"
_SETTING = re.compile(rf"^\W*{_NAME}[\"']?\s*[:=]\s*[\"']?(.+?)[\"']?[,;]?\s*$", re.IGNORECASE)
_PGPASS = re.compile(r"^(?:[^:\s]*:){4}(\S.*)$")
_NETRC = re.compile(r"\bpassword\s+(\S+)")
_WRAPS = (64, 70, 76)  # as openssl, ssh-keygen and base64 break long lines
_UNQUOTED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~")


def parts_of(secret: str) -> set[str]:
    """Return what is a secret in a secret: itself, its lines, and the passwords that it holds."""
    forms = {secret, secret.strip(), *passwords_in(secret), *_in_json(secret)}
    for line in secret.splitlines():
        bare = line.strip()
        if len(bare) >= STRONG and not _FRAME.fullmatch(bare):
            forms.add(bare)
        hits = (_SETTING.search(bare), _PGPASS.search(bare), _NETRC.search(bare))
        forms |= {hit[1] for hit in hits if hit}
    return {part for part in forms if len(part) >= SHORTEST}


def passwords_in(text: str) -> Iterator[str]:
    """Yield the passwords that stand in URLs, as https://user:PASSWORD@host."""
    for word in text.split():
        before_host, _, _ = word.rpartition("@")
        yield from _DECLARED_PASSWORD.findall(before_host)


def spellings(secret: str) -> set[str]:
    """Return a text as it is and escaped, also twice: JSON in JSON, a URL in HTML."""
    once = {secret} | {escape(secret) for escape in _ESCAPES}
    twice = once | {escape(form) for form in once for escape in _ESCAPES}
    return twice | {_ESCAPES[0](_ESCAPES[0](_ESCAPES[0](secret)))}  # JSON in JSON in JSON


def encoded(secret: str) -> set[str]:
    """Return a text in hex, base32 and base64; in base64 twice, too, and as JSON or a URL in it."""
    raw = secret.encode("utf-8", "surrogatepass")
    dumps = {raw.hex(sign, -width) for sign in ":- " for width in (1, 2)}
    forms = {raw.hex(), *dumps, base64.b32encode(raw)[: len(raw) * 8 // 5].decode()}
    forms |= set(_in_base64(raw))
    standard = set(_in_base64(raw, (base64.b64encode,)))
    for inner in {*standard, *(escape(secret) for escape in _INSIDE)} - {secret}:
        forms |= set(_in_base64(inner.encode("utf-8", "surrogatepass"), (base64.b64encode,)))
    forms |= {_percent(form) for form in forms if not form.isalnum()}
    return forms | set(_in_lines(secret)) | set(_of_other_bytes(secret)) | _spelled(secret)


def _in_json(secret: str) -> Iterator[str]:
    """Yield what the credentials of a service, as JSON, call a password or a key."""
    if not secret.lstrip().startswith("{"):
        return
    try:
        document = json.loads(secret)
    except (ValueError, RecursionError):
        return
    below = [document]
    while below:
        each = below.pop()
        for name, value in each.items() if isinstance(each, dict) else enumerate(each):
            if isinstance(value, dict | list):
                below.append(value)
            elif isinstance(value, str) and re.fullmatch(_NAME, str(name), re.IGNORECASE):
                yield from {value, *parts_of(value)}


def _in_lines(secret: str) -> Iterator[str]:
    """Yield each line of a long text that was joined, or put into base64, and broken anew."""
    if "\n" not in secret.strip():
        return
    bodies = [line.strip() for line in secret.splitlines() if not _FRAME.fullmatch(line.strip())]
    whole = base64.b64encode(secret.encode("utf-8", "surrogatepass")).decode()
    for text in (whole, "".join(bodies)):
        for width in _WRAPS:
            yield from textwrap.wrap(text, width)


def _of_other_bytes(secret: str) -> Iterator[str]:
    """Yield a text as Windows and old databases have it: in hex, in base64, as Python shows it."""
    for encoding in ("utf-16-le", "utf-16-be", "latin-1"):
        try:
            raw = secret.encode(encoding)
        except UnicodeEncodeError:
            continue
        if raw != secret.encode("utf-8", "surrogatepass"):
            yield raw.hex()
            yield repr(raw)[2:-1]
            yield from _in_base64(raw, (base64.b64encode,))
            yield "".join(chr(byte) if byte in _UNQUOTED else f"%{byte:02X}" for byte in raw)


def _spelled(secret: str) -> set[str]:
    """Return a text sign by sign, as a language or a page may write it, and backwards."""
    raw = secret.encode("utf-8", "surrogatepass")
    return {
        secret[::-1],
        " ".join(secret),
        "".join(f"\\x{byte:02x}" for byte in raw),
        "".join(f"\\u{ord(sign):04x}" for sign in secret),
        "".join(f"&#{ord(sign)};" for sign in secret),
        "".join(f"&#x{ord(sign):x};" for sign in secret),
        *(join.join(f"0x{byte:02x}" for byte in raw) for join in (", ", " ", ",")),
        *(join.join(map(str, raw)) for join in (", ", " ", ",")),
        binascii.b2a_qp(raw, quotetabs=True).decode().replace("=\n", ""),
    }


def _percent(text: str, kept_as_is: str = "") -> str:
    """Quote a text as a part of a URL."""
    safe = _UNQUOTED | frozenset(kept_as_is.encode())
    raw = text.encode("utf-8", "surrogatepass")
    return "".join(chr(byte) if byte in safe else f"%{byte:02X}" for byte in raw)


def _octal(raw: bytes) -> str:
    return "".join(chr(byte) if byte < 128 else f"\\{byte:03o}" for byte in raw)  # noqa: PLR2004 ASCII


_ESCAPES: tuple[Callable[[str], str], ...] = (
    lambda text: json.dumps(text)[1:-1],
    lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    lambda text: repr(text)[1:-1],
    lambda text: ascii(text)[1:-1],
    lambda text: repr(f"{text}\"'")[1:-4],  # where the other quote stands in the text, too
    lambda text: ascii(f"{text}\"'")[1:-4],
    lambda text: shlex.quote(text).removeprefix("'").removesuffix("'"),
    html.escape,
    lambda text: html.escape(text, quote=False),
    lambda text: html.escape(text).replace("&#x27;", "&#39;"),  # as Jinja writes it
    lambda text: _percent(text, "/"),
    _percent,
    lambda text: _percent(text, " ").replace(" ", "+"),
    lambda text: text.replace("\\", "\\\\"),
    lambda text: text.replace("'", "''"),  # in SQL
    lambda text: re.sub(r"([^\w@%+=:,./-])", r"\\\1", text),  # bash's %q
    lambda text: repr(text.encode("utf-8", "surrogatepass"))[2:-1],  # as Python shows bytes
    lambda text: html.escape(text).replace("&#x27;", "&apos;"),
    lambda text: _octal(text.encode("utf-8", "surrogatepass")),  # as git and psql show bytes
    lambda text: "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "surrogatepass")),
)
_INSIDE = (_ESCAPES[0], _ESCAPES[1], _ESCAPES[10], _ESCAPES[11])
"""JSON and URLs, which are themselves put into base64, as in a token."""


def _in_base64(
    raw: bytes,
    alphabets: Iterable[Callable[[bytes], bytes]] = (base64.b64encode, base64.urlsafe_b64encode),
) -> Iterator[str]:
    """Yield bytes in base64, at each of the three places where they can begin."""
    for encode in alphabets:
        yield encode(raw).decode()
        for before in range(3):
            whole = encode(b"\0" * before + raw).decode()
            first, last = -(-before * 8 // 6), (before + len(raw)) * 8 // 6
            yield whole[first:last]
