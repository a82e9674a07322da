"""The masker: no form of a secret gets through, and nothing else is touched."""

from __future__ import annotations

import base64
import html
import json
import shlex
import textwrap
import time
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pradrill.domain.values.masking import MASK, Masker
from pradrill.domain.values.secret_forms import passwords_in

_SIGNS = st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp"))
SECRETS = st.text(_SIGNS, min_size=8, max_size=60).filter(lambda text: len(set(text)) > 4)
AROUND = st.text(st.sampled_from("ab =:,\"'"), max_size=5)


@given(secret=SECRETS, before=AROUND, after=AROUND)
@example(secret="p@ss\\w\"ö'rd&<é>", before="", after="")  # noqa: S106 no secret
def test_no_form_of_a_secret_gets_through(secret: str, before: str, after: str) -> None:
    """As it is, escaped, escaped twice and encoded, whatever stands before and after it."""
    text = f"{before}{secret}{after}"
    raw = text.encode()
    forms: dict[str, str] = {
        "as it is": text,
        "JSON": json.dumps(text),
        "JSON as it is": json.dumps(text, ensure_ascii=False),
        "JSON in JSON": json.dumps(json.dumps(text)),
        "repr": repr(text),
        "shell": shlex.quote(text),
        "HTML": html.escape(text),
        "URL": quote(text),
        "URL, all of it": quote(text, safe=""),
        "URL with plus": quote_plus(text),
        "hex": raw.hex(),
        "hex in capitals": raw.hex().upper(),
        "base64": base64.b64encode(raw).decode(),
        "base64 for URLs": base64.urlsafe_b64encode(raw).decode(),
        "base64 in lines": base64.encodebytes(raw).decode(),
        "base64 in base64": base64.b64encode(base64.b64encode(raw)).decode(),
        "a name and it in base64 twice": base64.b64encode(base64.b64encode(b"x:" + raw)).decode(),
        "JSON in base64": base64.b64encode(json.dumps({"password": text}).encode()).decode(),
        "URL in base64": base64.b64encode(quote(text).encode()).decode(),
        "base32": base64.b32encode(secret.encode()).decode(),
        "hex with colons": raw.hex(":"),
        "hex as xxd has it": raw.hex(" ", -2) if not len(before.encode()) % 2 else raw.hex(" "),
        "bytes of Python": repr(secret.encode()),
        "URL, each byte of it": "".join(f"%{byte:02X}" for byte in raw),
        "XML": html.escape(text).replace("&#x27;", "&apos;"),
        "JSON in JSON in JSON": json.dumps(json.dumps(json.dumps(text))),
        "UTF-16": "\0".join(text) if text.isprintable() else text,
        "UTF-16 of Python": repr(secret.encode("utf-16-le")),
        "UTF-16 in base64": base64.b64encode(text.encode("utf-16-le")).decode(),
        "UTF-16 in hex": secret.encode("utf-16-le").hex(),
        "a list of numbers": json.dumps(list(secret.encode())),
        "a list of hex": ", ".join(f"0x{byte:02x}" for byte in secret.encode()),
        "HTML, each sign of it": "".join(f"&#{ord(sign)};" for sign in secret),
        "backwards": secret[::-1],
        "small letters": secret.lower() if len(secret.lower()) == len(secret) else secret,
        "capitals": secret.upper() if secret.upper().lower() == secret.lower() else secret,
    }
    masker = Masker([secret])
    left = {
        name: masked for name, form in forms.items() if _tells(masked := masker.text(form), secret)
    }
    assert not left
    assert [name for name, form in forms.items() if MASK not in masker.text(form)] == []


def _tells(text: str, secret: str) -> bool:
    raw = secret.encode()
    return secret in text or raw.hex() in text.lower() or base64.b64encode(raw).decode() in text


@given(secret=SECRETS, text=st.text(st.sampled_from("xyz \n{}[]0123"), max_size=200))
def test_what_holds_no_secret_stays_as_it_is(secret: str, text: str) -> None:
    """A masker adds and removes nothing else."""
    assert Masker([f"Q{secret}Q"]).text(text) == text


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=9),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner),
    )
)
def test_data_without_secrets_keeps_its_shape(data: Any) -> None:
    """Facts that hold no secret come out as they went in."""
    assert Masker(["Kuckucksuhr-1771"]).facts({"values": data}) == {"values": data}


def test_masking_twice_is_masking_once() -> None:
    """A record made of masked facts is masked again before it is sealed."""
    masker = Masker(["open sesame now"])
    once = masker.text("it was open sesame now!")
    assert once == f"it was {MASK}!"
    assert masker.text(once) == once


_BITS = (
    "open-sesame-1",
    "ab12",
    "ERROR:  ",
    "ERROR 1062 (23000)",
    "DETAIL:  ",
    "CONTEXT : ",
    "near ",
)
_SIGNS_BETWEEN = ("'", '"', "«", "\n", "\\n", "\0", "…", "://u:p@h ", MASK, "0x41", "x" * 130)


