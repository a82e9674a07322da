"""Does the restored WordPress work? Each check is what a visitor or an editor would notice."""

from __future__ import annotations

import json

import pytest

SITE = "wordpress.lab"
NAME = "Exemple SAS"  # of the site: another one's backup has another
TITLE = "Le plan de reprise est révisé"  # of a post with accents
OLDEST = 25  # hours: the backup is made every night
BACKUP = "/var/backups/wordpress"
READERS = "/var/lib/pradrill-restore"  # left there by the restore playbook
# Tables that go on being written between the manifest and the dump, or by these checks.
GROWING = "pradrill_heartbeat wp_options wp_usermeta"

CURL = f"curl --silent --max-time 30 --resolve {SITE}:80:127.0.0.1"
SQL = "mariadb -N -B wordpress -e"


def number_of(text):
    """Return a number that a command printed, or fail with what it printed."""
    assert text.strip().isdecimal(), f"that is no number: {text[:200]!r}"
    return int(text)


@pytest.mark.parametrize("name", ["apache2", "mariadb"])
def test_the_service_runs(host, name):
    """The web server and the database run, and will run after a reboot."""
    assert host.service(name).is_running, f"{name} does not run"
    assert host.service(name).is_enabled, f"{name} does not start with the machine"


def test_the_front_page_is_that_of_the_site(host):
    """A visitor gets the front page of this site, with its accents and its newest post."""
    title = host.check_output(
        f"{SQL} \"select post_title from wp_posts where post_type = 'post' "
        "and post_status = 'publish' order by post_date desc, ID desc limit 1\""
    )
    page = host.check_output(f"{CURL} http://{SITE}/")
    assert title, "the database holds no published post"
    assert title in page, f"the front page lacks the newest post, {title!r}"
    assert NAME in page, f"the front page is not that of {NAME}"
    assert TITLE in page, f"the front page lacks {TITLE!r}"


def test_a_picture_has_its_own_bytes(host):
    """An uploaded picture comes through the web server exactly as it was uploaded."""
    row = host.check_output(
        f'{SQL} "select f.meta_value, s.meta_value from wp_postmeta f join wp_postmeta s '
        "using (post_id) where f.meta_key = '_wp_attached_file' "
        "and s.meta_key = 'pradrill_sha256' limit 1\""
    ).split("\t")
    assert len(row) == 2, "the database names no picture with its hash"
    page = f"http://{SITE}/wp-content/uploads/{row[0]}"
    digest = host.check_output(f"{CURL} {page} | sha256sum").split()[0]
    assert digest == row[1], f"{row[0]} came back with other bytes"


@pytest.mark.parametrize("aspect", ["rows", "columns", "floor"])
def test_the_tables_are_as_at_the_backup(host, aspect, record_property):
    """Tables have their rows, columns, indexes; none lost half since the backup before."""
    done = host.run(
        f"python3 {READERS}/manifest-tables check mariadb wordpress {BACKUP}/tables.json "
        f"{aspect} {GROWING}"
    )
    assert done.rc == 0, (done.stdout or done.stderr).strip()[-1500:]
    looked, _, every = done.stdout.split()[:3]
    record_property("sampled", (int(looked), int(every)))
    assert int(every) > 10, "the manifest names hardly a table"


def test_the_tables_are_sound(host):
    """MariaDB finds no fault in any table."""
    faults = host.check_output("mariadb-check --silent wordpress")
    assert faults == "", f"mariadb-check says: {faults}"


@pytest.mark.parametrize("aspect", ["there", "mode", "owner", "bytes"])
def test_the_files_are_as_at_the_backup(host, aspect):
    """Every stored file is there, with its permissions, its owner and its bytes."""
    done = host.run(f"python3 {READERS}/manifest-files check {BACKUP}/files.jsonl {aspect}")
    assert done.rc == 0, (done.stdout or done.stderr).strip()[-1500:]
    assert int(done.stdout.split()[0]) > 1, "the manifest names no file"


