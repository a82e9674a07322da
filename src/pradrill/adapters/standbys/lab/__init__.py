"""Debian machines under QEMU: a standby to recover onto, anywhere, without anybody's leave."""

from pradrill.adapters.standbys.lab.lab import Lab, LabStandby, write_site
from pradrill.adapters.standbys.lab.machine import Machine

__all__ = ["Lab", "LabStandby", "Machine", "write_site"]
