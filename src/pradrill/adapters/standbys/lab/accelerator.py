"""Choose what the machines run under, by really booting one."""

from __future__ import annotations

import json
import os
from pathlib import Path

from pradrill.adapters.standbys.files import write_private
from pradrill.errors import UNREADABLE

_KVM = Path("/dev/kvm")


class Accelerator:
    """The choice, remembered: /dev/kvm can open, make a machine, and yet kill its guest."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @property
    def chosen(self) -> str | None:
        """Return the accelerator under which a machine has booted, if one has."""
        try:
            document = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, *UNREADABLE):
            return None

        name = document.get("accelerator") if isinstance(document, dict) else None
        usable = name == "tcg" or (name == "kvm" and os.access(_KVM, os.R_OK | os.W_OK))

        return str(name) if usable else None

    def candidates(self) -> tuple[str, ...]:
        """Return what to try, best first; emulation always works."""
        if self.chosen is not None:
            return (self.chosen,) if self.chosen == "tcg" else ("kvm", "tcg")
        return ("kvm", "tcg") if os.access(_KVM, os.R_OK | os.W_OK) else ("tcg",)

    def choose(self, accelerator: str) -> None:
        """Remember what booted."""
        write_private(self._file, json.dumps({"accelerator": accelerator}) + "\n")
