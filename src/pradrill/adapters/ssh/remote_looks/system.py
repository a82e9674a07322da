"""Look at what is installed, and how the machine is set."""

from __future__ import annotations

import errno
import os
import socket

from pradrill.adapters.ssh.remote_looks.answer import begin, cannot, line, why
from pradrill.adapters.ssh.remote_looks.contents import (
    content_of,
    lines_of,
    may_be_there,
    names_in,
    paths_below,
    state_of,
)
from pradrill.adapters.ssh.remote_looks.programs import output_of

DPKG = "/var/lib/dpkg/status"
NOT_THERE = ("not-installed", "config-files")  # any other state has its files: half, or on the way
RPM = ("/var/lib/rpm", "/usr/lib/sysimage/rpm")
SETTINGS = (
    *("/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/environment"),
    *("/etc/ld.so.preload", "/etc/rc.local", "/etc/modules-load.d", "/etc/sysctl.conf"),
    *("/etc/sysctl.d", "/etc/network", "/etc/netplan", "/etc/systemd/network"),
    "/etc/NetworkManager/system-connections",
)
OF_SYSTEMD = ("system", "user", "logind", "journald", "resolved", "timesyncd", "networkd")
SYSTEM = (
    *("/etc/fstab", "/etc/crypttab", "/etc/exports", "/etc/udev/rules.d", "/etc/modprobe.d"),
    *("/etc/pam.d", "/etc/security", "/etc/polkit-1/rules.d", "/etc/ssh/sshd_config"),
    *("/etc/profile", "/etc/profile.d", "/etc/bash.bashrc", "/etc/ld.so.conf.d", "/etc/hostname"),
    *("/etc/apt/sources.list", "/etc/apt/sources.list.d", "/etc/apt/trusted.gpg.d"),
    *("/etc/apt/keyrings", "/etc/yum.repos.d", "/etc/localtime", "/etc/timezone"),
    *("/usr/local/share/ca-certificates", "/etc/pki/ca-trust/source/anchors"),
    *("/usr/local/bin", "/usr/local/sbin", "/etc/init.d", "/etc/inetd.conf", "/etc/xinetd.d"),
    *("/etc/logrotate.d", "/etc/tmpfiles.d", "/etc/update-motd.d", "/etc/supervisor"),
    *("/etc/NetworkManager/dispatcher.d", "/etc/NetworkManager/NetworkManager.conf"),
    *("/etc/NetworkManager/conf.d", "/etc/dhcp", "/etc/wireguard"),
    *("/etc/nftables.conf", "/etc/nftables.d", "/etc/iptables", "/etc/firewalld"),
    *("/etc/hosts.allow", "/etc/hosts.equiv", "/etc/at.allow", "/etc/at.deny"),
    *("/etc/cron.allow", "/etc/cron.deny", "/etc/nologin", "/etc/shells", "/etc/login.defs"),
    *("/etc/subuid", "/etc/subgid", "/etc/ssh/sshrc", "/etc/ssh/ssh_config"),
    *("/etc/ssh/ssh_config.d", "/etc/ssh/ssh_known_hosts", "/etc/krb5.conf", "/etc/aliases"),
    *("/etc/dbus-1", "/usr/share/dbus-1/system-services", "/usr/share/dbus-1/system.d"),
    *("/etc/polkit-1/localauthority", "/usr/share/polkit-1/rules.d", "/etc/ld.so.conf"),
    *("/etc/apt/apt.conf", "/etc/apt/apt.conf.d", "/etc/apt/preferences"),
    *("/etc/apt/preferences.d", "/etc/dpkg/dpkg.cfg.d", "/var/lib/dpkg/diversions"),
    *("/etc/alternatives", "/etc/default", "/etc/sysconfig", "/etc/locale.conf"),
    *("/etc/locale.gen", "/etc/environment.d", "/etc/binfmt.d", "/etc/sysusers.d"),
    *("/etc/inittab", "/etc/sv", "/etc/service", "/etc/docker", "/etc/containers"),
    *("/etc/rsyslog.conf", "/etc/rsyslog.d", "/etc/audit", "/etc/selinux/config"),
    *("/etc/apparmor.d/disable", "/etc/apparmor.d/local", "/etc/auto.master"),
    *("/etc/auto.master.d", "/etc/initramfs-tools", "/etc/grub.d", "/etc/kernel"),
    *(f"/etc/rc{level}.d" for level in "0123456S"),
    *(f"/etc/systemd/{each}.conf{more}" for each in OF_SYSTEMD for more in ("", ".d")),
    *(f"/etc/systemd/system-{each}" for each in ("generators", "shutdown", "sleep")),
    *("/etc/systemd/user-generators", "/etc/systemd/system-environment-generators"),
)
"""Who may enter, what starts, which programs and authorities are trusted."""
MOVE = ("/supervise/", "/01autoremove-kernels")  # what runit notes, and a kernel's upgrade
SYS = "/proc/sys"
READABLE = 0o444
KERNEL = ("net/core", "net/ipv4", "vm")  # of these folders the files that lie in them
KERNEL_FILES = ("hostname", "domainname", "sem", "shmmax", "shmall", "shmmni", "core_pattern")
KERNEL_MOVES = ("available", "allowed")  # with the modules that are loaded
KERNEL_SECRETS = ("_key", "_seed")  # drawn when first needed, after each boot
SYSCTLS = ("net/ipv6", "net/bridge", "kernel/yama", "fs/inotify")  # more of them
SYSCTL_FILES = (
    *(f"fs/{each}" for each in ("file-max", "nr_open", "aio-max-nr", "suid_dumpable")),
    *(f"fs/protected_{each}" for each in ("hardlinks", "symlinks", "fifos", "regular")),
    *(f"kernel/{each}" for each in ("sysrq", "randomize_va_space", "kptr_restrict", "panic")),
    *(f"kernel/{each}" for each in ("dmesg_restrict", "modprobe", "pid_max", "threads-max")),
    *("kernel/perf_event_paranoid", "kernel/unprivileged_bpf_disabled"),
)
LINKS = ("net/ipv4/conf", "net/ipv6/conf")  # a folder for each interface
BRIEF_LINKS = ("veth", "vnet", "tap", "cali", "br-")  # of containers and virtual machines
LEARNT_SETTINGS = ("mtu", "hop_limit", "stable_secret")  # from a router; a secret


