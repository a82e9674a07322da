"""Write how to verify a bundle with stock commands: its VERIFY texts, in two languages.

Every command is one line, exits with 0 when all is well, and needs bash, coreutils, findutils, jq,
ssh-keygen and openssl. `register/bundle.py` gives the same answer in Python.
"""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import fill
from typing import NamedTuple

from pradrill.domain.declared.sealing import NAMESPACE
from pradrill.domain.register.entry import GENESIS

_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
PROMPT = "    $ "
_WIDTH = 96


class ProcedureStep(NamedTuple):
    """One thing to verify, said in English and in French, and its commands."""

    english: str
    french: str
    commands: tuple[str, ...]


class BundleContent(NamedTuple):
    """What a bundle holds, as far as the procedure depends on it."""

    run_ids: tuple[str, ...]
    principal: str | None
    sums_signed: bool
    records_signed: tuple[str, ...]
    """The runs whose record is signed."""
    stamps: tuple[int, ...]
    """The numbers of the entries that hold these runs' stamps."""
    acknowledged: bool = False
    """The register holds damage that somebody answers for."""
    wrong: tuple[str, ...] = ()
    """What was wrong with the register or the runs when the bundle was made."""


def steps(content: BundleContent) -> Iterator[ProcedureStep]:
    """Return what to verify, in order."""
    yield ProcedureStep(
        "No file of this folder was changed, removed or added, and none is a link.",
        "Aucun fichier de ce dossier n'a été modifié, retiré ni ajouté, et aucun n'est un lien.",
        (
            (
                "diff <(find . -type f ! -path ./SHA256SUMS ! -path ./SHA256SUMS.sig -print0"
                " | LC_ALL=C sort -z | xargs -0 sha256sum) SHA256SUMS"
            ),
            'test -z "$(find . ! -type d ! -type f)"',
        ),
    )
    if content.principal is not None:
        yield from _signatures(content, content.principal)
    yield ProcedureStep(
        "The register is whole: entries are numbered without a gap, each carries the hash of the "
        "line before, and the head is the hash of the last.",
        "Le registre est entier : les entrées sont numérotées sans trou, chacune porte l'empreinte "
        "de la ligne précédente, et la tête est l'empreinte de la dernière.",
        (
            'diff <(jq .number register) <(seq "$(wc -l < register)")',
            f'test "$(head -n 1 register | jq -r .previous)" = {GENESIS}',
            (
                "diff <(split -l 1 --filter=sha256sum register | cut -c 1-64)"
                " <(tail -n +2 register | jq -r .previous; cut -d ' ' -f 2 register.head)"
            ),
            'test "$(wc -l < register)" = "$(cut -d \' \' -f 1 register.head)"',
        ),
    )

    for run_id in content.run_ids:
        chosen = f'select(.kind == "run" and .body.run_id == "{run_id}")'
        yield ProcedureStep(
            f"The files of run {run_id} are those that its entry names.",
            f"Les fichiers de l'exécution {run_id} sont ceux que nomme son entrée.",
            (
                (
                    f'diff <(jq -r \'{chosen} | .body | .files + {{"record.json": .record_sha256}}'
                    ' | to_entries[] | .value + "  ./" + .key\' register'
                    f" | LC_ALL=C sort -k 2) <(cd runs/{run_id} && find . -type f -print0"
                    " | LC_ALL=C sort -z | xargs -0 sha256sum)"
                ),
            ),
        )

    for number in content.stamps:
        entry = f"jq -r 'select(.number == {number}) | "
        yield ProcedureStep(
            f"The authority's stamp in entry {number} is of the entry before, and holds; the "
            "second command says of what time.",
            f"L'horodatage de l'entrée {number} porte sur l'entrée précédente, et il est valable ; "
            "la seconde commande dit de quand.",
            (
                f'test "$({entry}.body.sha256\' register)" = "$({entry}.previous\' register)"',
                (
                    f"openssl ts -reply -text -in <({entry}.body.response' register | base64 -d)"
                    " 2> /dev/null | grep 'Time stamp:'"
                ),
                (
                    f'openssl ts -verify -digest "$({entry}.body.sha256\' register)"'
                    f" -in <({entry}.body.response' register | base64 -d) -CAfile authority.pem"
                ),
            ),
        )


def _signatures(content: BundleContent, principal: str) -> Iterator[ProcedureStep]:
    # The newest key, which is the last, signs now; records were signed by the one of their time.
    now = '<(tail -n ${SIGNERS:++}1 "${SIGNERS:-allowed_signers}")'  # +1: all of the reader's own

    def vouched(path: str, signers: str = now) -> str:
        return (
            f"ssh-keygen -Y verify -f {signers} -I {principal}"
            f" -n {NAMESPACE} -s {path}.sig < {path}"
        )

    commands = [vouched("register.head")]
    commands += [
        vouched(f"runs/{run_id}/record.json", '"${SIGNERS:-allowed_signers}"')
        for run_id in content.records_signed
    ]
    if content.sums_signed:
        armor = f"echo '{_BEGIN}'; sed '1d;$d' SHA256SUMS.sig | base64 -d | base64 -w 70"
        commands += [
            vouched("SHA256SUMS"),
            f"diff <({armor}; echo '{_END}') SHA256SUMS.sig",
        ]

    yield ProcedureStep(
        "The signatures hold. Which key made them is for you to know: compare what the first "
        "command prints with what you were told by another way, or set SIGNERS to your own "
        "allowed_signers file.",
        "Les signatures sont valables. Quelle clé les a faites, c'est à vous de le savoir : "
        "comparez ce qu'affiche la première commande à ce qui vous a été dit par une autre voie, "
        "ou donnez dans SIGNERS votre propre fichier allowed_signers.",
        (
            (
                "grep -o -E '(ssh|ecdsa|sk)-[a-z0-9@.-]+ [A-Za-z0-9+/=]+'"
                ' "${SIGNERS:-allowed_signers}" | ssh-keygen -l -f -'
            ),
            *commands,
        ),
    )


