"""What the intranet must do, with the database and the directory that came back before it."""

from __future__ import annotations

GET = "curl --silent --show-error --max-time 20 http://127.0.0.1"


def test_the_web_server_runs(host):
    """Apache is active."""
    assert host.service("apache2").is_running


def test_the_front_page_comes_from_the_database(host):
    """The front page is made, without an error of PHP's or of the database's."""
    page = host.check_output(f"{GET}/ --location")
    assert "<title>" in page, "the front page has no title"
    for error in ("Error establishing a database connection", "Fatal error"):
        assert error not in page, f"the front page says: {error}"


def test_an_editor_can_reach_the_login(host):
    """The login page shows its form."""
    assert 'name="loginform"' in host.check_output(f"{GET}/wp-login.php")


def test_the_copy_stays_quiet(host):
    """The restored copy runs no scheduled jobs of its own: it is not production."""
    config = host.file("/etc/wordpress/config-default.php")
    assert config.contains("DISABLE_WP_CRON"), "scheduled jobs are not switched off"