def packages() -> None:
    """Print packages with what became of them, as dpkg-query abbreviates it."""
    if not may_be_there(DPKG):
        if not any(os.path.isdir(each) and os.listdir(each) for each in RPM):  # noqa: PTH112, PTH208
            raise FileNotFoundError(errno.ENOENT, "no list of packages", DPKG)  # rpm makes one
        for name in output_of("rpm", "-qa", "--qf", "%{NAME}\\n").split():
            line("package", "ii ", name)
        return

    name = ""
    for each in lines_of(DPKG):
        if each.startswith("Package: "):
            name = each[9:]
        elif each.startswith("Status: ") and not each.endswith(NOT_THERE):
            line("package", "ii ", name)


def settings() -> None:
    """Print what says how the machine finds others and how it boots, and the kernel's settings."""
    begin("setting")
    for path in paths_below("setting", *SETTINGS):
        if not line("setting", content_of("setting", path), path):
            return
    paths = [f"{top}/{name}" for top in KERNEL for name in sorted(names_in(f"{SYS}/{top}"))]
    for path in (*paths, *(f"kernel/{name}" for name in KERNEL_FILES)):
        if not (path.endswith(KERNEL_SECRETS) or any(each in path for each in KERNEL_MOVES)):
            file = f"{SYS}/{path}"
            content = content_of("setting", file) if is_told(file) else ""
            line("setting", content, path.replace("/", "."))


def system() -> None:
    """Print what else says who may enter, what starts and what is trusted."""
    begin("system")
    for path in paths_below("system", *SYSTEM):
        if any(each in path for each in MOVE):
            continue
        if not line("system", state_of("system", path), path):
            return


def sysctls() -> None:
    """Print the kernel's settings of IPv6, of bridges and of each interface, as they are."""
    begin("sysctl")
    # The oldest first: a new one takes nobody's place where there are more than can be told.
    lasting = sorted(each for each in socket.if_nameindex() if not each[1].startswith(BRIEF_LINKS))
    names = ("all", "default", *(name for _, name in lasting))
    tops = (*SYSCTLS, *(f"{top}/{name}" for name in names for top in LINKS))
    paths = (f"{top}/{name}" for top in tops for name in sorted(names_in(f"{SYS}/{top}")))
    for path in (*SYSCTL_FILES, *paths):
        if path.rpartition("/")[2] in LEARNT_SETTINGS or path.endswith(KERNEL_SECRETS):
            continue
        if not line("sysctl", setting(path), path.replace("/", ".")):
            return


def setting(path: str) -> str:
    """Return a setting of the kernel; nothing of one that is only written to, or has just gone."""
    file = f"{SYS}/{path}"
    try:
        return " ".join(" ".join(lines_of(file)).split()) if is_told(file) else ""
    except FileNotFoundError:
        return ""
    except OSError as error:
        cannot("sysctl", why(error))
        return ""


def is_told(file: str) -> bool:
    """Tell whether the kernel tells that: some of its files are only written to.

    Others only its first root may read, and in a container we are another one.
    """
    try:
        is_readable = bool(os.stat(file).st_mode & READABLE)  # noqa: PTH116 pathlib costs time
    except OSError:  # whoever reads it says why not
        return True
    return is_readable and os.access(file, os.R_OK)
