"""List what can be wrong with a register, a record or a signature, each with its English form.

A register keeps damage that somebody answers for as a text, for ever. So what a verification finds
is a text, made from one of these forms and from nothing else; reports find the form again, and say
it in their language.
"""

from __future__ import annotations

from enum import StrEnum

from pradrill.errors import N_


class Symptom(StrEnum):
    """What is wrong; `%(name)s` stands for a value."""

    def text(self, **values: object) -> str:
        """Return it in English, as it is kept."""
        return self.value % values

    # of the chain's lines and their order
    NO_ENTRY = N_("this line is no entry: it was edited or damaged")
    ENTRY_MISSING = N_("before entry %(entry)s, entry %(first)s is missing")
    ENTRIES_MISSING = N_("before entry %(entry)s, entries %(first)s to %(last)s are missing")
    ORDER = N_("entry %(entry)s stands after entry %(before)s: the order was changed")
    OTHER_HASH = N_(
        "entry %(entry)s carries another hash than that of line %(line)s: one of both was edited"
    )
    CUT_OFF = N_("the last line is cut off: by a crash, or the end was removed")
    NO_SIGNER = N_("it does not say who signs")
    NO_RUN = N_("it does not describe a run")
    IMPOSSIBLE_RUN = N_("it names a run that cannot be")
    NO_SABOTAGE = N_("it holds no sabotage: its faults, checks and dates do not go together")

    # of its head
    REGISTER_MISSING = N_("the register is missing")
    HEAD_MISSING = N_("the head is missing")
    NO_HEAD = N_("it does not hold a number and a hash")
    END_REMOVED = N_(
        "the register ends with entry %(newest)s, its head is entry %(head)s: the end was removed"
    )
    OTHER_HEAD = N_("entry %(newest)s is not the one that the head names")
    HEAD_BEHIND = N_(
        "the register goes on to entry %(newest)s, its head is entry %(head)s: a crash, or entries "
        "by another hand"
    )
    NO_HEAD_PUBLISHED = N_("no head was found in it; one is a number and a hash")
    PUBLISHED_MISSING = N_(
        "entry %(entry)s, %(sha256)s, was published and is not in the register: the end was "
        "removed or changed"
    )
    PUBLISHED_MOVED = N_("%(sha256)s is entry %(entry)s, not %(number)s")
    PUBLISHED_CUT = N_(
        "the newest head that was published is not in it: its end was removed or changed"
    )

    # of signatures, keys and stamps
    HEAD_UNSIGNED = N_("the head is not signed, and a key is named")
    HEAD_NOT_VOUCHED = N_(
        "the register's head does not carry the signature of the key that the register names"
    )
    NO_KEY = N_("no key is named by the register")
    OTHER_KEY = N_("the register names another key than the plan does")
    KEY_REMOVED = N_(
        "the plan names a key, and no entry does: the seals were removed, or never entered"
    )
    KEY_REPLACED = N_(
        "the plan names another key: the register was made anew, or the change not entered"
    )
    KEY_NOT_HANDED_OVER = N_("the key changes, and the key before did not sign that")
    UNVOUCHED = N_("nobody vouches for entries %(first)s to %(last)s: %(problem)s")
    RECORD_UNSIGNED = N_("the record of run %(run)s is not signed, and a key was named")
    RECORD_UNSIGNED_BECAUSE = N_(
        "the record of run %(run)s is not signed, and a key was named: %(problem)s"
    )
    SIGNATURE = N_("the signature %(problem)s")
    SIGNATURE_FORM = N_("is no signature as ssh-keygen writes it")
    SIGNATURE_STRANGER = N_("was made by a key that is not an allowed signer's")
    SIGNATURE_OTHER = N_("does not fit the content")
    NO_STAMP = N_("it holds no stamp")
    OTHER_STAMP = N_("the stamp is of another entry than the one before")
    STAMP = N_("the stamp does not hold (%(problem)s)")

    # of a run's files
    RUN_MISSING = N_("the run of entry %(entry)s is missing")
    RUN_UNKNOWN = N_("the register has no entry for this run")
    RUN_UNENTERED = N_(
        "is sealed and has no entry: a crash (any command enters it), or it was added"
    )
    FILE_MISSING = N_("is missing")
    FILE_ADDED = N_("was added after entry %(entry)s")
    FILE_UNREADABLE = N_("cannot be read as a file")
    FILE_CHANGED = N_("was changed: %(sha256)s, not %(expected)s")

    # why a record is not read, or not in a dossier
    RECORD_CHANGED = N_("the run %(run)s is not what was recorded: its record was changed since")
    RECORD_LOST = N_("the run %(run)s is in the register, and its record is gone")
    FOLDER_LOST = N_("the run %(run)s is in the register, and its folder is gone")
    RECORD_UNREADABLE = N_("cannot read %(path)s: %(problem)s")
    RECORD_FOREIGN = N_("its content is not a record")
    RECORD_NOT_ENTERED = N_("the record of %(run)s is not one that was entered")
    REGISTER_IN_DOUBT = N_("the register does not verify: %(problem)s")
