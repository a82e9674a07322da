"""Declare faults: what is done to a restored machine to see whether a drill's checks notice."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator

from pradrill.domain.values.duration import Deadline
from pradrill.domain.values.model import Model, RelativePath

FaultName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,60}$")]
ParameterName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")]
Value = Annotated[str, Field(min_length=1, max_length=4096)]


class DeclaredFault(Model):
    """One way in which a recovery can be wrong, and how a restored machine is made so."""

    fault: FaultName = Field(description="its name", examples=["table-emptied"])
    stands_for: str = Field(
        min_length=1,
        description="what a real recovery would have done wrong",
        examples=["a dump that left the rows of one table out"],
    )
    parameters: tuple[ParameterName, ...] = Field(
        default=(),
        description="shell variables of its command; it fits a drill that gives each of them",
        examples=[["database"]],
    )
    discover: dict[ParameterName, Value] = Field(
        default={},
        description="variable → the command that prints its value on the standby, where the drill "
        "gives none",
        examples=[{"file": "find /srv/files -type f | head -n 1"}],
    )
    services: tuple[str, ...] = Field(
        default=(),
        description="services of the plan that it fits; default: all that give its parameters",
        examples=[["moodle"]],
    )
    command: str = Field(
        min_length=1,
        description="what does it: for sh -eu, on a throw-away copy of the standby; any exit code "
        "but 0 says that it could not be done",
        examples=['mariadb "$database" -e "DELETE FROM $table"'],
    )
    deadline: Deadline = Field(
        default=timedelta(minutes=2), description="how long doing it may take", examples=["5m"]
    )

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        if twice := sorted({*self.parameters} & {*self.discover}):
            msg = f"{', '.join(twice)} is a parameter and discovered: it is one of both"
            raise ValueError(msg)
        return self

    def fits(self, services: tuple[str, ...], given: Mapping[str, str]) -> bool:
        """Tell whether it can be tried on services whose drill gives these parameters."""
        fitting = not self.services or not {*self.services}.isdisjoint(services)
        return fitting and given.keys() >= {*self.parameters}

    def after(self, prelude: str) -> Self:
        """Return it with what its commands begin with."""
        if not prelude:
            return self
        discover = {name: f"{prelude}\n{command}" for name, command in self.discover.items()}
        command = f"{prelude}\n{self.command}"
        return self.model_copy(update={"discover": discover, "command": command})


class FaultFile(Model):
    """A file of faults."""

    prelude: str = Field(
        default="",
        description="what each command of the file begins with, as functions of the shell",
        examples=['sql() { mariadb "$database" "$@"; }'],
    )
    faults: tuple[DeclaredFault, ...] = Field(min_length=1, description="the faults")


class Sabotage(Model):
    """What `pradrill sabotage` needs to know of a service: faults of its own, and parameters."""

    faults: tuple[RelativePath, ...] = Field(
        default=(),
        description="files of faults, beside those that come with pradrill",
        examples=[["sabotage/wordpress.yml"]],
    )
    parameters: dict[ParameterName, Value] = Field(
        default={},
        description="what faults need to know: shell variable → value",
        examples=[{"database": "wordpress", "files": "/srv/files"}],
    )