_ENGLISH = """\
HOW TO VERIFY THIS BUNDLE WITHOUT PRADRILL

It holds the evidence of recovery drills and the register that every attempt is entered in.
Go into this folder and run each command below with bash; read it first, as any command that you
did not write. All is as it was recorded when every one of them ends with exit code 0.
Needed: bash, coreutils, findutils, jq, openssh-client, openssl (Debian's names).
With pradrill, `pradrill verify FOLDER` gives the same answer.
"""

_FRENCH = """\
COMMENT VÉRIFIER CE DOSSIER SANS PRADRILL

Il contient les preuves d'exercices de reprise et le registre où chaque tentative est inscrite.
Placez-vous dans ce dossier et exécutez chaque commande ci-dessous avec bash ; lisez-la d'abord,
comme toute commande que vous n'avez pas écrite. Tout est tel qu'enregistré si chacune se termine
avec le code 0.
Il faut : bash, coreutils, findutils, jq, openssh-client, openssl (noms des paquets Debian).
Avec pradrill, « pradrill verify DOSSIER » donne la même réponse.
"""

_ENGLISH_END = """\
WHAT THIS DOES NOT PROVE

That the register was not cut or made anew before this bundle was. For that, look for a head that
was published earlier (a mail, a log, a git repository): it must be among the hashes that this
prints:

    split -l 1 --filter=sha256sum register
"""

_FRENCH_END = """\
CE QUE CELA NE PROUVE PAS

Que le registre n'a pas été tronqué ou refait avant ce dossier. Pour cela, cherchez une tête
publiée auparavant (un courriel, un journal, un dépôt git) : elle doit être parmi les empreintes
qu'affiche :

    split -l 1 --filter=sha256sum register
"""

_ENGLISH_KNOWN = """\
DAMAGE THAT IS ACKNOWLEDGED

Somebody answers for damage to this register; what it was is in these entries. The commands above
find it all the same, and must find nothing else:

    grep '"kind":"acknowledgement"' register | jq .

"""

_FRENCH_KNOWN = """\
DOMMAGES RECONNUS

Des dommages à ce registre ont été constatés et reconnus ; ces entrées disent lesquels. Les
commandes ci-dessus les trouvent tout de même, et ne doivent rien trouver d'autre :

    grep '"kind":"acknowledgement"' register | jq .

"""

_ENGLISH_WRONG = """\
THIS IS NOT WHAT WAS RECORDED. When this bundle was made, its register did not verify:
"""

_FRENCH_WRONG = """\
CECI N'EST PAS CE QUI A ÉTÉ ENREGISTRÉ. Quand ce dossier a été fait, son registre ne se vérifiait
pas :
"""

_ENGLISH_UNSIGNED = """\
This bundle is NOT SIGNED: whoever holds it could have made all of it. The commands show that it
fits together, not where it comes from.
"""

_FRENCH_UNSIGNED = """\
Ce dossier n'est PAS SIGNÉ : quiconque le détient a pu le fabriquer entièrement. Les commandes
montrent qu'il est cohérent, non d'où il vient.
"""


def english(content: BundleContent) -> str:
    """Return VERIFY.txt."""
    unsigned = "" if content.principal else f"\n{_ENGLISH_UNSIGNED}"
    text = "".join(_step_text(n, s.english, s.commands) for n, s in enumerate(steps(content), 1))
    acknowledgements = _ENGLISH_KNOWN if content.acknowledged else ""
    wrong = _wrong(_ENGLISH_WRONG, content.wrong)
    return f"{wrong}{_ENGLISH}{unsigned}\n{text}{acknowledgements}{_ENGLISH_END}"


def french(content: BundleContent) -> str:
    """Return VERIFIER.txt."""
    unsigned = "" if content.principal else f"\n{_FRENCH_UNSIGNED}"
    text = "".join(_step_text(n, s.french, s.commands) for n, s in enumerate(steps(content), 1))
    acknowledgements = _FRENCH_KNOWN if content.acknowledged else ""
    wrong = _wrong(_FRENCH_WRONG, content.wrong)
    return f"{wrong}{_FRENCH}{unsigned}\n{text}{acknowledgements}{_FRENCH_END}"


def _wrong(first: str, wrong: tuple[str, ...]) -> str:
    lines = "".join(f"  - {line}\n" for line in wrong)
    return f"{first}\n{lines}\n" if wrong else ""


def _step_text(number: int, what: str, commands: tuple[str, ...]) -> str:
    lines = "".join(f"{PROMPT}{command}\n" for command in commands)
    return f"{fill(f'{number}. {what}', _WIDTH, subsequent_indent='   ')}\n\n{lines}\n"
