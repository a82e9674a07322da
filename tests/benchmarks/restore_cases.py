"""What restore_speed.py measures: each playbook, and what a sysadmin would type instead."""

from __future__ import annotations

from typing import Any, NamedTuple

_PG = (
    "data=$(pg_lsclusters -h | awk '{print $6}'); "
    "unit=postgresql@$(pg_lsclusters -h | awk '{print $1}')-main; "
)
_OPEN = (
    'systemctl start $unit; until [ "$(runuser -u postgres -- psql -XAtc '
    "'select not pg_is_in_recovery()' 2> /dev/null)\" = t ]; do sleep 0.2; done"
)
_KEYS = (
    "export RESTIC_REPOSITORY=/srv/b/restic RESTIC_PASSWORD=benchmark BORG_REPO=/srv/b/borg "
    "BORG_PASSPHRASE=benchmark BORG_RELOCATED_REPO_ACCESS_IS_OK=yes BORG_BASE_DIR=/srv/own/borg; "
)


class Backups(NamedTuple):
    """What is made first, in sizes whose bare restore takes minutes where all is emulated."""

    script: str
    """Which of the benchmark's makes them: fill_SCRIPT.sh."""
    rows: int
    megabytes: int
    native: float = 1
    """How many times as much lets a restore take about a minute where nothing is emulated."""


_CLUSTER = Backups("postgresql", 100_000, 6000, native=3)
_SITES = Backups("sites", 3_000_000, 3000)


class Case(NamedTuple):
    """One playbook with its variables, the bare commands, and how many processes both use."""

    name: str
    backups: Backups
    playbook: str
    variables: dict[str, Any]
    bare: str
    data: str
    """What was restored, for `du`."""
    jobs: str = "$(nproc)"
    at_most: float = 1.05
    """The playbook's time over that of the bare commands, one after the other."""


def _site(name: str, *data: str, **variables: Any) -> Case:
    bare = (
        f"{_KEYS} restic --no-cache --quiet restore latest --tag {name} --target /; "
        f"systemctl start mariadb; mariadb -e 'create database {name}'; "
        f"mariadb {name} < /var/backups/{name}/{name}.sql; systemctl restart apache2"
    )
    where = {"restic_repository": "/srv/b/restic", "restic_password": "benchmark"}
    return Case(
        name,
        _SITES,
        f"restore_{name}",
        {**where, "restic_tag": name, "backup_host": "", **variables},
        bare,
        " ".join((*data, f"/var/lib/mysql/{name}")),
        jobs="restic's own, 1",
        at_most=0.85,  # the dump is loaded while the files come
    )


def _files(source: str, **variables: Any) -> dict[str, Any]:
    folders = {"files_source": source, "files_folders": ["/srv/files"], "files_manifest": ""}
    return {**folders, **variables}


