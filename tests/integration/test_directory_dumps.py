"""Dumps of an OpenLDAP directory, in the hands of the script that loads them by slapadd."""

from __future__ import annotations

import gzip
import os
import subprocess
from pathlib import Path

import pytest
from tests.integration.hosts.machines import propagation

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="slapadd as openldap takes root")
SCRIPTS = Path(__file__).parents[2] / "playbooks/files"
CONFIG = """\
dn: cn=config
objectClass: olcGlobal
cn: config
{}
dn: cn=module{{0}},cn=config
objectClass: olcModuleList
cn: module{{0}}
olcModulePath: /usr/lib/ldap
olcModuleLoad: {{0}}back_mdb
olcModuleLoad: {{1}}accesslog

dn: cn=schema,cn=config
objectClass: olcSchemaConfig
cn: schema

SCHEMA

dn: olcDatabase={{1}}mdb,cn=config
objectClass: olcDatabaseConfig
objectClass: olcMdbConfig
olcDatabase: {{1}}mdb
olcSuffix: dc=nodomain
olcRootDN: cn=admin,dc=nodomain
olcDbMaxSize: 1048576
olcDbDirectory: /var/lib/ldap
{}
"""
CONTENT = (
    "dn: dc=nodomain\nobjectClass: dcObject\nobjectClass: organization\ndc: nodomain\no: n\n{}\n"
)
FOLLOWS = 'rid=001 provider=ldap://192.0.2.1 searchbase="dc=nodomain"\n'
# The folders are this test's own; there is no service.
APART = """\
mkdir etc lib bin
chown openldap:openldap etc lib
echo '[ "$1" != is-active ]' > bin/systemctl
chmod 0755 bin/systemctl
mount --bind etc /etc/ldap/slapd.d
mount --bind lib /var/lib/ldap
PATH=$PWD/bin:$PATH exec bash "$0" "$PWD/dump"
"""


def configuration(database: str = "", top: str = "") -> str:
    """Return a configuration, as slapcat writes it."""
    schema = Path("/etc/ldap/schema/core.ldif").read_text("utf-8")
    return CONFIG.format(top, database).replace("SCHEMA", schema)


def load(
    place: Path, top: str = "", database: str = "", value: str = "", **more: str
) -> tuple[int, str]:
    """Return how the script ends with such a dump, and its reason; the rest lies in `place`."""
    (place / "dump").mkdir(parents=True)
    texts = {"config": configuration(database, top), "data": CONTENT.format(value)}
    for name, text in {**texts, **more}.items():
        (place / f"dump/{name}.ldif.gz").write_bytes(gzip.compress(text.encode()))
    words = [
        "unshare",
        "--mount",
        *propagation(),
        "sh",
        "-ec",
        APART,
        str(SCRIPTS / "load-directory"),
    ]
    end = subprocess.run(words, cwd=place, capture_output=True, text=True, check=False, timeout=120)
    return end.returncode, end.stderr


def test_a_dump_is_loaded_and_follows_nobody_and_empties_no_file(tmp_path: Path) -> None:
    """Its olcLogFile, which slapadd as root emptied, stays; a replica's words go in any letters."""
    log = tmp_path / "log"
    log.write_text("of root's")
    top = f"olcLogFile: {log}\nolcServerID: 1 ldap://192.0.2.1\n"  # with this alone it starts not
    code, reason = load(
        tmp_path / "a", top, f"OLCSYNCREPL: {FOLLOWS}olcUpdateRef: ldap://192.0.2.1"
    )
    assert code == 0, reason
    assert log.read_text() == "of root's"
    configuration = b"".join(each.read_bytes() for each in (tmp_path / "a/etc").rglob("*.ldif"))
    assert b"192.0.2.1" not in configuration
    assert (tmp_path / "a/lib/data.mdb").is_file()


LOG = """
dn: olcOverlay={{0}}accesslog,olcDatabase={{1}}mdb,cn=config
objectClass: olcOverlayConfig
objectClass: olcAccessLogConfig
olcOverlay: {{0}}accesslog
olcAccessLogDB: cn=accesslog
olcAccessLogOps: writes

dn: olcDatabase={{2}}mdb,cn=config
objectClass: olcDatabaseConfig
objectClass: olcMdbConfig
olcDatabase: {{2}}mdb
olcSuffix: cn=accesslog
olcDbDirectory: {}
"""
CHANGES = "dn: cn=accesslog\nobjectClass: auditContainer\ncn: accesslog\n"