@given(st.lists(st.sampled_from((*_BITS, *_SIGNS_BETWEEN)), max_size=9))
def test_whatever_stands_together_is_masked_once_for_all(bits: list[str]) -> None:
    """What is hidden may show where something else begins."""
    masker = Masker(_BITS[:2])
    once = masker.text("".join(bits))
    assert masker.text(once) == once
    assert _BITS[0] not in once


def test_values_and_keys_of_any_depth_are_masked() -> None:
    """Numbers too, where they are a playbook's: int, float, with zeros in front, in a text."""
    masker = Masker(["4815162342", "00271828182", "Kuckucksuhr-1771"])
    data = {
        "a": [{"Kuckucksuhr-1771": 4815162342}],
        "b": 4815162342.0,
        "c": "n=4815162342",
        "d": 271828182,
    }
    assert masker.facts({"values": data})["values"] == {
        "a": [{MASK: MASK}], "b": MASK, "c": f"n={MASK}", "d": MASK,
    }  # fmt: skip


def test_a_secret_that_is_a_year_leaves_instants_hashes_run_ids_and_measures_alone() -> None:
    """What must stay exact does; the year in a sentence is hidden."""
    masker = Masker(["2026", "1234", "a1b2", "20261128"])
    exact = {
        "at": "2026-11-28T19:44:06.1234+00:00",
        "run_id": "20261128T193818Z-shop-a1b2c3",
        "sha256": "a1b2" * 16,
        "size": 2026,
        "seconds": 20261128.0,
    }
    assert masker.facts(exact) == exact
    assert masker.text("the pin is 2026, or pin1234; not 12345") == (
        f"the pin is {MASK}, or pin{MASK}; not 12345"
    )


def test_a_secret_that_was_wrapped_is_found_over_the_line_ends() -> None:
    """Terminals and base64 break long words anywhere."""
    phrase = "correct-horse-battery-staple-of-1771"
    wrapped = "\r\n".join(textwrap.wrap(f"msg: {phrase} and {phrase}!", 11))
    masked = Masker([phrase]).text(wrapped)
    assert "horse" not in masked.replace("\r\n", "")
    assert "staple" not in masked.replace("\r\n", "")
    assert masked.startswith("msg:")
    assert masked.endswith("!")


@pytest.mark.parametrize(
    "gap",
    [
        "\n      ", "\\n", "\\r\\n  ", "\\\n", "=\n", "\n| ", "\nE       ", "'\n '", '", "', "\n- ",
        "\x1b[0m", "\\u001b[31m", "\u200b", "\0",
    ],
)  # fmt: skip
def test_a_secret_is_found_over_what_a_tool_puts_into_it(gap: str) -> None:
    """Indentation, quotes, colours, signs of no width: in a text, or escaped in JSON."""
    masked = Masker(["correct-horse-battery"]).text(f"it is correct-ho{gap}rse-battery, he said")
    assert masked == f"it is {MASK}, he said"


@pytest.mark.parametrize(
    "secret",
    [
        "[client]\nuser = app\npassword = tr0ub4dor&3\n",
        "db.example.com:5432:shop:app:tr0ub4dor&3",
        "machine db.example.com login app password tr0ub4dor&3",
        "DB_HOST=db\nDB_PASSWORD='tr0ub4dor&3'",
        '{"user": "app", "private_key": "tr0ub4dor&3"}',
    ],
)
def test_a_password_in_a_file_of_settings_is_a_secret_by_itself(secret: str) -> None:
    """my.cnf, .pgpass, .netrc, .env, a service's JSON: a client prints the password alone."""
    assert Masker([secret]).text("denied: tr0ub4dor&3") == f"denied: {MASK}"


def test_each_line_of_a_keys_base64_is_hidden_alone() -> None:
    """A play that prints a list of lines tells each in an event of its own."""
    lines = [f"{number:02d}{'Kuckucksuhr' * 6}"[:70] for number in range(8)]
    key = "\n".join(["-----BEGIN PRIVATE KEY-----", *lines, "-----END PRIVATE KEY-----", ""])
    masker = Masker([key])
    wrapped = base64.encodebytes(key.encode()).decode().splitlines()[:-1]
    assert [line for line in wrapped if masker.text(line) != MASK] == []
    anew = textwrap.wrap("".join(lines), 64)
    assert [line for line in anew if masker.text(line) != MASK] == []


