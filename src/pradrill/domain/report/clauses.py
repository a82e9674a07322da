"""Map which section of a report serves which clause of a standard, law or contract.

The map is data that an organisation edits. It claims nothing about compliance: whether the
evidence suffices is for the reader to judge.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from pradrill.domain.report.sections import Section
from pradrill.domain.values.model import Model


class Clause(Model):
    """One line of the map."""

    key: str = Field(default="", description="by what plan.yml names the standard or law: dora")
    text: str | dict[str, str] = Field(
        min_length=1, description='the standard or law: "ISO 22301:2019"; or one text a language'
    )
    clause: str | dict[str, str] = Field(
        min_length=1, description='where in it: "8.5"; or one text a language'
    )
    asks: str | dict[str, str] = Field(
        description="what it asks for, in your words; or one text a language (fr, en)"
    )
    evidence: tuple[Section, ...] = Field(
        min_length=1, description="keys of the report's sections that serve it"
    )
    source: str | dict[str, str] = Field(
        min_length=1, description="where this line was read; or one text a language"
    )
    to_check: bool = Field(
        default=True, description="the official text was not read for this line: check it"
    )

    def title_in(self, language: str) -> str:
        """Return the standard or law and where in it, in that language if the map has it."""
        return f"{self.text_in(language)}, {self.place_in(language)}"

    def text_in(self, language: str) -> str:
        """Return the standard or law, in that language if the map has it."""
        return _in(language, self.text)

    def place_in(self, language: str) -> str:
        """Return where in the standard or law, in that language if the map has it."""
        return _in(language, self.clause)

    def asks_in(self, language: str) -> str:
        """Return what the clause asks for, in that language if the map has it."""
        return _in(language, self.asks)

    def source_in(self, language: str) -> str:
        """Return where the line was read, in that language if the map has it."""
        return _in(language, self.source)


class ClauseMap(Model):
    """`clauses.yml`, beside the plan or the one that is shipped."""

    version: str = Field(description="of this map, as in a date")
    note: str | dict[str, str] = ""
    clauses: tuple[Clause, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """Return by what the plan can name the texts, each once."""
        return tuple(dict.fromkeys(clause.key for clause in self.clauses if clause.key))

    def only(self, keys: Sequence[str]) -> ClauseMap:
        """Return the map of the texts that a house has chosen."""
        chosen = tuple(clause for clause in self.clauses if clause.key in keys)
        return self.model_copy(update={"clauses": chosen})

    def sources_in(self, language: str) -> tuple[str, ...]:
        """Return where the lines were read, each source once."""
        return tuple(dict.fromkeys(clause.source_in(language) for clause in self.clauses))

    def note_in(self, language: str) -> str:
        """Return the note on the map, in that language if there is one."""
        return _in(language, self.note)


def _in(language: str, text: str | dict[str, str]) -> str:
    if isinstance(text, str):
        return text
    return text.get(language) or next(iter(text.values()), "")
