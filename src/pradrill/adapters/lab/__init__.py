"""Debian machines under QEMU: a standby to recover onto, anywhere, without anybody's leave."""

from pradrill.adapters.lab.lab import Lab, LabStandby, write_site
from pradrill.adapters.lab.machine import Machine

__all__ = ["Lab", "LabStandby", "Machine", "write_site"]