def test_an_author_signs_in_and_writes(host):
    """The planted account signs in with its password, uploads a file, reads it, removes it."""
    jar = host.check_output("mktemp")
    try:
        sign_in(host, jar)
        nonce = host.check_output(
            f"{CURL} -b {jar} 'http://{SITE}/wp-admin/admin-ajax.php?action=rest-nonce'"
        )
        assert len(nonce) == 10, "the planted account is not signed in"
        api = f"{CURL} -b {jar} -H 'X-WP-Nonce: {nonce}'"
        answer = host.check_output(
            f"{api} -H 'Content-Disposition: attachment; filename=drill.txt' "
            f"-H 'Content-Type: text/plain' --data-binary 'written by a drill' "
            f"'http://{SITE}/?rest_route=/wp/v2/media'"
        )
        assert '"source_url"' in answer, f"a file cannot be uploaded: {answer[:300]}"
        file = json.loads(answer)
        text = host.check_output(f"{CURL} '{file['source_url']}'")
        answer = host.check_output(
            f"{api} -X DELETE 'http://{SITE}/?rest_route=/wp/v2/media/{int(file['id'])}&force=true'"
        )
        assert text == "written by a drill", "the uploaded file reads otherwise"
        assert '"deleted":true' in answer, f"the file cannot be removed: {answer[:300]}"
    finally:
        host.run(f"rm -f {jar}")


def sign_in(host, jar):
    """Sign in as a person does; the password stays on the machine."""
    code = host.check_output(
        f"{CURL} -o /dev/null -w '%{{http_code}}' -c {jar} "
        "-b 'wordpress_test_cookie=WP%20Cookie%20check' "
        f"-d log=pradrill --data-urlencode pwd@{BACKUP}/planted-password -d testcookie=1 "
        f"http://{SITE}/wp-login.php"
    )
    assert code == "302", f"the planted account cannot sign in: the page answers {code}"


@pytest.mark.parametrize("page", ["wp-login.php", "wp-comments-post.php", "xmlrpc.php"])
def test_a_page_answers(host, page):
    """Pages that visitors use are there and report no error of PHP."""
    answer = host.check_output(f"{CURL} -w '%{{http_code}}' http://{SITE}/{page}")
    assert answer[-3:] in {"200", "405"}, f"/{page} answers {answer[-3:]}"
    assert "Fatal error" not in answer, f"PHP reports a fatal error on /{page}"


def test_the_programs_are_those_of_the_backup(host):
    """WordPress has the version of the backup, and each of its programs is its package's."""
    version = host.file(f"{BACKUP}/version").content_string.split()[-1]
    assert host.package("wordpress").version == version, f"the backup is of {version}"
    changed = host.run("dpkg --verify wordpress | grep /usr/share/wordpress/").stdout
    assert not changed, f"programs are not those of their package: {changed[:500]}"


@pytest.mark.negative  # a control: it passes when something does not work
def test_a_wrong_password_is_refused(host):
    """The database lets nobody in as WordPress with a wrong password."""
    done = host.run("mariadb --user=wordpress --password=wrong wordpress -e 'select 1'")
    assert done.rc != 0, "a wrong password was let in"
    assert "1045" in done.stderr, f"refused for another reason: {done.stderr.strip()}"


def test_the_data_is_of_the_newest_backup(host):
    """The newest data is no older than the nightly backup may be."""
    age = host.check_output(
        f'{SQL} "select timestampdiff(hour, max(at), utc_timestamp()) from pradrill_heartbeat"'
    )
    assert number_of(age) < OLDEST, f"the newest data is {age} hours old"


def test_the_files_are_as_old_as_the_database(host):
    """The uploaded files and the database come from the same minute."""
    file = host.file("/var/lib/wordpress/wp-content/uploads/heartbeat.txt").content_string.strip()
    apart = host.check_output(
        f'{SQL} "select abs(timestampdiff(second, max(at), '
        f"str_to_date('{file}', '%Y-%m-%dT%H:%i:%s.%fZ'))) from pradrill_heartbeat\""
    )
    assert number_of(apart) < 60, f"the files are {apart} s apart from the database"


def test_the_copy_stays_quiet(host):
    """The copy is not production: no jobs, no mail, no calls out, a database of its own."""
    config = host.file("/etc/wordpress/config-default.php").content_string
    assert "define('DISABLE_WP_CRON', true)" in config, "scheduled jobs are not switched off"
    assert "define('WP_HTTP_BLOCK_EXTERNAL', true)" in config, "calls out are not switched off"
    assert "define('DB_HOST', 'localhost')" in config, "the database is another machine's"
    mail = host.run("cat /etc/php/*/apache2/conf.d/99-drill.ini").stdout
    assert "sendmail_path = /bin/false" in mail, "mail is not switched off"
    addresses = host.check_output(
        f"{SQL} \"select option_value from wp_options where option_name in ('siteurl', 'home')\""
    )
    assert {*addresses.split()} == {f"http://{SITE}"}, f"the site's address is {addresses}"
