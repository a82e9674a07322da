"""Declare who signs and stamps the register, and where its heads are published."""

from __future__ import annotations

import re
from typing import Self

from pydantic import Field, field_validator, model_validator

from pradrill.domain.values.model import Model, RelativePath

NAMESPACE = "pradrill"
"""The namespace of every signature (ssh-keygen -n)."""

PRINCIPAL = r"^[A-Za-z0-9][A-Za-z0-9._@+-]{0,100}$"
PUBLIC_KEY = r"^(ssh|ecdsa|sk)-[a-z0-9@.-]+ [A-Za-z0-9+/]+={0,2}$"


class Sealing(Model):
    """The plan's `sealing`: each part is optional, and none is asked for at a keyboard."""

    key: RelativePath | None = Field(
        default=None,
        description="an SSH key without a passphrase, or the .pub of one that an agent holds",
        examples=["/etc/pradrill/signing"],
    )
    principal: str = Field(
        default="pradrill",
        description="the signer's name in allowed_signers",
        examples=["drills@example.com"],
    )
    previous_key: RelativePath | None = Field(
        default=None,
        description="the key before: it signs the entry that names the new one",
        examples=["/etc/pradrill/signing.old"],
    )
    authority: str | None = Field(
        default=None,
        description="address of an RFC 3161 time-stamping authority",
        examples=["https://tsa.example.com"],
    )
    authority_ca: RelativePath | None = Field(
        default=None,
        description="the certificates (PEM) that its stamps are verified by",
        examples=["tsa.pem"],
    )
    attestation_key: RelativePath | None = Field(
        default=None,
        description="a PEM key (EC or RSA) for in-toto attestations that cosign reads",
        examples=["/etc/pradrill/attestation.pem"],
    )
    head_log: RelativePath | None = Field(
        default=None,
        description="a file, on another machine's disk, that gets a line for each head",
        examples=["/mnt/heads/pradrill"],
    )
    head_git: str | None = Field(
        default=None,
        min_length=1,
        description="a git repository that gets a commit for each head",
        examples=["git@git.example.com:ops/heads.git"],
    )

    @field_validator("principal")
    @classmethod
    def _plain(cls, value: str) -> str:
        if not re.fullmatch(PRINCIPAL, value):
            msg = f'"{value}" is no principal; write a name or a mail address'
            raise ValueError(msg)
        return value

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.authority is None) != (self.authority_ca is None):
            msg = "authority and authority_ca go together: a stamp nobody can verify is none"
            raise ValueError(msg)
        if self.authority and not self.authority.startswith(("http://", "https://")):
            msg = f'"{self.authority}" is not an http or https address'
            raise ValueError(msg)
        if self.head_git is not None and self.head_git.startswith(("-", "ext::")):
            msg = f'"{self.head_git}" is no git repository'
            raise ValueError(msg)

        return self
