"""What a restored directory must do."""

from __future__ import annotations


def test_slapd_runs(host):
    """The directory server, slapd, is active."""
    assert host.service("slapd").is_running


def test_the_directory_answers_a_search(host):
    """A search from the root finds entries: the directory is not empty."""
    base = host.check_output(
        "ldapsearch -x -LLL -H ldap://127.0.0.1 -s base -b '' namingContexts "
        "| sed -n 's/^namingContexts: //p'"
    )
    assert base, "the directory serves no naming context"
    found = host.check_output(
        f"ldapsearch -x -LLL -H ldap://127.0.0.1 -b '{base}' dn | grep -c ^dn:"
    )
    assert int(found) > 0, "the directory is empty"
