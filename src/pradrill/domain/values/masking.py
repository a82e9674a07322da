"""Take secrets out of whatever is about to be written, in every form that tools give them."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pradrill.domain.values.quoted_rows import without_rows
from pradrill.domain.values.secret_forms import STRONG, encoded, parts_of, spellings

MASK = "********"

_URL_PASSWORD = re.compile(r"(://[^\s/:@'\"]*):[^\s/'\"]+@")
_EXACT = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)"  # an instant
    r"|(sha256:)?[0-9a-f]{64}"  # a hash
    r"|\d{8}T\d{6}Z-[a-z][a-z0-9_-]*-[0-9a-f]{6}"  # a run's id
)
_NUMBER = re.compile(r"[-+]?[0-9]+(\.[0-9]+)?(e[-+]?[0-9]{1,3})?", re.IGNORECASE)
_MAY_BE_CUT = 120  # characters: shorter texts were cut nowhere
_CUT = re.compile(r"(\.\.\.|…)")
_TIMES = 4
_PART = 5  # characters of a secret that a cut may leave
_BREAK = re.compile(
    r"['\"]?[=\\]?(?:[\r\n]|(?<!\\)\\+[rn])+[ \t]*[|>+E-]?[ \t]*['\"]?"  # lines
    r"|['\"],\s*['\"]"  # a list of lines
    r"|\\?[\x1b]\[[0-9;]*[A-Za-z]"  # colours
    r"|(?<!\\)\\+(?:x1b|u001b|033)\[[0-9;]*[A-Za-z]"
    r"|[\x00\u200b-\u200d\u2060\ufeff\xad]"  # UTF-16; signs that nobody sees
    r"|(?<!\\)\\+(?:x00|u0000)"
)
"""What may stand between the signs of a secret that was wrapped, coloured or written in UTF-16."""


class Masker:
    """Hides every secret that it has learned; what it has hidden stays hidden if masked again.

    Capitals make no difference: tools write hex, hosts' names and much else as they like.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._learned: set[str] = set()
        self._forms: set[str] = set()
        self._words: set[str] = set()
        self._by_head: dict[str, list[str]] = {}
        """Forms by their first signs, the longest first: a text is gone through once for all."""
        self._begins: dict[str, list[str]] = {}
        self._ends: dict[str, list[str]] = {}
        self._longest = 0
        self._any_word: re.Pattern[str] | None = None
        self._numbers: set[float] = set()
        for secret in secrets:
            self.learn(secret)

    def learn(self, secret: str) -> None:
        """Hide a secret from now on; the passwords in it and each line of a text are some too."""
        if secret in self._learned:
            return

        self._learned.add(secret)
        before = set(self._forms)
        for part in parts_of(secret):
            is_weak = len(part) < STRONG or part.isdecimal()
            forms = encoded(part) if is_weak else encoded(part) | spellings(part)
            forms |= {_BREAK.sub("", form) for form in forms}  # as a text without breaks has it
            if is_weak:
                self._words |= spellings(part)
                forms -= {part, part[::-1]}
            self._forms |= {_folded(form) for form in forms if len(form) >= STRONG}

            if _NUMBER.fullmatch(part):
                self._numbers |= {float(part), *([int(part)] if part.isdecimal() else [])}
        for form in sorted(self._forms - before, key=len, reverse=True):
            self._by_head.setdefault(form[:STRONG], []).append(form)
            self._begins.setdefault(form[:_PART], []).append(form)
            self._ends.setdefault(form[-_PART:], []).append(form)
        self._longest = max(map(len, self._forms), default=0)
        if self._words:
            longest = sorted(self._words, key=len, reverse=True)
            self._any_word = re.compile("|".join(map(_word, longest)))

    def forget(self, is_said: Callable[[str], bool]) -> None:
        """Hide no more those secrets that are said anyway from here on."""
        rest = {secret for secret in self._learned if not is_said(secret)}
        if rest != self._learned:
            vars(self).update(vars(Masker(rest)))

    def text(self, text: str) -> str:
        """Return a text without secrets and without the passwords of URLs.

        What is hidden may show where something else begins: it is gone through until nothing is.
        """
        for _ in range(_TIMES):
            before, text = text, self._once(text)
            if text == before:
                break
        return text

    def _once(self, text: str) -> str:
        text = without_rows(text)

        if "://" in text:
            text = _URL_PASSWORD.sub(rf"\1:{MASK}@", text)
        if self._forms:
            text = _masked(text, self._hits(_folded(text)))
            if _BREAK.search(text):
                text = _masked(text, self._over_breaks(text))

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

    def _hits(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where a form stands in a folded text, the longest that begins at each place."""
        heads = self._by_head
        for at in range(len(text) - STRONG + 1):
            forms = heads.get(text[at : at + STRONG])
            if forms is not None:
                yield from ((at, at + len(f)) for f in forms if text.startswith(f, at))

    def _over_breaks(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where a form stands in a text without its breaks, by their places in the text."""
        pieces, starts, flat = [], [], 0
        offsets = []
        end = 0
        for gap in (*_BREAK.finditer(text), None):
            piece = text[end : gap.start() if gap else len(text)]
            if piece:
                pieces.append(piece)
                starts.append(flat)
                offsets.append(end)
                flat += len(piece)
            end = gap.end() if gap else end

        def place(at: int) -> int:
            number = bisect_right(starts, at) - 1
            return offsets[number] + at - starts[number]

        for first, after in self._hits(_folded("".join(pieces))):
            yield place(first), place(after - 1) + 1

    def _without_part(self, piece: str) -> str:
        """Mask what a cut has left of a secret: its first signs at the end, or its last ones."""
        if _CUT.fullmatch(piece):
            return piece
        folded = _folded(piece)
        for at in range(max(0, len(piece) - self._longest), len(piece) - _PART + 1):
            forms = self._begins.get(folded[at : at + _PART], ())
            if any(form.startswith(folded[at:]) for form in forms):
                piece, folded = piece[:at] + MASK, folded[:at] + MASK
                break
        for at in reversed(range(min(self._longest, len(piece)) - _PART + 1)):
            forms = self._ends.get(folded[at : at + _PART], ())
            if any(form.endswith(folded[: at + _PART]) for form in forms):
                return MASK + piece[at + _PART :]

        return piece


_FREE = frozenset({"values", "vars"})
"""Where data of other people's making stands in a plan, a journal and a record."""


class _Small(dict[int, str]):
    """The small letter of each sign, where it is one: in a text it can depend on its neighbours."""

    def __missing__(self, code: int) -> str:
        small = chr(code).lower()
        self[code] = small if len(small) == 1 else chr(code)
        return self[code]


_SMALL = _Small()


def _folded(text: str) -> str:
    """Return a text in small letters, sign for sign."""
    return text.lower() if text.isascii() else text.translate(_SMALL)


def _masked(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """Return a text with a mask for each span; one for those that overlap."""
    parts, position = [], 0
    for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
        if start >= position:
            parts += [text[position:start], MASK]
        position = max(position, end)
    return "".join(parts) + text[position:]


def _word(form: str) -> str:
    """Return a pattern for a form that no letter or digit goes on; a number may touch letters."""
    near = r"[0-9]" if form.isdecimal() else r"[0-9A-Za-z]"
    return rf"(?<!{near}){re.escape(form)}(?!{near})"