CASES = (
    Case(
        "pg_dump",
        Backups("postgresql", 2_500_000, 0, native=5),
        "restore_postgresql_logical",
        {"backup_folder": "/srv/b/postgresql"},
        f"{_PG} systemctl start $unit; runuser -u postgres -- psql -Xq "
        "-c 'create role shop login' -c 'create database shop owner shop'; "
        "runuser -u postgres -- pg_restore --jobs=$(nproc) --dbname=shop /srv/b/postgresql/d",
        "/var/lib/postgresql/*/main/base",
    ),
    Case(
        "pgbackrest",
        _CLUSTER,
        "restore_postgresql_pgbackrest",
        {"pgbackrest_options": {"repo1-path": "/srv/b/pgbackrest"}},
        f"{_PG} rm -rf $data/*; runuser -u postgres -- pgbackrest --stanza=main "
        f"--process-max=$(nproc) --archive-mode=off --log-level-console=off restore; {_OPEN}",
        "/var/lib/postgresql/*/main",
    ),
    Case(
        "barman",
        _CLUSTER,
        "restore_postgresql_barman",
        {
            "backup_host": "127.0.0.1",
            "backup_user": "postgres",
            "backup_port": "{port}",
            "backup_private_key": "{key}",
            "backup_host_key": "{host_key}",
            "barman_ssh_command": "ssh -p {port} postgres@127.0.0.1",
        },
        f"{_PG} rm -rf $data/*; runuser -u postgres -- barman -q recover --jobs $(nproc) "
        '--remote-ssh-command "ssh -p {port} postgres@127.0.0.1" main latest $data; ' + _OPEN,
        "/var/lib/postgresql/*/main",
    ),
    Case(
        "mariadb-dump",
        Backups("mariadb", 1_000_000, 0, native=6),
        "restore_mariadb_logical",
        {"backup_folder": "/srv/b/mariadb"},
        "systemctl start mariadb; mariadb -e 'create database shop'; "
        "mariadb shop < /srv/b/mariadb/d.sql",
        "/var/lib/mysql/shop",
        jobs="1",
    ),
    Case(
        "mydumper",
        Backups("mariadb", 1_800_000, 0, native=3.5),
        "restore_mariadb_logical",
        {"backup_folder": "/srv/b/mydumper"},
        "systemctl start mariadb; mariadb -e 'create database shop'; myloader "
        "--directory=/srv/b/mydumper/d --database=shop --overwrite-tables --threads=$(nproc) "
        "--socket=/run/mysqld/mysqld.sock",
        "/var/lib/mysql/shop",
    ),
    Case(
        "mariabackup",
        Backups("mariadb", 40_000, 5500, native=2),
        "restore_mariadb_physical",
        {"backup_folder": "/srv/b/mariabackup"},
        "rm -rf /var/lib/mysql/*; mkdir /srv/new; "
        "mbstream -x --parallel=$(nproc) -C /srv/new < /srv/b/mariabackup/d.xb; "
        "mariabackup --prepare --target-dir=/srv/new 2> /dev/null; "
        "mariabackup --move-back --target-dir=/srv/new 2> /dev/null; "
        "chown -R mysql: /var/lib/mysql; systemctl start mariadb; rm -rf /srv/new",
        "/var/lib/mysql",
    ),
    Case(
        "restic",
        Backups("files", 0, 3000, native=6),
        "restore_files",
        _files("restic", restic_repository="/srv/b/restic", restic_password="benchmark"),  # noqa: S106
        f"{_KEYS} restic --no-cache --quiet restore latest --target /",
        "/srv/files",
        jobs="restic's own",
    ),
    Case(
        "borg",
        Backups("files", 0, 1300, native=14),
        "restore_files",
        _files("borg", borg_repository="/srv/b/borg", borg_passphrase="benchmark"),  # noqa: S106
        f"{_KEYS} cd /; borg extract ::files-1",
        "/srv/files",
        jobs="1",
    ),
    Case(
        "tar",
        Backups("files", 0, 5000, native=2.5),
        "restore_files",
        _files("tar", backup_folder="/srv/b/tar"),
        "gzip -dc < /srv/b/tar/files-1.tar.gz | tar -x -C / -p --acls --xattrs "
        "--xattrs-include='*'",
        "/srv/files",
        jobs="1",
    ),
    _site("wordpress", "/var/lib/wordpress/wp-content", wordpress_db_password="benchmark"),  # noqa: S106
    _site("moodle", "/var/www/moodle", "/var/www/moodledata", moodle_data="/var/www/moodledata"),
    Case(
        "directory",
        Backups("estate", 480_000, 0, native=8),
        "restore_directory",
        {"dumps": "/srv/b/directory"},
        "rm -rf /etc/ldap/slapd.d/* /var/lib/ldap/*; "
        "slapadd -q -n 0 -F /etc/ldap/slapd.d -l /srv/b/directory/config.ldif; "
        "gzip -dc /srv/b/directory/data.ldif.gz | slapadd -q -n 1 -F /etc/ldap/slapd.d; "
        "chown -R openldap: /etc/ldap/slapd.d /var/lib/ldap; systemctl start slapd",
        "/var/lib/ldap",
        jobs="1",
    ),
    Case(
        "intranet",
        Backups("estate", 0, 4000, native=2),
        "restore_intranet",
        {"dumps": "/srv/b/intranet", "database_password": "benchmark"},
        "mkdir -p /var/lib/wordpress/wp-content; cd /var/lib/wordpress/wp-content; "
        "tar -xzf /srv/b/intranet/wp-content.tar.gz; chown -R www-data: uploads; "
        "systemctl restart apache2",
        "/var/lib/wordpress/wp-content",
        jobs="1",
    ),
)
