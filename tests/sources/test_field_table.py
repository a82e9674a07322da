"""Backups, inventories and standbys as they are in the field: situation, tool, answer, test.

Each kind of fault that was found there has its rows; what a row says is held by the test that it
names, with the real tool.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

TESTS = Path(__file__).parents[1]


class Row(NamedTuple):
    """A situation of the field, and what is the right answer to it."""

    situation: str
    tool: str
    answer: str
    test: str


FIELD = "sources/test_dumps_in_the_field.py::"
FORMS = "sources/test_dump_forms.py::"
TOOLS_OF_POSTGRESQL = "sources/test_postgresql_tools.py::"
SFTP = "sources/test_dumps_behind_sftp.py::"
ODD = "sources/test_odd_folders.py::"
PINS = "sources/test_pinned_keys.py::"
TOOLS = "sources/test_tools_in_the_field.py::"
FILES = "sources/test_file_restores.py::"
SUMS = "sources/test_checksums.py::"
BAD = "sources/test_bad_restores.py::"
SERVERS = "sources/test_restic_servers.py::"
BORG = "sources/test_borg_servers.py::"
SSH = "sources/test_behind_ssh.py::test_a_repository_is_reached_by_every_way_of_openssh"
SHAPES = "unit/adapters/test_hostile_catalogues.py::"
INVENTORY = "unit/config/test_become_and_templates.py::"

ROWS: dict[str, tuple[Row, ...]] = {
    "two readers of one convention": (
        Row("known_hosts of every form, several files, ssh_config's own", "OpenSSH, restic, borg",
            "what ssh itself takes, on every side",
            PINS + "test_each_side_takes_the_pinned_keys_that_openssh_takes"),
        Row("IPv6, aliases with capitals, ProxyJump, blanks and accents", "restic, borg, sftp",
            "reached", SSH),
        Row("@cert-authority", "OpenSSH", "opens dumps; named for a standby",
            SFTP + "test_a_certificate_of_a_pinned_authority_opens_dumps_and_is_named_"
            "for_a_standby"),
        Row("GNU's, BSD's, openssl's sums; MD5; CRLF; upper case", "sha256sum, md5sum, openssl",
            "the same on both sides",
            SUMS + "test_a_checksum_is_read_whoever_wrote_it"),
        Row("names with line feeds, backslashes, other bytes", "sha256sum", "sound",
            SUMS + "test_a_name_with_any_sign_is_known_in_a_folder"),
        Row("b2sum's, SHA-3, -z; sizes, blanks, Windows' paths", "b2sum, openssl",
            "the same on both sides",
            SUMS + "test_a_checksum_is_read_whoever_wrote_it"),
        Row("a list that lists itself, of the folder above, in each folder, apart, signed",
            "sha256sum", "read wherever its maker stood",
            SUMS + "test_a_list_of_a_folder_is_read_wherever_its_maker_stood"),
        Row("a list with other capitals, letters taken apart, Latin-1", "sha256sum",
            "the same file, if there is one",
            SUMS + "test_a_name_in_another_spelling_is_the_same_file"),
        Row("packed after its sum was made", "sha256sum", "unproven, not missing",
            SUMS + "test_what_was_packed_since_is_not_missing"),
        Row("pzstd, zstd --long, padded xz; xz without a check", "pzstd, zstd, xz",
            "read; without a check unproven",
            FIELD + "test_a_real_packing_is_read_or_named"),
        Row("lz4, zip, 7z, gpg, age, openssl, UTF-16", "lz4, gpg",
            "unproven, and named", FIELD + "test_a_real_packing_is_read_or_named"),
        Row("a file of checksums that is none", "sha256sum", "unproven",
            SUMS + "test_what_cannot_be_read_is_unproven"),
        Row(".sql.xz, .sql.bz2, .gz, .dump.gz, wrong names", "mariadb-dump", "read by content",
            FIELD + "test_what_the_catalogue_reads_the_restore_of_mariadb_reads"),
        Row("custom, tar and plain under any name, packed", "pg_dump", "read by content",
            FIELD + "test_what_the_catalogue_reads_the_restore_of_postgresql_reads"),
    ),
    "whole, but not by our mark": (
        Row("--skip-comments, --compact, phpMyAdmin, .dump", "mariadb-dump, sqlite3", "unproven",
            FIELD + "test_the_absence_of_a_mark_is_no_damage_and_no_soundness"),
        Row("several in a file, one of them cut; a warning first", "mariadb-dump, pg_dump",
            "never sound",
            FIELD + "test_what_a_dump_is_decides_and_never_more_than_it_shows"),
        Row("an error of the tool's at its end", "mysqldump, pg_dump", "damaged, and why",
            FIELD + "test_what_a_dump_is_decides_and_never_more_than_it_shows"),
        Row("each option of mariadb-dump's, packed, in members, with a BOM or CRLF", "mariadb-dump",
            "loaded where it is sound",
            FORMS + "test_what_mariadb_dump_writes_is_loaded_in_each_form"),
        Row("members, streams, frames", "gzip, xz, zstd", "one dump on both sides",
            FORMS + "test_a_packing_is_read_on_both_sides"),
        Row("cut at any place", "gzip, xz, zstd, bzip2", "damaged, refused, nothing lost",
            FORMS + "test_a_cut_dump_is_sound_nowhere_and_leaves_what_stood_there"),
        Row("mysqlpump, phpMyAdmin, Adminer, HeidiSQL; zeros, garbage, XML", "mariadb",
            "judged alike on both sides",
            FORMS + "test_what_others_write_is_judged_alike_on_both_sides"),
        Row("\\restrict, CRLF, zeros, nothing but comments", "psql", "judged alike on both sides",
            FORMS + "test_what_pg_dump_writes_is_judged_alike_on_both_sides"),
        Row("a newer pg_dump's, or packed in another way", "pg_restore", "unproven",
            FORMS + "test_an_archive_that_this_pg_restore_does_not_read_is_no_damage"),
        Row("--tab: rows apart from their tables", "mariadb-dump", "unproven, refused",
            FORMS + "test_tables_that_lie_apart_from_their_rows_are_no_dump"),
        Row("a dump without marks", "mariadb", "loaded; the checks must prove it",
            FIELD + "test_a_dump_without_marks_is_loaded_and_a_wrong_collation_is_the_reason"),
    ),
    "tool output taken for more than it says": (
        Row("its end as an object of JSON", "restic 0.18", "its words are the reason",
            TOOLS + "test_the_last_word_of_a_new_restic_is_read"),
        Row("an empty file in a copied tree", "a job", "no damage",
            FIELD + "test_an_empty_file_of_a_tree_is_no_damage"),
        Row("its own ssh: nobody there, no name, no key, silence", "pgbackrest",
            "each its own reason",
            TOOLS + "test_what_keeps_pgbackrests_own_ssh_from_a_host_is_the_reason"),
        Row("a lock, a host, a mount that it waits for", "any tool", "told as the kernel has it",
            "unit/system/test_waiting.py::test_a_lock_is_told_with_its_holder"),
        Row("a retried request on stderr", "restic", "exit code and JSON decide",
            TOOLS + "test_what_restic_says_beside_its_answer_is_no_refusal"),
        Row("authenticated repositories", "borg", "listed with their password",
            TOOLS + "test_each_encryption_of_borgs_opens_with_its_password_alone"),
        Row("an unknown collation", "mariadb", "ERROR 1273 is the cause",
            FIELD + "test_a_dump_without_marks_is_loaded_and_a_wrong_collation_is_the_reason"),
        Row("a line of dashes", "ansible-playbook", "the error is the cause",
            "integration/test_noisy_login.py::"
            "test_the_cause_of_a_failed_command_is_its_error_and_not_a_line_of_dashes"),
        Row("a .bashrc that prints", "sshd", "no answer, and no clock problem",
            "integration/test_noisy_login.py::test_what_a_login_prints_is_no_answer"),
        Row("a banner that looks like an answer", "restic, borg, sftp", "not heard", SSH),
        Row("exit 0 of a restore that could not bring all", "restic 0.11", "an error, and which",
            FILES + "test_a_damaged_backup_ends_with_an_error"),
        Row("exit 0 of a delete that removes nothing", "borg serve --append-only", "no proof",
            BORG + "test_a_login_that_cannot_delete_for_good_is_asked_to"),
        Row("an archive's name in Latin-1", "borg 1.1", "unusable; its neighbours are not",
            SHAPES + "test_a_name_that_is_no_utf_8_costs_its_own_backup_alone"),
        Row("a check that was killed, or may not read a file", "borg", "unproven, and why",
            "sources/test_borg.py::test_a_check_that_broke_off_has_found_no_damage"),
        Row("lines before its answer; warnings in it", "all four", "read",
            TOOLS_OF_POSTGRESQL + "test_what_a_tool_prints_before_its_answer_is_no_part_of_it"),
        Row("words of a tool that failed", "all four", "no catalogue",
            SHAPES + "test_what_a_tool_printed_before_it_failed_is_no_catalogue"),
    ),
    "servers and what their credentials may": (
        Row("wrong login, no repository, nobody there", "restic, rclone", "each its own reason",
            SERVERS + "test_credentials_that_cannot_delete_are_asked_to"),
        Row("an append-only server", "restic, rclone", "read, and proven to refuse",
            SERVERS + "test_credentials_that_cannot_delete_are_asked_to"),
        Row("a server that lets these credentials delete", "restic, rclone", "refused",
            SERVERS + "test_credentials_that_can_delete_are_refused"),
        Row("S3 with and without DeleteObject, wrong and missing keys", "restic, moto",
            "refused or proven", SERVERS + "test_keys_of_s3_that_cannot_delete_are_asked_to"),
        Row("append-only, by its path; by its repository; by its own setting alone", "borg, sshd",
            "proven; not known, and why",
            BORG + "test_a_login_that_cannot_delete_for_good_is_asked_to"),
        Row("a login of S3's or rest:'s, its server alone reachable", "restic, moto, rclone, nft",
            "restored, its secrets nowhere", "sources/test_restic_standbys.py::"
            "test_a_standby_that_reaches_its_backup_server_alone_is_restored"),
        Row("a shell or SFTP beside borg serve", "sshd", "can delete, whatever borg refuses",
            BORG + "test_a_login_that_cannot_delete_for_good_is_asked_to"),
    ),
    "fixed command lines": (
        Row("RemoteCommand, a terminal, forwards in ssh_config", "restic, borg, sftp",
            "count for no backup", SSH),
        Row("an option that this ssh does not know", "restic, borg, sftp", "told with its line",
            "sources/test_behind_ssh.py::test_a_configuration_that_ssh_does_not_take_is_the_cause"),
        Row("a configuration that is missing", "pgbackrest", "told as that",
            TOOLS + "test_a_configuration_that_is_missing_is_told_as_that"),
        Row("a stanza in conf.d", "pgbackrest", "found, by its own configuration or options",
            TOOLS + "test_a_stanza_in_conf_d_is_found"),
        Row("of several repositories one is broken, one encrypted", "pgbackrest", "the named one",
            TOOLS_OF_POSTGRESQL + "test_one_repository_is_read_where_another_is_broken"),
    ),
    "uncaught": (
        Row("a latin-1 name beside dumps", "sftp-server", "a neighbour like others",
            SFTP + "test_a_name_that_is_no_utf_8_and_a_link_to_nowhere_are_neighbours_like_others"),
        Row("sftp://[::1]:…", "OpenSSH", "an address",
            SFTP + "test_an_address_of_ipv6_is_an_address"),
        Row("FIFOs, sockets, circles of links, names of any bytes", "sftp-server",
            "left out or named, here and there",
            ODD + "test_what_lies_beside_dumps_is_left_out_or_named_here_and_behind_sftp"),
        Row("a dump that a rotation took, or whose name cannot be written", "sftp-server",
            "unproven", ODD + "test_a_name_that_cannot_be_written_is_found_again_and_"
            "never_damaged"),
        Row("a part that may not be read", "sftp-server", "named, the rest is read",
            ODD + "test_a_part_that_may_not_be_read_is_named_and_the_rest_is_read"),
        Row("a server that hangs in a listing", "sftp-server", "left at the deadline",
            ODD + "test_a_slow_server_is_read_and_one_that_hangs_is_left_at_the_deadline"),
        Row("a login that prints, or ends, before SFTP", "sftp-server", "told as that",
            ODD + "test_a_login_whose_shell_spoils_sftp_is_told_as_that"),
        Row("catalogues of any shape", "all readers", "read or refused",
            SHAPES + "test_a_listing_of_any_shape_is_read_or_refused"),
        Row("failed backups, any order, any zone", "all four", "never better than the data",
            SHAPES + "test_a_catalogue_of_a_tools_is_as_good_as_its_backups"),
    ),
    "unfinished backups": (
        Row("the newest is being written", "a job", "named and passed over, unless marked",
            FIELD + "test_the_newest_dump_counts_once_it_is_known_to_be_complete"),
        Row("failed, under way, waiting for its logs", "barman", "named and passed over",
            "sources/test_postgresql_tools.py::"
            "test_a_backup_that_did_not_end_well_is_not_usable"),
        Row("its parent, or the logs that it needs, are gone", "pgbackrest",
            "named and passed over",
            TOOLS_OF_POSTGRESQL + "test_a_backup_whose_parent_or_logs_are_gone_is_not_usable"),
        Row("a log that makes it consistent is lost", "pgbackrest", "never chosen, never sound",
            TOOLS_OF_POSTGRESQL
            + "test_a_backup_without_a_log_that_makes_it_consistent_is_not_sound"),
        Row("a log that makes it consistent is lost, xlog.db built anew", "barman",
            "never chosen, never sound",
            TOOLS_OF_POSTGRESQL + "test_a_backup_of_barmans_without_a_log_is_not_sound"),
        Row("a mark that is older than the dump", "a job", "no mark",
            FIELD + "test_a_mark_that_is_older_than_a_dump_does_not_complete_it"),
        Row("a lock beside it", "a job", "named and passed over",
            FIELD + "test_a_lock_beside_a_dump_says_that_it_is_being_written"),
        Row("a folder that is being filled, with a part, a lock, a list of some", "rsync, a job",
            "named and passed over",
            FIELD + "test_a_folder_that_a_job_still_fills_is_passed_over"),
        Row("composer.lock, .htaccess.backup, a cache's .tmp in a copied tree", "a job",
            "no job that writes",
            FIELD + "test_a_copied_tree_is_no_job_that_writes"),
        Row("a time that somebody gave", "restic --time", "no newer than what was read",
            TOOLS + "test_a_snapshot_is_no_newer_than_what_was_read"),
        Row("seconds, ISO weeks, %F, months in French and German in a name", "date(1)", "read",
            "unit/domain/values/test_dated_text.py::test_a_date_is_read_as_jobs_write_it"),
        Row("copied without times", "cp", "the gaps of the original; nothing met",
            FIELD + "test_a_copy_without_times_has_the_gaps_of_the_original"),
        Row("no last file of its maker's", "pg_dump", "never chosen",
            "sources/test_dumps.py::test_an_unfinished_folder_of_pg_dump_is_never_chosen"),
        Row("dated links, a name of another zone, a copy under a new name", "ln, cp",
            "as old as the file",
            "sources/test_dumps.py::test_a_dump_is_no_newer_than_it_was_written"),
        Row("what a failed dump leaves behind its pipe", "gzip, xz, zstd, bzip2, tar",
            "named and passed over",
            "sources/test_dumps.py::test_a_packing_of_nothing_is_never_chosen"),
        Row("a name in the hour that summer time skips", "a job", "told by its date",
            "sources/test_dumps.py::test_a_name_that_is_no_instant_is_told_by_its_date"),
        Row("several hosts, paths and tags in a repository", "restic",
            "a worst case for each; none of all together",
            "sources/test_restic.py::test_what_another_host_wrote_makes_no_figure_better"),
        Row("a history shorter than the promise", "any", "told, never met",
            "unit/domain/run/test_backup_catalogue.py::"
            "test_a_history_that_is_shorter_than_what_it_is_to_prove_is_told"),
    ),
    "before it is emptied, it is looked at": (
        Row("nothing for a folder", "tar, restic, borg", "nothing was removed",
            FIELD + "test_nothing_is_removed_before_an_archive_is_seen_to_hold_it"),
        Row("folders, and not one file", "tar, restic, borg", "nothing was removed",
            FILES + "test_folders_without_a_file_take_the_place_of_none"),
        Row("an archive with other paths, without its uploads", "tar", "nothing was removed",
            FILES + "test_an_archive_of_what_is_within_a_folder_is_looked_at"),
        Row("a dump that its server refuses midway; zeros; nothing in it", "mariadb",
            "its tables stay",
            FORMS + "test_what_others_write_is_judged_alike_on_both_sides"),
        Row("a reader that dies", "mariadb", "nothing in part, no half statement",
            FORMS + "test_a_reader_that_dies_leaves_no_half_and_runs_no_half_statement"),
        Row("a dump of MySQL 8: utf8mb4_0900_…", "mariadb",
            "refused with the way out", FIELD + "test_what_is_no_sql_empties_no_database"),
        Row("no SQL: UTF-16, encrypted, words of the tool, one of several cut", "mariadb",
            "its tables stay", FIELD + "test_what_is_no_sql_empties_no_database"),
        Row("SQLite: cut, damaged, failed, with a program in it", "sqlite3",
            "the database stays",
            "sources/test_sqlite.py::test_what_stands_there_stays_when_the_backup_is_bad"),
        Row("cut behind its beginning", "tar, borg", "what stood there comes back",
            FILES + "test_what_stands_there_comes_back_when_the_backup_ends_too_early"),
        Row("cut between two files", "tar", "cut short, although tar takes it",
            FILES + "test_an_archive_that_ends_between_two_files_is_cut"),
        Row("no room for both", "tar, restic, borg", "read to its end first",
            FILES + "test_without_room_for_both_the_backup_is_read_before_anything_goes"),
        Row("killed half-way", "tar, restic", "taken up by the next",
            FILES + "test_a_killed_restore_is_taken_up_by_the_next"),
        Row("a database, a damaged dump", "mariadb", "its tables stay",
            BAD + "test_what_a_database_of_mariadb_holds_stays_until_the_dump_was_read"),
        Row("a database, a dump that its server refuses midway", "pg_restore, psql",
            "its tables stay",
            BAD + "test_what_a_database_of_postgresql_holds_stays_when_its_server_refuses_"
            "the_dump"),
        Row("a database, a damaged dump", "pg_restore, psql", "its tables stay",
            BAD + "test_what_a_database_of_postgresql_holds_stays_until_the_dump_was_read"),
    ),
    "inventories": (
        Row("a program that fails, prints, may not run; Latin-1; Notepad's INI",
            "ansible-inventory", "its own cause",
            "integration/test_inventories_in_the_field.py::"
            "test_an_inventory_that_gives_no_hosts_is_told_by_its_own_cause"),
        Row("an address, port or login without a value", "ansible-inventory", "as if not there",
            "integration/test_inventories_in_the_field.py::"
            "test_an_inventory_that_ansible_takes_is_taken"),
        Row("a service's name with its accents apart", "pradrill", "as written, here and on record",
            "unit/app/test_status.py::test_a_name_stays_as_it_is_written"),
        Row("templates in an address, port or login", "ansible", "rendered once, then frozen",
            INVENTORY + "test_templates_are_what_ansible_makes_of_them"),
        Row("templates that run something here, however deep", "ansible", "refused at their line",
            INVENTORY + "test_what_only_ansible_could_follow_is_refused_at_its_line"),
        Row("sudo that asks for a password", "sudo", "a secret of the drill, for every tool",
            "integration/test_become_password.py::"
            "test_a_password_reaches_all_that_becomes_root"),
        Row("a wrong password of sudo's", "sudo", "not ready, and why",
            "integration/test_become_password.py::"
            "test_a_wrong_password_is_found_before_anything_is_touched"),
        Row("su, doas, flags of sudo, a password in the inventory alone; logins and ports in an "
            "address", "ansible-inventory",
            "refused at its line",
            INVENTORY + "test_what_only_ansible_could_follow_is_refused_at_its_line"),
        Row("become without one", "sudo", "reaches checks and readings",
            "integration/test_become.py::test_become_reaches_checks_and_readings"),
        Row("a jump host in the inventory", "OpenSSH", "leads every tool; its key is pinned",
            "integration/test_jump_hosts.py::test_a_jump_host_of_the_inventory_leads_every_tool"),
        Row("an alias or a jump host in ssh_config", "OpenSSH", "leads every tool",
            "integration/test_jump_hosts.py::test_an_alias_of_the_users_own_leads_every_tool"),
        Row("arguments of ssh that lead nowhere", "ansible", "taken, and count for nothing",
            INVENTORY + "test_a_jump_host_is_taken_from_the_inventory_alone"),
        Row("other arguments of ssh", "ansible", "refused, in each spelling",
            INVENTORY + "test_what_leads_elsewhere_is_refused_in_each_spelling"),
        Row("an alias or a jump host of ssh's, before dumps", "OpenSSH", "leads there",
            SFTP + "test_an_alias_and_a_jump_host_of_ssh_lead_to_dumps"),
        Row("vaulted values", "ansible-vault", "opened, and not told",
            "integration/test_vaults.py::"
            "test_a_drill_opens_the_vault_and_tells_nothing_of_what_was_in_it"),
        Row("vault ids with a password each", "ansible-vault", "opened by a list of them",
            "integration/test_vaults.py::"
            "test_vault_ids_with_different_passwords_are_opened_by_a_list"),
        Row("a value that no password opens, a copy named .bak", "ansible-vault",
            "named at its line; no file of Ansible's",
            "integration/test_vaults.py::"
            "test_a_value_that_no_password_opens_is_named_by_validate"),
        Row("plan.yaml", "pradrill", "found like plan.yml", "integration/test_plan_yaml.py::"
            "test_a_plan_is_found_under_either_name_and_never_under_both"),
    ),
    "logins of a standby": (
        Row("requiretty, a path without programs, a lecture", "sudo", "its own reason, a fit hint",
            "integration/test_become_password.py::"
            "test_what_sudo_wants_is_told_with_what_mends_it"),
        Row("zsh, fish, tcsh, rbash, nologin, odd settings", "sshd", "used, or refused and why",
            "integration/test_login_shells.py::"
            "test_a_drill_does_with_a_logins_shell_or_says_why_not"),
    ),
    "dated folders": (
        Row("dump, archive and SHA256SUMS in a folder", "mariadb-dump, tar", "one recovery point",
            FIELD + "test_a_folder_with_dump_archive_and_checksums_is_one_recovery_point"),
        Row("a folder level in names", "a job", "found", FIELD + "test_names_may_hold_a_folder"),
    ),
}  # fmt: skip


@cache
def _functions(path: str) -> frozenset[str]:
    tree = ast.parse((TESTS / path).read_text("utf-8"))
    return frozenset(each.name for each in tree.body if isinstance(each, ast.FunctionDef))


@pytest.mark.parametrize("kind", ROWS)
def test_each_kind_of_the_field_is_held_by_tests(kind: str) -> None:
    """What a row promises is held by a test that is there."""
    for row in ROWS[kind]:
        path, _, name = row.test.partition("::")
        assert name in _functions(path), row
