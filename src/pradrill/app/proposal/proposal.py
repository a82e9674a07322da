"""Say what a first drill needs: the restore that ships, its variables, its first checks."""

from __future__ import annotations

from shlex import quote
from typing import Any, NamedTuple

from pradrill.app.proposal.contents import Contents, InstantColumn, Software
from pradrill.app.proposal.place import Place

_STAGING = "/var/lib/pradrill-restore"
_FILES = {Software.FILES, Software.WORDPRESS, Software.MOODLE}


class StandbyLogin(NamedTuple):
    """How the standby is reached."""

    user: str
    address: str
    port: int
    key: str | None


class Proposal(NamedTuple):
    """What a person told, and what was recognised."""

    service: str
    place: Place
    contents: Contents
    standby: StandbyLogin
    production: str
    """HOST:PORT, which the standby must not reach."""
    organisation: str
    backup_key: str | None = None
    """The key with which the standby logs in where the backups are."""
    backup_host_key: str = ""

    @property
    def host(self) -> str:
        """Return what the standby is called in the inventory."""
        return f"{self.service}-dr".replace("_", "-")

    @property
    def database(self) -> str:
        """Return the database that comes back."""
        return self.contents.database or self.service

    @property
    def folders(self) -> tuple[str, ...]:
        """Return the folders that come back."""
        return self.contents.folders

    @property
    def path_on_standby(self) -> str | None:
        """Return the path that the standby must have, too: no server is named that has it."""
        if self.place.server is not None:
            return None
        declared = self.place.declared
        place = str(declared.get("repository") or declared.get("folder") or "")
        return place if place.startswith("/") else None

    @property
    def with_server(self) -> str:
        """Return how the server is named that the standby fetches the backups from."""
        address = {
            "restic": "sftp:USER@HOST:/PATH",
            "borg": "ssh://USER@HOST/PATH",
            "dumps": "sftp://USER@HOST/PATH",
        }.get(self.place.tool)
        return f"--backups {address} --backup-key FILE" if address else "backup_host in the drill"

    @property
    def of_files(self) -> bool:
        """Tell whether files come back, and no database server."""
        return self.contents.kind in _FILES and self.place.tool in {"restic", "borg", "dumps"}

    @property
    def restore(self) -> str:
        """Return the playbook that restores."""
        if self.of_files:
            return "restore_files.yml"
        if self.contents.kind is Software.MARIADB:
            return "restore_mariadb_logical.yml"
        tool = {"pgbackrest": "pgbackrest", "barman": "barman"}.get(self.place.tool, "logical")
        return f"restore_postgresql_{tool}.yml"

    @property
    def teardown(self) -> str:
        """Return the playbook that puts the standby back."""
        if self.of_files:
            return "teardown_files.yml"
        return (
            "teardown_mariadb.yml"
            if self.contents.kind is Software.MARIADB
            else ("teardown_postgresql.yml")
        )

    @property
    def absent(self) -> tuple[str, ...]:
        """Return what the teardown must have removed."""
        return (_STAGING, *self.folders) if self.of_files else (_STAGING,)

    def variables(self) -> dict[str, Any]:
        """Return what the restore is given."""
        declared = self.place.declared
        values: dict[str, Any] = {}
        if self.of_files:
            source = "tar" if self.place.tool == "dumps" else self.place.tool
            values = {
                "files_source": source,
                "files_folders": list(self.folders),
                "files_manifest": "",
            }
        elif self.place.tool == "dumps":
            owner = "database_user" if self.contents.kind is Software.MARIADB else "database_owner"
            values = {"database": self.database, owner: self.database}
        elif self.place.tool == "pgbackrest":
            values = {"pgbackrest_stanza": declared["stanza"]}
            if "repository" in declared:
                values["pgbackrest_options"] = {"repo1-path": declared["repository"]}
        else:
            values = {"barman_server": declared["server"]}

        return {**values, **self._where()}

    def _where(self) -> dict[str, Any]:
        """Return where the restore finds the backups: here, or on their server."""
        server, declared = self.place.server, self.place.declared
        names = {"restic": "restic_repository", "borg": "borg_repository"}
        if server is None:
            if self.place.tool == "dumps":
                return {"backup_folder": declared["folder"], "backup_host": ""}
            key = names.get(self.place.tool)
            return {key: declared["repository"], "backup_host": ""} if key else {}
        values: dict[str, Any] = {
            "backup_host": server.host,
            "backup_port": server.port,
            "backup_user": server.user,
            "backup_host_key": self.backup_host_key,
        }
        places = {
            "restic": {"restic_repository": f"sftp:backup:{server.path}"},
            "borg": {"borg_repository": f"ssh://backup{server.path}"},
        }
        return {**values, **places.get(self.place.tool, {"backup_folder": server.path})}

    def secrets(self) -> dict[str, str]:
        """Return where each secret of the restore is, never its value."""
        secrets: dict[str, str] = {}
        password = self.place.declared.get("password")
        names = {
            "restic": "restic_password",
            "borg": "borg_passphrase",
            "pgbackrest": "pgbackrest_cipher_pass",
        }
        if password and self.place.tool in names:
            secrets[names[self.place.tool]] = password
        if self.place.server is not None and self.backup_key:
            secrets["backup_private_key"] = f"file:{self.backup_key}"
        return secrets

    def teardown_variables(self) -> dict[str, Any]:
        """Return what the teardown is given: the restore's own words for what it made."""
        same = ("files_folders", "files_manifest", "database", "database_user", "database_owner")
        return {key: value for key, value in self.variables().items() if key in same}

    def newest_data(self) -> dict[str, Any]:
        """Return how the newest data is dated; a login that is not root reads it by sudo."""
        declared = self._newest_data()
        if self.standby.user != "root" and "command" in declared:
            declared["command"] = f"sudo -n sh -c {quote(declared['command'])}"
        return declared

    def _newest_data(self) -> dict[str, Any]:
        """Return how it is dated from what was restored, if that can be told."""
        if self.of_files:
            folders = " ".join(self.folders)
            command = f"find {folders} -type f -printf '%T@\\n' | sort -n | tail -n 1"
            return {"command": command, "format": "epoch"}
        column = self.contents.newest
        if column is not None and self.contents.kind is Software.MARIADB:
            return _of_mariadb(self.database, column)
        if column is not None:
            return _of_postgresql(self.database, column)
        if self.place.tool in {"pgbackrest", "barman"}:
            return {"value": "pradrill_replay_point", "role": "replay"}
        return {"value": "pradrill_catalogue_time"}


