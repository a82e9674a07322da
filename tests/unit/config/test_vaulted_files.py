"""The files in which Ansible Vault encrypted something are sought where Ansible reads."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.integration.house import build

from pradrill.config.loader import read_document, validate
from pradrill.config.vaults import vaulted_files
from pradrill.domain.declared.drill import Drill

VAULTED = "$ANSIBLE_VAULT;1.1;AES256\n6162\n"


@pytest.mark.parametrize(
    ("name", "is_read"),
    [
        ("host_vars/web-dr.example.org", True),
        ("host_vars/web-dr.example.org.yml", True),
        ("host_vars/web-dr.example.org/vault.yml", True),
        ("host_vars/web-dr", True),
        ("group_vars/all/vault", True),
        ("host_vars/web.old.example.md", True),
        ("group_vars/site.paris", True),
        ("host_vars/web-dr.example.org.bak", False),
        ("host_vars/web-dr.example.org.orig", False),
        ("host_vars/web-dr.yml.before-the-move", False),
        ("host_vars/web-dr.yml~", False),
        ("host_vars/.web-dr.yml", False),
        ("group_vars/all/vault.org", False),
    ],
)
def test_a_file_is_looked_at_where_ansible_reads_it(
    tmp_path: Path, name: str, is_read: bool
) -> None:
    """Also one that is called as a host with dots is; no copy under another name."""
    build(tmp_path)
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(VAULTED)
    drill = validate(read_document(tmp_path / "drills/shop.yml"), Drill)
    assert [each.name for each in vaulted_files(drill)] == ([path.name] if is_read else [])
