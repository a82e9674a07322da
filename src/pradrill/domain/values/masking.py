"""Take secrets out of whatever is about to be written, in every form that tools give them."""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
from collections.abc import Callable, Iterable, Iterator
from typing import Any

MASK = "********"
SHORTEST = 4
"""Characters: what is shorter stands in every text by chance, and cannot be kept out of one."""

_STRONG = 8  # characters; what is shorter, or a number, is masked as a word of its own only
_URL_PASSWORD = re.compile(r"(://[^\s/:@'\"]*):[^\s/'\"]+@")
_DECLARED_PASSWORD = re.compile(r"://[^\s/:@]*:(?!\d{1,5}/)(\S+)@")
_NOT_SHOWN = "(not shown)"
_MAY_QUOTE_ROWS = re.compile(r"ERROR|ERREUR|FEHLER|Duplicate entry")
_ROWS = re.compile(
    r"((?<![A-Z])(?:DETAIL|D[ÉE]TAIL|CONTEXTE?|STATEMENT|INSTRUCTION|QUERY) ?:  |Command was: "
    r"|LINE \d+: |LIGNE \d+ : )(?!\(not shown\)).*?(?=\\n|[\r\n]|$)"
    r"|(Duplicate entry |[Ii]ncorrect \w+ value: |syntax to use near |at or near "
    r"|invalid input syntax for [\w ]+: |invalid input value for [^:]+: )"
    r"(?:'.*?'(?= for | at | near |$)|\\?\".*?\")"
)
"""What clients of MariaDB and PostgreSQL add to an error: the statement, the row that failed."""
_EXACT = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)"  # an instant
    r"|(sha256:)?[0-9a-f]{64}"  # a hash
    r"|\d{8}T\d{6}Z-[a-z][a-z0-9_-]*-[0-9a-f]{6}"  # a run's id
)
_NUMBER = re.compile(r"[-+]?[0-9]+(\.[0-9]+)?(e[-+]?[0-9]{1,3})?", re.IGNORECASE)
_FRAME = re.compile(r"-----(BEGIN|END) [A-Z0-9 ]+-----")  # of a key: no secret by itself
_MAY_BE_CUT = 120  # characters: shorter texts were cut nowhere
_CUT = re.compile(r"(\.\.\.|…)")
_PART = 5  # characters of a secret that a cut may leave
_BREAK = re.compile(r"[\r\n]+")


