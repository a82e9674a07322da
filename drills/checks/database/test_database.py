"""What a restored database must hold."""

from __future__ import annotations

SQL = "mariadb -N -B intranet -e"


def test_the_database_runs(host):
    """MariaDB is active, and listens for the application."""
    assert host.service("mariadb").is_running
    assert (
        host.socket("tcp://0.0.0.0:3306").is_listening or host.socket("tcp://:::3306").is_listening
    )


def test_the_tables_are_sound(host):
    """MariaDB finds no fault in any table."""
    said = host.check_output("mariadb-check --silent intranet")
    assert said == "", f"mariadb-check says: {said}"


def test_there_are_rows(host):
    """The database holds published posts and users."""
    counts = host.check_output(
        f"{SQL} \"select (select count(*) from wp_posts where post_status = 'publish'), "
        '(select count(*) from wp_users)"'
    )
    assert all(int(count) > 0 for count in counts.split()), f"posts and users: {counts}"
