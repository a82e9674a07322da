"""What the intranet must do, with the database and the directory that came back before it."""

from __future__ import annotations

SITE_FILE = "/etc/apache2/sites-enabled/pradrill-intranet.conf"


def page(host, path):
    """Return what a colleague gets who asks the restored machine for the intranet."""
    site = host.check_output(f"sed -n 's/ *ServerName //p' {SITE_FILE}")
    return host.check_output(
        f"curl --fail --silent --show-error --max-time 20 --resolve {site}:80:127.0.0.1 "
        f"--location http://{site}{path}"
    )


def test_the_web_server_runs(host):
    """Apache is active."""
    assert host.service("apache2").is_running


def test_the_front_page_comes_from_the_database(host):
    """The front page is made, without an error of PHP's or of the database's."""
    front = page(host, "/")
    for error in ("Error establishing a database connection", "Fatal error"):
        assert error not in front, f"the front page says: {error}"
    assert "<title>" in front, "the front page has no title"


def test_an_editor_can_reach_the_login(host):
    """The login page shows its form."""
    assert 'name="loginform"' in page(host, "/wp-login.php")


def test_the_copy_stays_quiet(host):
    """The restored copy runs no scheduled jobs of its own: it is not production."""
    config = host.file("/etc/wordpress/config-default.php")
    assert config.contains("DISABLE_WP_CRON"), "scheduled jobs are not switched off"
