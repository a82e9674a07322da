"""List the reasons that the engine gives: each has a code that never changes, and an English form.

A form is what reports translate; `%(name)s` in it stands for a value. Two names are two kinds of
value: a `length` is rounded, a `bound` is exact (`reason.ENGLISH` tells which is which).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Self

from pradrill.errors import N_


class Code(StrEnum):
    """What a reason means."""

    many: str
    one: str

    def __new__(cls, code: str, form: str, one: str = "") -> Self:
        """Give the code its form, and another one for a `count` of one."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.many, member.one = form, one
        return member

    @classmethod
    def lookup(cls, code: str) -> Code | None:
        """Return the member of that value; None for one of another version."""
        return next((member for member in cls if member.value == code), None)

    def form(self, values: Mapping[str, object]) -> str:
        """Return the form that goes with the values."""
        return self.one if self.one and values["count"] == 1 else self.many

    JOINED = "joined", N_("%(parts)s")
    LINES = "lines", N_("%(lines)s")
    WITH_HINT = "with-hint", N_("%(because)s. HINT: %(hint)s")
    OF_SERVICES = "of-services", N_("%(whose)s: %(because)s")

    # reasons of a verdict
    STAYED_GREEN = (
        "stayed-green",
        N_("%(count)s mandatory checks stayed green, both objectives are met with upper bounds"),
        N_("1 mandatory check stayed green, both objectives are met with upper bounds"),
    )
    STEP_FAILED = "step-failed", N_("%(phase)s step %(step)s failed")
    STEP_FAILED_BECAUSE = "step-failed-because", N_("%(phase)s step %(step)s failed: %(because)s")
    STEP_LATE = "step-late", N_("%(phase)s step %(step)s was not done at its deadline")
    STEP_LATE_BECAUSE = (
        "step-late-because",
        N_("%(phase)s step %(step)s was not done at its deadline: %(because)s"),
    )
    STEP_ENDED = "step-ended", N_("%(phase)s step %(step)s: %(ended)s")
    STEP_ENDED_BECAUSE = (
        "step-ended-because",
        N_("%(phase)s step %(step)s: %(ended)s: %(because)s"),
    )
    CHECK_FAILED = "check-failed", N_("check %(check)s failed on %(host)s: %(title)s")
    CHECK_UNANSWERED = (
        "check-unanswered",
        N_("check %(check)s on %(host)s was %(answered)s: %(because)s"),
    )
    GUARD_NOT_HELD = "guard-not-held", N_("guard %(guard)s on %(host)s is %(seen)s: %(because)s")
    PRODUCTION_REACHED = (
        "production-reached",
        N_("production was within reach of %(host)s once its data was restored: %(guard)s"),
    )
    GUARD_NOT_LOOKED_AT = (
        "guard-not-looked-at",
        N_("guard %(guard)s was not looked at on %(host)s in %(phase)s"),
    )
    EGRESS_OPENED = (
        "egress-opened",
        N_(
            "the way out of %(host)s was not denied any more once its data was restored: "
            "%(because)s"
        ),
    )
    RUN_NOT_ENDED = "run-not-ended", N_("the run did not come to its end")
    NO_HOST = "no-host", N_("no host took part")
    STEP_NOT_EXECUTED = "step-not-executed", N_("step %(step)s was not executed")
    NOT_RECOVERED = (
        "not-recovered",
        N_("it was not recovered: %(other)s, which it depends on, was not verified"),
    )
    NO_SERVICE = "no-service", N_("no service was to be recovered")
    NOTHING_RESTORED = "nothing-restored", N_("nothing was restored")
    NO_GUARD = "no-guard", N_("no guard was proven on %(host)s")
    NO_MANDATORY_CHECK = "no-mandatory-check", N_("no mandatory check was carried out")
    NO_CHECK_ON_HOST = "no-check-on-host", N_("no check was carried out on %(host)s")
    NOT_STABLE = "not-stable", N_("the service was not seen stable")
    RPA_NOT_TRUSTED = "rpa-not-trusted", N_("the RPA cannot be trusted: %(because)s")
    NOT_MEASURED = "not-measured", N_("the %(actual)s could not be measured")
    OUT_OF_BOUNDS = (
        "out-of-bounds",
        N_("the %(actual)s is negative, or not within its bounds: instants contradict each other"),
    )
    ASSUMED = "assumed", N_("the %(actual)s rests on an assumption, not on a measurement")
    OBJECTIVE_MISSED = (
        "objective-missed",
        N_("the %(actual)s is %(length)s, at most %(bound)s; the objective is %(objective)s"),
    )
    KILLED = (
        "killed",
        N_("the run's process ended without a word (killed, or the machine went down)"),
    )
    STOPPED_BY_SIGNAL = "stopped-by-signal", N_("the run was interrupted by signal %(number)s")
    ABORTED = "aborted", N_("the run was aborted by %(who)s")

    # how a step ended
    NO_CHECK_IN_SUITE = "no-check-in-suite", N_("the suite holds no check")
    NO_MANDATORY_IN_SUITE = "no-mandatory-in-suite", N_("the suite holds no mandatory check")
    CHECKS_SKIPPED = (
        "checks-skipped",
        N_("%(count)s mandatory checks were skipped"),
        N_("1 mandatory check was skipped"),
    )
    CHECKS_RED = (
        "checks-red",
        N_("%(count)s checks did not turn green within %(seconds)s"),
        N_("1 check did not turn green within %(seconds)s"),
    )
    CHECKS_SILENT = (
        "checks-silent",
        N_("%(count)s checks gave no answer within %(seconds)s"),
        N_("1 check gave no answer within %(seconds)s"),
    )
    CHECKS_NOT_STABLE = (
        "checks-not-stable",
        N_("the checks were not green long enough within %(seconds)s"),
    )
    INTERRUPTED = "interrupted", N_("interrupted")
    ENDED_BESIDE = "ended-beside", N_('ended, because "%(step)s" beside it did not pass')
    NEVER_PROVEN = "never-proven", N_("not run: never proven")
    NO_ANSWER = "no-answer", N_("%(who)s did not answer within %(bound)s")
    INTERRUPTED_WAITING = "interrupted-waiting", N_("interrupted while it waited for %(who)s")
    ANSWERED_YES = "answered-yes", N_("%(who)s answered yes")
    ANSWERED_NO = "answered-no", N_("%(who)s answered no")
    ANSWERED_YES_SAYING = "answered-yes-saying", N_("%(who)s answered yes: %(text)s")
    ANSWERED_NO_SAYING = "answered-no-saying", N_("%(who)s answered no: %(text)s")
    CANARY_DIFFERS = "canary-differs", N_("the planted value did not come back byte for byte")
    BACKUP_CHOSEN = "backup-chosen", N_("%(name)s: %(rule)s, %(why)s")
    OTHER_BACKUP = (
        "other-backup",
        N_("the playbook restored %(name)s; the run had chosen %(other)s"),
    )
    EDITED_BEFORE = "edited-before", N_("not run: %(files)s changed after the run began")
    EDITED_BEFORE_END = (
        "edited-before-end",
        N_(
            "not run: %(files)s changed after the run began; put back what it began with, then "
            "pradrill teardown %(run)s ends its machines"
        ),
    )
    EDITED_DURING_PLAYBOOK = (
        "edited-during-playbook",
        N_("%(files)s changed while the playbook ran"),
    )
    EDITED_DURING_CHECKS = "edited-during-checks", N_("%(files)s changed while the checks ran")
    STANDBY_LOST = "standby-lost", N_("the standby is not this run's any more: %(because)s")
    GUARD_ON_HOST = "guard-on-host", N_("%(host)s: %(guard)s: %(because)s")

    # where a playbook acted
    NEVER_IDENTIFIED = "never-identified", N_("not run: %(host)s was never identified")
    TASK_OF_STRANGER = (
        "task-of-stranger",
        N_("a task was of %(host)s, which is none of the drill's hosts"),
    )
    TASK_DELEGATED = (
        "task-delegated",
        N_("a task was delegated to %(host)s, which is none of the drill's hosts"),
    )
    OTHER_MACHINE = (
        "other-machine",
        N_("Ansible does not reach the machine that was identified as %(host)s"),
    )
    UNREAD_BEFORE_PLAYBOOK = (
        "unread-before-playbook",
        N_("which machine %(host)s is could not be read before the playbook"),
    )
    UNREAD_BEFORE_BECAUSE = (
        "unread-before-because",
        N_("which machine %(host)s is could not be read before the playbook: %(because)s"),
    )
    UNREAD_AFTER_BECAUSE = (
        "unread-after-because",
        N_("which machine %(host)s is could not be read after the playbook: %(because)s"),
    )
    UNREAD_AFTER_PLAYBOOK = (
        "unread-after-playbook",
        N_("which machine %(host)s is could not be read after the playbook"),
    )
    DID_NOTHING = "did-nothing", N_("the playbook did nothing on %(host)s")
    PRINTED_TOO_MUCH = "printed-too-much", N_("it printed more than %(size)s and was ended")
    HANDED_TOO_MUCH = (
        "handed-too-much",
        N_("it handed back more than %(size)s, of which nothing is kept"),
    )

    # guards, as they were seen
    INVENTORY_SAYS = "inventory-says", N_("the inventory says dr_role: %(role)s")
    KEY_PINNED = "key-pinned", N_("pinned: %(key)s")
    KEY_UNREADABLE = "key-unreadable", N_("the key that it showed cannot be read")
    NO_MACHINE_ID = "no-machine-id", N_("the host has no machine-id")
    PRIMARY_WAIVED = (
        "primary-waived",
        N_("nothing to compare with: the plan says primary: none"),
    )
    PRIMARY_SHARED = "primary-shared", N_("shares its %(what)s with the primary")
    PRIMARY_UNKNOWN = (
        "primary-unknown",
        N_(
            "nothing to compare with: give the primary's addresses, host_keys or machine_ids in "
            "the plan, or write primary: none"
        ),
    )
    PRIMARY_BY_NAME = (
        "primary-by-name",
        N_(
            "where %(name)s leads only the jump host knows: write an address into the inventory, "
            "or the primary's host_keys or machine_ids into the plan"
        ),
    )
    DIFFERS = "differs", N_("differs")
    DIFFERS_IN_PART = "differs-in-part", N_("differs; not compared: %(what)s")
    NOT_NOTED = "not-noted", N_("the run did not note whom it spoke to")
    SAME_KEY = "same-key", N_("the key is that of the killed run")
    OTHER_MACHINE_ID = "other-machine-id", N_("its machine-id is another than before")
    OTHER_KEY = "other-key", N_("its key is another than before")
    MARKER_MISSING = (
        "marker-missing",
        N_("%(path)s is missing: place it once with playbooks/mark_standby.yml"),
    )
    MARKER_OWN = "marker-own", N_("carries this machine's id")
    MARKER_COPIED = "marker-copied", N_("names another machine: it was copied here")
    MARKER_LINK = (
        "marker-link",
        N_("%(path)s is a link: a marker is a file of this machine's own"),
    )
    MARKER_NO_FILE = (
        "marker-no-file",
        N_("%(path)s is not what belongs there: a file, in folders"),
    )
    MARKER_OWNER = "marker-owner", N_("%(path)s does not belong to root")
    MARKER_WRITABLE = "marker-writable", N_("%(path)s can be written by others than root")
    MARKER_SHARED = (
        "marker-shared",
        N_("%(path)s is the same file as another one: a marker is a file of its own"),
    )
    MARKER_UNREADABLE = "marker-unreadable", N_("%(path)s cannot be read")
    PRODUCTION_ANSWERS = "production-answers", N_("production answers: open")
    NAME_UNRESOLVED = (
        "name-unresolved",
        N_("the name does not resolve there, as a misspelt one: give the address"),
    )
    CLOSED_REFUSED = "closed-refused", N_("closed: refused")
    CLOSED_SILENT = "closed-silent", N_("closed: no answer in %(seconds)s")
    CLOSED_BECAUSE = "closed-because", N_("closed: %(because)s")
    REACH_UNKNOWN = "reach-unknown", N_("unknown: %(because)s")
    REACH_NOT_TRIED = "reach-not-tried", N_("unknown: not tried")
    OWN_PORT_CLOSED = (
        "own-port-closed",
        N_("unknown: even the host's own SSH port was found %(because)s"),
    )
    LEADS_TO_ITSELF = (
        "leads-to-itself",
        N_("it leads to the standby itself, which proves nothing: name production"),
    )
    LEASE_FREE = "lease-free", N_("no other run holds this machine")
    LEASE_EXPIRED = "lease-expired", N_("taken over from %(holder)s, which had run out")
    LEASE_IMPOSSIBLE = (
        "lease-impossible",
        N_("taken over from %(holder)s, which claims more time than a lease has"),
    )
    LEASE_ENDED = "lease-ended", N_("taken over from %(holder)s, which has ended")
    LEASE_REBOOTED = (
        "lease-rebooted",
        N_("taken over from %(holder)s, from before the machine was started anew"),
    )
    LEASE_TAKEN = "lease-taken", N_("%(holder)s has taken its lease")
    LEASE_LAPSED = (
        "lease-lapsed",
        N_("its lease ran out unseen, and another run may have come and gone"),
    )
    EGRESS_DENIED = "egress-denied", N_("nothing goes out: table inet %(table)s was loaded")
    EGRESS_AS_LOADED = (
        "egress-as-loaded",
        N_("nothing goes out: table inet %(table)s is as it was loaded"),
    )
    EGRESS_GONE = "egress-gone", N_("table inet %(table)s is gone: what goes out is not refused")
    EGRESS_CHANGED = "egress-changed", N_("table inet %(table)s is not as it was loaded")
    EGRESS_NOT_LOADED = "egress-not-loaded", N_("no table was loaded that denies the way out")
    EGRESS_UNKNOWN = "egress-unknown", N_("unknown: %(because)s")
    HOLDER = "holder", N_("run %(name)s of %(controller)s (%(folder)s)")

    MARKER_OF_RUN = "marker-of-run", N_("carries this machine's id, and names this run")
    MARKER_OF_ANOTHER = (
        "marker-of-another",
        N_("does not name this run and this machine: it was there before"),
    )

    # machines that a run makes
    ADDRESSES_MISSING = (
        "addresses-missing",
        N_("the playbook handed back no address of %(host)s (pradrill_addresses)"),
    )
    ADDRESSES_UNREADABLE = (
        "addresses-unreadable",
        N_("what the playbook handed back in pradrill_addresses is not name: address: %(because)s"),
    )
    ADDRESS_SHARED = (
        "address-shared",
        N_("the playbook handed back one address for several machines: %(host)s"),
    )
    MACHINES_SILENT = "machines-silent", N_("nobody could log in by SSH on %(host)s")
    MACHINE_LEFT = "machine-left", N_("machine %(name)s of this run is still there")
    MACHINES_NOT_ENDED = (
        "machines-not-ended",
        N_("the machines of this run were not ended: %(because)s"),
    )
    MACHINES_UNKNOWN = (
        "machines-unknown",
        N_("whether machines of this run are left is not known: %(because)s"),
    )
    LISTING_MISSING = (
        "listing-missing",
        N_("the playbook %(file)s handed back no list (pradrill_listing)"),
    )
    LISTING_UNREADABLE = (
        "listing-unreadable",
        N_("what the playbook %(file)s handed back in pradrill_listing is not what was agreed on"),
    )
    PLAYBOOK_ENDED = "playbook-ended", N_("%(step)s: %(ended)s")
    MACHINES_GONE = "machines-gone", N_("destroyed, and listed no more: %(names)s")
    MACHINES_CLEAN = (
        "machines-clean",
        N_("put back to the clean snapshot, and listed no more: %(names)s"),
    )

    # what was left behind
    ON_HOST = "on-host", N_("%(host)s: %(left)s")
    LISTENS = "listens", N_("listens on %(what)s")
    SERVICE_ACTIVE = "service-active", N_("service %(name)s is active")
    MOUNTED = "mounted", N_("%(path)s is mounted")
    STILL_EXISTS = "still-exists", N_("%(path)s still exists")
    PROCESS_STAYED = (
        "process-stayed",
        N_("process %(process)s of this run could not be ended"),
    )
    PROCESS_ENDED = (
        "process-ended",
        N_("process %(process)s of this run still ran, and was ended"),
    )
    PROCESS_NEW = "process-new", N_("process %(process)s was not there before")
    INVENTORY_NEW = "inventory-new", N_("%(kind)s %(name)s was not there before")
    INVENTORY_CHANGED = "inventory-changed", N_("%(kind)s %(name)s is not as before")
    INVENTORY_GONE = "inventory-gone", N_("%(kind)s %(name)s was there before and is gone")
    INVENTORY_KIND = "inventory-kind", N_("%(kind)s: %(because)s")
    SERVER_STOPPED = (
        "server-stopped",
        N_("accounts of the database server in %(folder)s, which did not run"),
    )
    INVENTORY_MORE = "inventory-more", N_("%(kind)s: %(count)s more are not as before")
    EGRESS_STAYED = "egress-stayed", N_("what denied the way out is still there: %(what)s")
    EGRESS_KEPT = (
        "egress-kept",
        N_("what denies the way out (table inet %(table)s) was not removed: never proven"),
    )
    EGRESS_NOT_REMOVED = (
        "egress-not-removed",
        N_("what denies the way out (table inet %(table)s) was not removed: %(because)s"),
    )
    ERASED_DISK = "erased-disk", N_("the machine's disk was thrown away: %(names)s")
    ERASED_PATHS = (
        "erased-paths",
        N_("looked for on %(host)s after the teardown, and not there: %(paths)s"),
    )
    ERASED_DATABASES = (
        "erased-databases",
        N_("databases on %(host)s after the teardown: those of before, and no other"),
    )
    ACCOUNTS_AS_BEFORE = (
        "accounts-as-before",
        N_(
            "users, groups, login keys, rights of sudo and database accounts on %(host)s after the "
            "teardown: those of before, and no other"
        ),
    )
    NOT_OVERWRITTEN = (
        "not-overwritten",
        N_("it was deleted, not overwritten: the disk itself may still hold it"),
    )
    NOT_VERIFIED = "not-verified", N_("not verified, %(because)s")
    STATE_NOT_KNOWN = "state-not-known", N_("not verified, its state before is not known")
    HOST_NOT_TORN_DOWN = "host-not-torn-down", N_("not torn down: never proven")
    NOT_TORN_DOWN = "not-torn-down", N_("the standby was not torn down: %(because)s")
    TEARDOWN_ENDED = "teardown-ended", N_("%(step)s ended %(ended)s: %(because)s")

    # limits of what was proved
    CHECKS_ALONE = (
        "checks-alone",
        N_("the checks prove what they check and nothing else; read their titles"),
    )
    PASSES_UNKEPT = (
        "passes-unkept",
        N_("of %(count)s passes of checks only the last answers are kept: all told over %(limit)s"),
    )
    REHEARSAL = (
        "rehearsal",
        N_("it was a rehearsal: nothing that it showed counts as a proof"),
    )
    CAME_RUNNING = (
        "came-running",
        N_("the machines came with the data: their services ran before isolation was proven"),
    )
    NO_SWITCHOVER = (
        "no-switchover",
        N_("production was not switched over: name resolution, routing and users were not moved"),
    )
    NO_TIME_BEFORE = (
        "no-time-before",
        N_("the drill followed the disruption at once: detection and decision took no time"),
    )
    T0_IS_LAUNCH = (
        "t0-is-launch",
        N_("T0 is the launch of the drill: detection and decision took no time"),
    )
    PRIMARY_NONE = (
        "primary-none",
        N_(
            "nothing told the standby apart from the primary of %(service)s: the plan says "
            "primary: none"
        ),
    )
    LAB = "lab", N_("the standby is a lab machine, not the one that a disaster would use")
    DIALLING = (
        "dialling",
        N_("a provider's times run from when the call was asked for, dialling included"),
    )
    INVENTORY_UNSEEN = (
        "inventory-unseen",
        N_("not everything on %(host)s could be compared with what was there before: %(parts)s"),
    )
    EGRESS_NAMELESS = (
        "egress-nameless",
        N_(
            "on %(host)s what writes names down had ended before its time: some names that were "
            "asked for are not known"
        ),
    )
    EGRESS_GAP = (
        "egress-gap",
        N_(
            "what the network card of %(host)s sent at the end was not written down: what writes "
            "it had ended or was stopped, or the machine had, so that it is not known what else "
            "was tried"
        ),
    )
    EGRESS_FULL = (
        "egress-full",
        N_(
            "on %(host)s more was tried than there is room for: %(count)s packets and questions "
            "were refused and are not listed"
        ),
    )
    MAIL_SINK_GAP = (
        "mail-sink-gap",
        N_(
            "on %(host)s it is not proven that the mail sink stood all the time, nor that no other "
            "mail was sent than is told"
        ),
    )
    MAIL_SINK_FULL = (
        "mail-sink-full",
        N_(
            "on %(host)s more connections to mail servers came than there is room for: %(count)s "
            "were turned away, or what they brought is not listed"
        ),
    )
    FILES_UNKNOWN = (
        "files-unknown",
        N_("on %(host)s it is not known which files the services opened: %(because)s"),
    )
    FILES_NOT_READ = "files-not-read", N_("what watched them was not read")
    FILES_MORE = (
        "files-more",
        N_("on %(host)s more files were opened than could be followed: the map has gaps"),
    )
    FILES_UNMARKED = (
        "files-unmarked",
        N_("on %(host)s it is not known which files were opened on %(places)s"),
    )
    FILES_OF_NOBODY = (
        "files-of-nobody",
        N_(
            "%(host)s has no packages of dpkg or rpm: which of the files that were there before a "
            "package has brought is not known"
        ),
    )
    ASSUMED_AVAILABLE = (
        "assumed-available",
        N_(
            "%(other)s, on which %(needing)s depends, is not in the drill: it was assumed available"
        ),
    )
    PRIMARY_CLOCK = (
        "primary-clock",
        N_("the primary's clock was not compared with the controller's"),
    )
    CONTRADICTION = (
        "contradiction",
        N_("readings of the recovery point contradict each other: %(because)s"),
    )

    # what readings of the recovery point contradict, and do not prove
    IN_THE_FUTURE = (
        "in-the-future",
        N_("%(reading)s is %(length)s in the future: a clock or the time zone is wrong"),
    )
    AFTER_DISRUPTION = (
        "after-disruption",
        N_(
            "%(reading)s was written %(length)s after the disruption: not by the primary, or with "
            "a wrong clock or time zone"
        ),
    )
    AFTER_BACKUP = (
        "after-backup",
        N_("%(reading)s is %(length)s newer than the end of the backup that it came from"),
    )
    BEFORE_DATA = (
        "before-data",
        N_(
            "the catalogue dates the backup %(length)s before %(reading)s, which came from it; its "
            "end is not known, and %(allowed)s is allowed"
        ),
    )
    AFTER_REPLAY = (
        "after-replay",
        N_("%(reading)s is %(length)s newer than the last transaction that was replayed"),
    )
    HEARTBEATS_APART = (
        "heartbeats-apart",
        N_(
            "the heartbeats %(reading)s and %(other)s are %(length)s apart: the parts of the "
            "backup are not of the same moment"
        ),
    )
    FAR_BEHIND = (
        "far-behind",
        N_(
            "%(reading)s is %(length)s behind %(other)s, and the service is never quiet for more "
            "than %(allowed)s"
        ),
    )
    AHEAD_OF_HEARTBEAT = (
        "ahead-of-heartbeat",
        N_(
            "%(reading)s is %(length)s newer than %(other)s: the heartbeat had stopped, or does "
            "not come from the same backup"
        ),
    )
    BACKUP_TOO_LATE = (
        "backup-too-late",
        N_(
            "the catalogue dates the backup %(length)s after the disruption, when there was "
            "nothing left to back up"
        ),
    )
    NO_HEARTBEAT = (
        "no-heartbeat",
        N_(
            "no heartbeat was read: the RPA is an upper bound, because a service that wrote "
            "nothing before the disruption looks the same as one whose last rows were lost"
        ),
    )
    SERVICE_QUIET = (
        "service-quiet",
        N_(
            "the service was quiet: %(reading)s was %(length)s old at the disruption; %(other)s "
            "proves that what was written later would have come back, not that no row is missing"
        ),
    )

    # what a run destroys, and the guards that it plans
    MACHINES_DESTROYED = "machines-destroyed", N_("the machines that the run makes: %(names)s")
    MACHINES_REVERTED = (
        "machines-reverted",
        N_("what the run changes on %(names)s: they are put back to their clean snapshot"),
    )
    OVERLAY_DESTROYED = (
        "overlay-destroyed",
        N_("the lab machine %(name)s as the run changed it (a throw-away overlay)"),
    )
    DATA_REPLACED = (
        "data-replaced",
        N_(
            "what the restore playbooks replace on %(host)s: data and configuration of %(services)s"
        ),
    )
    PATH_REMOVED = "path-removed", N_("%(path)s on %(host)s")
    GUARD_DR_ROLE = "guard-dr-role", N_("the host carries dr_role: standby in the inventory")
    GUARD_HOST_KEY = (
        "guard-host-key",
        N_("the host key is the pinned one, and not a primary's"),
    )
    GUARD_IDENTITY = (
        "guard-identity",
        N_("the machine-id and the addresses are not a primary's"),
    )
    GUARD_MARKER = (
        "guard-marker",
        N_("the machine carries the marker file %(path)s with its own machine-id"),
    )
    GUARD_REACH = (
        "guard-reach",
        N_("nothing in must_not_reach can be reached from inside the standby"),
    )
    GUARD_EGRESS = "guard-egress", N_("nothing goes out from the standby")
    GUARD_EGRESS_BUT = (
        "guard-egress-but",
        N_("nothing goes out from the standby, but to %(endpoints)s"),
    )
    GUARD_MAIL_SINK = (
        "guard-mail-sink",
        N_("mail to ports 25 and 587 is taken on the standby itself, and thrown away"),
    )
    GUARD_AGAIN = "guard-again", N_("still so once the services run, and before the teardown")

    # why a backup was chosen, and when there should be one
    LATEST = "latest", N_("latest")
    LATEST_TAGGED = "latest-tagged", N_("latest tagged %(tag)s")
    LATEST_BEFORE = "latest-before", N_("latest before %(instant)s")
    LATEST_TAGGED_BEFORE = (
        "latest-tagged-before",
        N_("latest tagged %(tag)s before %(instant)s"),
    )
    BY_ID = "by-id", N_("id %(name)s")
    IS_NAMED = "is-named", N_("it is the one named")
    NEWEST = "newest", N_("the newest of %(count)s that match")
    NEWEST_OF_SOME = (
        "newest-of-some",
        N_("the newest of %(count)s that match; %(number)s usable ones do not match the rule"),
    )
    PROMISED_EVERY = "promised-every", N_("every %(every)s, %(bound)s of grace")
    PROMISED_CRON = "promised-cron", N_("cron %(cron)s (%(zone)s), %(bound)s of grace")

    # what a run showed of the plan's responsibilities
    NOT_EXERCISED = "not-exercised", N_("not exercised by this run")
    NO_TOPIC = (
        "no-topic",
        N_("a line of the plan's own: no manual step of this run names it"),
    )
    RESTORED_FROM = (
        "restored-from",
        N_("restored from the backup %(name)s, newest data %(instant)s"),
    )
    RESTORED_FROM_UNNAMED = (
        "restored-from-unnamed",
        N_("restored from a backup without an id, newest data %(instant)s"),
    )
    RESTORE_ENDED = "restore-ended", N_("%(step)s: %(ended)s")
    VERIFIED_AFTER = "verified-after", N_("verified %(length)s after T0")
    STANDBY_SILENT = "standby-silent", N_("the standby did not answer within %(length)s")
    STANDBY_REACHED = "standby-reached", N_("the standby was reachable after %(length)s")
    STANDBY_REACHED_ALONE = (
        "standby-reached-alone",
        N_("the standby was reachable after %(length)s; routing and users were not moved"),
    )
    CHECKS_PASSED = "checks-passed", N_("%(count)s of %(number)s mandatory checks passed")
    CALL_ANSWERED = "call-answered", N_("%(stage)s %(length)s, SLA %(kept)s")
    CALL_UNANSWERED = (
        "call-unanswered",
        N_("%(stage)s %(length)s without an answer, SLA %(kept)s"),
    )
    DONE_BY_PERSON = "done-by-person", N_("%(step)s: done after %(length)s, %(who)s says")
    NOT_DONE_BY_PERSON = "not-done-by-person", N_("%(step)s: not done within %(length)s")

    # what an incident showed of them
    SEEN_BY_SUPERVISION = "seen-by-supervision", N_("the supervision saw it first")
    SEEN_BY_A_USER = "seen-by-a-user", N_("a user saw it first, and not the supervision")
    PEOPLE_INFORMED = "people-informed", N_("%(who)s was told, %(length)s after T0")
    RECOVERED_BY_RUN = "recovered-by-run", N_("recovered by the run %(name)s")
    EXERCISED_BY_INCIDENT = "exercised-by-incident", N_("%(who)s entered that it was done")

    # what a run showed of the plan's accesses
    ACCESS_UNUSED = "access-unused", N_("this run did not use it")
    ACCESS_END_UNKNOWN = (
        "access-end-unknown",
        N_("used, and nothing shows that it was withdrawn"),
    )
    ACCESS_REVOKED = "access-revoked", N_("%(step)s hands back: %(what)s")
