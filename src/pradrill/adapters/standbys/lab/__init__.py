"""Debian machines under QEMU: a standby to recover onto, anywhere, without anybody's leave."""

from pradrill.adapters.standbys.lab.lab import Lab
from pradrill.adapters.standbys.lab.machine import Machine
from pradrill.adapters.standbys.lab.site import write_site
from pradrill.adapters.standbys.lab.standby import LabMachines

__all__ = ["Lab", "LabMachines", "Machine", "write_site"]