class Masker:
    """Hides every secret that it has learned; what it has hidden stays hidden if masked again."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._learned: set[str] = set()
        self._forms: set[str] = set()
        self._words: set[str] = set()
        self._longest_first: tuple[str, ...] = ()
        self._any_word: re.Pattern[str] | None = None
        self._numbers: set[float] = set()
        for secret in secrets:
            self.learn(secret)

    def learn(self, secret: str) -> None:
        """Hide a secret from now on; the password of a URL and each line of a text are some too."""
        if secret in self._learned:
            return

        self._learned.add(secret)
        for part in {secret, secret.strip(), *_lines(secret), *passwords_in(secret)}:
            if len(part) < SHORTEST:
                continue

            if len(part) < _STRONG or part.isdecimal():
                self._words |= set(_spellings(part))
                self._forms |= {form for form in _encoded(part) if len(form) >= _STRONG}
            else:
                self._forms |= {form for form in _forms(part) if len(form) >= _STRONG}

            if _NUMBER.fullmatch(part):
                self._numbers |= {float(part), *([int(part)] if part.isdecimal() else [])}

        self._longest_first = tuple(sorted(self._forms, key=len, reverse=True))
        if self._words:
            longest = sorted(self._words, key=len, reverse=True)
            self._any_word = re.compile("|".join(map(_word, longest)))

    def text(self, text: str) -> str:
        """Return a text without secrets and without the passwords of URLs."""
        if _MAY_QUOTE_ROWS.search(text):
            text = _ROWS.sub(lambda hit: f"{hit[1] or hit[2]}{_NOT_SHOWN}", text)

        if "://" in text:
            text = _URL_PASSWORD.sub(rf"\1:{MASK}@", text)

        for form in self._longest_first:
            text = text.replace(form, MASK)

        if self._longest_first:
            if "\n" in text or "\r" in text:
                text = self._over_line_ends(text)

            if len(text) >= _MAY_BE_CUT or "..." in text or "…" in text:
                text = "".join(map(self._without_part, _CUT.split(text)))

        if self._any_word is not None and not _EXACT.fullmatch(text):
            text = self._any_word.sub(MASK, text)

        return text

    def facts(self, value: Any) -> Any:
        """Return data of the same shape, with every text in it masked: values and keys.

        Numbers too, where a playbook hands them back; the others are measured, and stay.
        """
        return self._inside(value, free=False)

    def free(self, value: Any) -> Any:
        """Return data that somebody else made, with every text and number in it masked."""
        return self._inside(value, free=True)

    def _inside(self, value: Any, *, free: bool) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {
                self.text(key) if isinstance(key, str) else key: self._inside(
                    each, free=free or key in _FREE
                )
                for key, each in value.items()
            }
        if isinstance(value, list | tuple):
            return [self._inside(each, free=free) for each in value]
        if free and isinstance(value, int | float) and not isinstance(value, bool):
            return MASK if self._is_secret_number(value) else value

        return value

    def _is_secret_number(self, value: float) -> bool:
        return value in self._numbers or self.text(repr(value)) != repr(value)

    def _without_part(self, piece: str) -> str:
        """Mask what a cut has left of a secret: its first signs at the end, or its last ones."""
        if _CUT.fullmatch(piece):
            return piece

        for form in self._longest_first:
            at = piece.rfind(form[:_PART], -len(form))
            if at >= 0 and form.startswith(piece[at:]):
                piece = piece[:at] + MASK
            at = piece.find(form[-_PART:], 0, len(form))
            if at >= 0 and form.endswith(piece[: at + _PART]):
                piece = MASK + piece[at + _PART :]

        return piece

    def _over_line_ends(self, text: str) -> str:
        """Mask what was wrapped: looked for in the text without its line ends."""
        flat = _BREAK.sub("", text)
        hits = [form for form in self._longest_first if form in flat]
        if not hits:
            return text

        positions = [at for at, sign in enumerate(text) if sign not in "\r\n"]
        spans = [
            (positions[hit.start()], positions[hit.end() - 1] + 1)
            for form in hits
            for hit in re.finditer(re.escape(form), flat)
        ]

        parts, position = [], 0
        for start, end in sorted(spans):
            if start >= position:
                parts += [text[position:start], MASK]
            position = max(position, end)

        return "".join(parts) + text[position:]


_FREE = frozenset({"values", "vars"})
"""Where data of other people's making stands in a plan, a journal and a record."""


def passwords_in(text: str) -> Iterator[str]:
    """Yield the passwords that stand in URLs, as https://user:PASSWORD@host."""
    yield from _DECLARED_PASSWORD.findall(text)


def _lines(secret: str) -> Iterator[str]:
    for line in secret.splitlines():
        if len(line.strip()) >= _STRONG and not _FRAME.fullmatch(line.strip()):
            yield line.strip()


def _word(form: str) -> str:
    """Return a pattern for a form that no letter or digit goes on; a number may touch letters."""
    near = r"[0-9]" if form.isdecimal() else r"[0-9A-Za-z]"
    return rf"(?<!{near}){re.escape(form)}(?!{near})"


_UNQUOTED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~")


def _percent(text: str, safe_signs: str = "") -> str:
    """Quote a text as a part of a URL."""
    safe = _UNQUOTED | frozenset(safe_signs.encode())
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
    lambda text: re.sub("%..", lambda hit: hit[0].lower(), _percent(text)),
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


def _spellings(secret: str) -> set[str]:
    """Return a text as it is and escaped, also twice: JSON in JSON, a URL in HTML."""
    once = {secret} | {escape(secret) for escape in _ESCAPES}
    return once | {escape(form) for form in once for escape in _ESCAPES}


def _encoded(secret: str) -> set[str]:
    """Return a text in hex, base32 and base64; in base64 twice, too, and as JSON or a URL in it."""
    raw = secret.encode("utf-8", "surrogatepass")
    dumps = {raw.hex(sign, -width) for sign in ":- " for width in (1, 2)}
    forms = {raw.hex(), *dumps, base64.b32encode(raw)[: len(raw) * 8 // 5].decode()}
    forms |= {form.upper() for form in forms}
    once = set(_in_base64(raw))
    standard = set(_in_base64(raw, (base64.b64encode,)))
    for inner in {*standard, *(escape(secret) for escape in _INSIDE)} - {secret}:
        forms |= set(_in_base64(inner.encode("utf-8", "surrogatepass"), (base64.b64encode,)))
    forms |= once

    return forms | {_percent(form) for form in forms if not form.isalnum()}


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


def _forms(secret: str) -> set[str]:
    return _spellings(secret) | _encoded(secret)