def with_log(place: Path, folder: str, **more: str) -> tuple[int, str]:
    """Return how the script ends with a directory that logs its changes, as providers do."""
    return load(place, database=LOG.format(folder), **more)


def test_each_database_is_loaded_into_its_own_folder(tmp_path: Path) -> None:
    """A log of changes lies in a folder that no standby has; a dump that is missing is told."""
    code, reason = with_log(tmp_path / "a", "/var/lib/ldap/accesslog", **{"data-2": CHANGES})
    assert code == 0, reason
    for each in ("lib/data.mdb", "lib/accesslog/data.mdb"):
        file = tmp_path / "a" / each
        assert (file.owner(), b"dc=nodomain" in file.read_bytes()) == (
            "openldap",
            "log" not in each,
        )
    assert b"auditContainer" in (tmp_path / "a/lib/accesslog/data.mdb").read_bytes()
    code, reason = with_log(tmp_path / "b", "/var/lib/ldap/accesslog")
    assert (code, "put slapcat -n 2 into data-2.ldif" in reason) == (1, True)
    for number, folder in enumerate(("/var/lib/ldap/../other", "/srv/ldap")):
        code, reason = with_log(tmp_path / str(number), folder, **{"data-2": CHANGES})
        assert (code, "has a database in /" in reason) == (1, True)
    assert not [*(tmp_path / "b/lib").iterdir()]


def test_a_dump_that_would_reach_beyond_the_directory_is_refused(tmp_path: Path) -> None:
    """A replica by its number, another folder for the content, a file of root's as a value."""
    number = "1.3.6.1.4.1.4203.1.12.2.3.2.0.11"
    code, reason = load(tmp_path / "a", database=f"{number}: {FOLLOWS}")
    assert (code, "calls attributes by their numbers" in reason) == (1, True)
    assert not [*(tmp_path / "a/etc").iterdir()]

    (tmp_path / "secret").write_text("of root's")
    (tmp_path / "secret").chmod(0o600)
    code, reason = load(tmp_path / "b", value=f"description:< file://{tmp_path}/secret")
    assert code == 1
    assert (
        reason == "data.ldif.gz names other files (include or :<), which slapcat writes into none\n"
    )
    assert not [*(tmp_path / "b/lib").iterdir()]

    code, reason = load(tmp_path / "c", top=f"olcTLSCertificateFile: {tmp_path}/secret\n")
    assert (code, f"needs {tmp_path}/secret, which is not here" in reason) == (1, True)
    for at, load_line in enumerate(("{tmp}/evil.so", "\n  {tmp}/evil.so", ": L3g=")):
        config = configuration().replace("{1}accesslog", load_line.format(tmp=tmp_path))
        code, reason = load(tmp_path / str(at), config=config)
        assert (code, "loads code from elsewhere than /usr" in reason) == (1, True)
        assert not [*(tmp_path / str(at) / "etc").iterdir()]


GLUED = """
dn: olcDatabase={2}mdb,cn=config
objectClass: olcDatabaseConfig
objectClass: olcMdbConfig
olcDatabase: {2}mdb
olcSuffix: dc=nodomain
olcRootDN: cn=admin,dc=nodomain
olcDbDirectory: /var/lib/ldap/all

dn: olcDatabase={3}mdb,cn=config
objectClass: olcDatabaseConfig
objectClass: olcMdbConfig
olcDatabase: {3}mdb
olcSuffix: dc=empty
olcDbDirectory: /var/lib/ldap/empty
"""
PART = "dn: ou=a,dc=nodomain\nobjectClass: organizationalUnit\nou: a\n\n"


def test_what_is_glued_to_another_database_is_loaded_once(tmp_path: Path) -> None:
    """What slapcat writes into that one's dump, too, unless it was told -g; an empty one is one."""
    config = configuration("olcSubordinate: TRUE\n" + GLUED)
    config = config.replace("olcSuffix: dc=nodomain", "olcSuffix: ou=a,dc=nodomain", 1)
    whole = CONTENT.format("")
    for name, all_of_it in (("glued", f"{whole}\n{PART}"), ("-g", whole)):
        texts = {"config": config, "data": PART, "data-2": all_of_it, "data-3": ""}
        code, reason = load(tmp_path / name, **texts)
        assert code == 0, reason
        assert b"dc=nodomain" in (tmp_path / name / "lib/all/data.mdb").read_bytes()
        assert b"organizationalUnit" in (tmp_path / name / "lib/data.mdb").read_bytes()