def _of_mariadb(database: str, column: InstantColumn) -> dict[str, Any]:
    name = f"`{column.column}`"
    if column.with_zone:
        select, form = f"select unix_timestamp(max({name})) from `{column.table}`", "epoch"  # noqa: S608 names are words
        return {"command": f"mariadb -N -B {database} -e '{select}'", "format": form}
    select = f'select date_format(max({name}), "%Y-%m-%d %H:%i:%s") from `{column.table}`'  # noqa: S608 likewise
    return {
        "command": f"mariadb -N -B {database} -e '{select}'",
        "format": "%Y-%m-%d %H:%M:%S",
        "timezone": "UTC",
    }


def _of_postgresql(database: str, column: InstantColumn) -> dict[str, Any]:
    psql = f"runuser -u postgres -- psql -XAtd {database} -c"
    if column.with_zone:
        select = f"select extract(epoch from max({column.column})) from {column.table}"  # noqa: S608 likewise
        return {"command": f'{psql} "{select}"', "format": "epoch"}
    form = "YYYY-MM-DD HH24:MI:SS"
    select = f"select to_char(max({column.column}), '{form}') from {column.table}"  # noqa: S608 likewise
    return {
        "command": f'{psql} "{select}"',
        "format": "%Y-%m-%d %H:%M:%S",
        "timezone": "UTC",
    }
