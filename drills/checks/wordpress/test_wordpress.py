"""Does the restored WordPress work? Each check is what a visitor or an editor would notice."""

from __future__ import annotations

import json

import pytest

SITE = "wordpress.lab"
GET = f"curl --silent --max-time 20 --header 'Host: {SITE}' http://127.0.0.1"
SQL = "mariadb -N -B wordpress -e"


def test_the_web_server_runs(host):
    """Apache is active and listens on port 80."""
    assert host.service("apache2").is_running
    assert host.socket("tcp://:::80").is_listening or host.socket("tcp://0.0.0.0:80").is_listening


def test_the_database_runs(host):
    """MariaDB is active."""
    assert host.service("mariadb").is_running


def test_the_front_page_shows_the_newest_post(host):
    """A visitor gets the front page, with the newest post on it."""
    title = host.check_output(
        f"{SQL} \"select post_title from wp_posts where post_type = 'post' "
        "and post_status = 'publish' order by post_date desc, ID desc limit 1\""
    )
    page = host.check_output(f"{GET}/")
    assert title, "the database holds no published post"
    assert title in page, f"the front page lacks the newest post, {title!r}"


def test_a_picture_has_its_own_bytes(host):
    """An uploaded picture comes through the web server exactly as it was uploaded."""
    file, wanted = host.check_output(
        f'{SQL} "select f.meta_value, s.meta_value from wp_postmeta f join wp_postmeta s '
        "using (post_id) where f.meta_key = '_wp_attached_file' "
        "and s.meta_key = 'pradrill_sha256' limit 1\""
    ).split("\t")
    got = host.check_output(f"{GET}/wp-content/uploads/{file} | sha256sum").split()[0]
    assert got == wanted, f"{file} came back with other bytes"


def test_the_rows_are_all_there(host):
    """The database holds as many posts, pictures and users as the backup's manifest says."""
    manifest = json.loads(host.file("/var/backups/wordpress/manifest.json").content_string)
    counts = host.check_output(
        f"{SQL} \"select (select count(*) from wp_posts where post_type = 'post'), "
        "(select count(*) from wp_posts where post_type = 'attachment'), "
        '(select count(*) from wp_users)"'
    )
    names = ("posts", "attachments", "users")
    assert dict(zip(names, map(int, counts.split()), strict=True)) == manifest


def test_the_tables_are_sound(host):
    """MariaDB finds no fault in any table."""
    said = host.check_output("mariadb-check --silent wordpress")
    assert said == "", f"mariadb-check says: {said}"


def test_an_editor_can_reach_the_login(host):
    """The login page shows its form, without a PHP error."""
    page = host.check_output(f"{GET}/wp-login.php")
    assert 'name="loginform"' in page, "there is no login form on /wp-login.php"
    assert "Fatal error" not in page, "PHP reports a fatal error on /wp-login.php"


@pytest.mark.negative  # a control: it passes when something does not work
def test_a_wrong_password_is_refused(host):
    """The database lets nobody in as WordPress with a wrong password."""
    done = host.run("mariadb --user=wordpress --password=wrong wordpress -e 'select 1'")
    assert done.rc != 0, "a wrong password was let in"
    assert "1045" in done.stderr, f"refused for another reason: {done.stderr.strip()}"


def test_the_files_are_as_old_as_the_database(host):
    """The uploaded files and the database come from the same minute."""
    file = host.file("/var/lib/wordpress/wp-content/uploads/heartbeat.txt").content_string.strip()
    apart = host.check_output(
        f'{SQL} "select abs(timestampdiff(second, max(at), '
        f"str_to_date('{file}', '%Y-%m-%dT%H:%i:%s.%fZ'))) from pradrill_heartbeat\""
    )
    assert int(apart) < 60, f"the files are {apart} s apart from the database"


def test_the_copy_stays_quiet(host):
    """The restored copy runs no scheduled jobs of its own: it is not production."""
    config = host.file("/etc/wordpress/config-default.php")
    assert config.contains("DISABLE_WP_CRON"), "scheduled jobs are not switched off"
