"""Debian machines under QEMU: a standby to recover onto, anywhere, without anybody's leave."""

from pradrill.adapters.standbys.lab.lab import Lab, LabMachines, write_site
from pradrill.adapters.standbys.lab.machine import Machine

__all__ = ["Lab", "LabMachines", "Machine", "write_site"]