def test_each_line_of_a_key_is_hidden_alone_and_in_base64() -> None:
    """Its frame is not: it says nothing."""
    frame = "-----BEGIN OPENSSH PRIVATE KEY-----"
    key = f"{frame}\nb3BlbnNzaC1rZXktdjEA\nAAAABG5vbmUAAAAE\n-----END OPENSSH PRIVATE KEY-----"
    masker = Masker([key])
    assert masker.text("line AAAABG5vbmUAAAAE here") == f"line {MASK} here"
    assert MASK in masker.text(base64.b64encode(b"AAAABG5vbmUAAAAE").decode())
    assert masker.text(frame) == frame


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("rest:https://bob:hunter2@host:8000/x", f"rest:https://bob:{MASK}@host:8000/x"),
        ("postgresql://u:p@ss@db/x failed", f"postgresql://u:{MASK}@db/x failed"),
        ("sftp://backup@host:22/srv", "sftp://backup@host:22/srv"),
        ("see http://host:80/a@b", "see http://host:80/a@b"),
    ],
)
def test_the_password_of_a_url_is_hidden_whoever_names_it(text: str, masked: str) -> None:
    """Also where no secret was named."""
    assert Masker().text(text) == masked


def test_the_password_of_a_url_that_is_a_secret_is_one_too() -> None:
    """A client prints it without the URL."""
    assert list(passwords_in("postgresql://app:tr0ub4dor&3/x@db/shop")) == ["tr0ub4dor&3/x"]
    assert Masker(["postgresql://app:tr0ub4dor&3/x@db/shop"]).text("tr0ub4dor&3/x") == MASK


@pytest.mark.parametrize("cut", ["{head}", "x{head}...{tail}y", "{tail}", "x{head}…"])
def test_what_a_cut_left_of_a_secret_is_hidden_too(cut: str) -> None:
    """Messages are shortened before they get here: at their end, or in the middle."""
    kuckuck = "Kuckucksuhr-Nr-1771-im-Flur"
    text = cut.format(head="a" * 200 + kuckuck[:14], tail=kuckuck[-12:] + "b" * 200)
    masked = Masker([kuckuck]).text(text)
    assert "kucks" not in masked
    assert "Flur" not in masked
    assert masked.replace(MASK, "").strip("xy.…ab") == ""


@pytest.mark.parametrize(
    "output",
    [
        "ERROR:  twice\nDETAIL:  Key (email)=(alice) exists.\nCONTEXT:  COPY t, line 1: alice",
        r"ERROR:  twice\nDETAIL:  Key (email)=(alice) exists.\nCONTEXT:  COPY t, line 1: alice",
        "ERREUR:  clé dupliquée\nDÉTAIL :  La clé (email)=(alice) existe",
        'ERROR:  invalid input syntax for type integer: "alice"\nLINE 1: insert ... alice',
        "ERROR 1062 (23000): Duplicate entry 'o'alice' for key 'PRIMARY'",
        "ERROR 1064 (42000): ... syntax to use near 'alice'' at line 1",
        "ERROR:  x\nDETAIL:  Failing row contains (1, two\nlines of alice).\nHINT:  none",
        r"ERROR:  x\nCONTEXT:  COPY t, line 1: \"two\nlines of alice\"\npsql:t:9: ERROR:  next",
        "ERROR 1064 (42000): ... syntax to use near 'two\nlines'' at 'home','alice' at line 1",
        "ERROR 1062 (23000) at line 2: Duplicata du champ 'alice' pour la clef 'PRIMARY'",
        "ERROR 1300 (HY000) at line 3: Invalid utf8mb4 character string: 'alice'",
        "ERROR 1644 (45000) at line 4: a trigger says alice",
        'ERROR:  value "alice" is out of range for type integer',
        'ERROR:  unterminated quoted string at or near "\'two\nlines of alice"\nLINE 3: alice',
        "ERREUR:  syntaxe en entrée invalide pour le type integer : « alice »",
        "ERREUR:  x\nCONTEXTE : COPY t, ligne 1, colonne n : « alice »",
        "FEHLER:  doppelter Wert\nANWEISUNG:  INSERT INTO t VALUES ('alice')",
        "psql:night.sql:12: ERROR: x\npsql:night.sql:13: error: invalid command \\alice",
        "pg_restore: error: ERROR: x\nCommand was: INSERT INTO t VALUES ('alice');",
    ],
)
def test_a_row_in_the_error_of_any_playbooks_client_is_not_recorded(output: str) -> None:
    """The shipped scripts leave it on the standby; other playbooks may bring it along."""
    masked = Masker().text(output)
    assert "alice" not in masked
    assert masked.startswith(output[:6])
    assert Masker().text(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        "ERROR " * 20_000,
        "Duplicate entry 'a" * 6_000,
        "ERROR 1064 (42000) near '" + "a'b\n" * 50_000,
    ],
)
def test_hostile_output_takes_no_time(text: str) -> None:
    """Whoever writes a dump writes its errors."""
    began = time.process_time()
    Masker(["open sesame now"]).text(text)
    assert time.process_time() - began < 5


def test_what_follows_an_error_is_kept() -> None:
    """A key's and a column's name, a hint, the next task."""
    output = (
        "ERROR 1062 (23000): Duplicate entry 'alice' for key 'PRIMARY'\nTASK [next] ***\nok: [web]"
    )
    assert Masker().text(output) == output.replace("'alice'", "(not shown)")
