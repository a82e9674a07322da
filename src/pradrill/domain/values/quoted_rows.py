"""Take out what clients of MariaDB and PostgreSQL add to an error: the statement, and its row.

The number, the state and the reason of an error are kept; data of the people in a database is not.
"""

from __future__ import annotations

import re

_NOT_SHOWN = "(not shown)"
_MAY_QUOTE = re.compile(r"ERROR|ERREUR|FEHLER|FATAL|Duplicate entry|Command was: |invalid command ")
_QUOTED = re.compile(
    r"(Duplicate entry |[Ii]ncorrect [\w-]+ value: |syntax to use near |character string: "
    r"|Unknown column )'(?:(?!ERROR \d).){0,600}'"
    r"(?=\s?ERROR \d| for (?:key|column|field)\b| at (?:line|row) \d| in '|[\s\\\"\])}.]{0,9}$)",
    re.DOTALL,
)
"""MariaDB quotes a value, or 80 signs of a statement, with the line ends and quotes in it."""
_OF_ITS_NUMBER = re.compile(
    r"(ERROR (?:1054|1062|1064|1292|1300|1366|1411|1525|1586|1690) \(\w{5}\)"
    r"(?:(?!\(not shown\))[^\n']){0,300})'(?:(?!ERROR \d).){0,600}'",
    re.DOTALL,
)
"""The same in a server's other languages: all from the first quote to the last one."""
_OWN_WORDS = re.compile(r"(ERROR 1644 \(\w{5}\)(?: at line \d+)?: |ERROR:  P0001: )[^\n]+")
"""What somebody's trigger says may hold anything."""
_LEVEL = re.compile(r"ERROR|ERREUR|FEHLER|FATAL|error: invalid command ")
_VALUE = re.compile(
    r"(?:: |command |value |valeur |near |près de |bei |column (?=\"[^\"]*\" does not exist))"
    r"(\\?[\"«»]|0x[0-9a-f]{2}|\\\S)"
)
"""PostgreSQL quotes a value, or a word of a statement, at the end of the reason."""
_LABEL = re.compile(
    r"((?<![^\W\d_])(?!ERROR|ERREUR|FEHLER|FATAL|PANIC|HINT|WARNING|NOTICE|INFO|LOG|DEBUG)"
    r"[^\W\d_a-z]{4,12}(?:: {2}|[ \xa0]:(?: {2}|(?! {2}) ))|Command was: "
    r"|(?<![^\W\d_])[^\W\d_a-z]{4,6} \d+ ?: )(?!\(not shown\))"
)
"""DETAIL, CONTEXT, STATEMENT, QUERY, LINE 1, in whatever language: data stands behind it."""
_BEGINS = re.compile(
    r"\s*(?:E\s+)?(?:(?:psql\b|pg_\w|mariadb|mysql|createdb\b|dropdb\b).*?:"
    r"|(?:ERROR|ERREUR|FEHLER|FATAL|PANIC|HINT|WARNING|NOTICE|LOG)\b|\d{4}-\d\d-\d\d[ T]"
    r"|(?:TASK|PLAY|RUNNING HANDLER|PLAY RECAP) [\[*]|(?:ok|changed|skipping|fatal|failed): \[)"
)
_LINE_END = re.compile(r"(\r?\n|\r|(?:\\r)?\\n)")


def without_rows(text: str) -> str:
    """Return a text without what a database's error quotes; masked twice it stays as it is."""
    if not _MAY_QUOTE.search(text):
        return text
    for pattern in (_QUOTED, _OF_ITS_NUMBER, _OWN_WORDS):
        text = pattern.sub(rf"\1{_NOT_SHOWN}", text)
    parts: list[str] = []
    is_data = False
    pieces = _LINE_END.split(text)
    for line, end in zip(pieces[::2], [*pieces[1::2], ""], strict=True):
        label = _LABEL.search(line)
        if is_data and label is None and not _BEGINS.match(line):
            continue  # it goes on with the row, or the statement, of the line before
        safe, is_data = _without_value(line[: label.end()] + _NOT_SHOWN if label else line)
        is_data |= label is not None
        parts += [safe, end]
    return "".join(parts)


def _without_value(line: str) -> tuple[str, bool]:
    """Return a line of PostgreSQL's without the value that it quotes; whether that goes on."""
    level = _LEVEL.search(line)
    value = _VALUE.search(line, level.start()) if level else None
    if value is None:
        return line, False
    quote = value[1]
    close = line.rfind(quote.replace("«", "»"), value.end())
    if quote[-1] in '"«»' and close < 0:
        return f"{line[: value.start(1)]}{_NOT_SHOWN}", True
    after = close + len(quote) if close >= 0 else len(line)
    return f"{line[: value.start(1)]}{_NOT_SHOWN}{line[after:]}", False
