"""Try whether a server lets credentials delete backups, by asking for one that there is not.

A server looks at what somebody may do before it looks for the file: nothing is deleted either way.
That it lets the same login read comes first: who turns everybody away has refused nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from http.client import HTTPException
from posixpath import normpath
from threading import Thread
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, unquote, urlsplit

from pradrill.domain.run.host_answers import last_line
from pradrill.errors import NotReadyError
from pradrill.ports import Bounds

if TYPE_CHECKING:
    from urllib.request import OpenerDirector

_NOTHING = "0" * 64
_WITHOUT = tuple(f"{folder}/{_NOTHING}" for folder in ("snapshots", "keys", "index"))
"""Files that there are not, of every kind without which no backup opens but its pieces."""

_FILES = (*_WITHOUT, f"data/{_NOTHING}")
_S3_FILES = (*_WITHOUT, f"data/00/{_NOTHING}")
_MAY = {HTTPStatus.OK, HTTPStatus.ACCEPTED, HTTPStatus.NO_CONTENT, HTTPStatus.NOT_FOUND}
_MAY_NOT = {HTTPStatus.FORBIDDEN, HTTPStatus.METHOD_NOT_ALLOWED}
_DENIED = b"<Code>AccessDenied</Code>"  # S3 says 403 to a wrong signature, too
_EMPTY = hashlib.sha256(b"").hexdigest()
_AGENT = "restic"  # some servers turn programs away that they do not expect
_PATIENCE = 30.0
_TICK = 0.2
_ADDRESS = "/%:@!$&'()*+,;=~"  # what an address has as it is, with what is quoted already
_READ = 65_536

Secrets = Mapping[str, str]


class _Request(NamedTuple):
    method: str
    url: str
    headers: Mapping[str, str]


def refuse_deletion(
    repository: str, secrets: Secrets, cacerts: Sequence[str], now: datetime, bounds: Bounds
) -> None:
    """Raise NotReadyError unless the server refuses to delete from a rest: or s3: repository."""
    ends: list[NotReadyError | None] = []

    def work() -> None:
        try:
            _ask(repository, secrets, cacerts, now)
            ends.append(None)
        except NotReadyError as error:
            ends.append(error)
        except (OSError, HTTPException) as error:
            ends.append(_not_known(repository, last_line(str(error) or type(error).__name__)))
        except ValueError as error:  # its text may hold the login
            why = f"HTTP does not take what is sent ({type(error).__name__})"
            ends.append(_not_known(repository, why))

    worker = Thread(target=work, daemon=True)  # a server that dribbles would hold us for weeks
    worker.start()
    for _ in range(max(1, round(bounds.deadline / _TICK))):
        worker.join(_TICK)
        if not worker.is_alive() or bounds.cancelled():
            break

    end = ends[0] if ends else _not_known(repository, "its server did not answer in time")
    if end is not None:
        raise end


def _ask(repository: str, secrets: Secrets, cacerts: Sequence[str], now: datetime) -> None:
    reading, *deletions = _requests(repository, secrets, now)
    opener = _opener(reading.url, secrets, cacerts)
    status, _ = _answer(opener, reading)
    if status != HTTPStatus.OK:
        raise _not_known(repository, f"its server answered {status} to who reads with them")

    is_s3 = repository.startswith("s3:")
    for deletion in deletions:
        status, body = _answer(opener, deletion)
        if status in _MAY:
            raise NotReadyError(
                f"the credentials for {repository} can delete backups: who takes this machine "
                f"takes them, too (its server answered {status})",
                hint="Serve it with rest-server --append-only, or take s3:DeleteObject away.",
            )
        if status not in _MAY_NOT or (is_s3 and _DENIED not in body):
            raise _not_known(repository, f"its server answered {status}")


def _not_known(repository: str, why: str) -> NotReadyError:
    return NotReadyError(
        f"whether the credentials for {repository} can delete backups is not known: {why}",
        hint="Set the region with AWS_DEFAULT_REGION, where it is S3's; or leave append_only out.",
    )


def rest_login(url: str, secrets: Secrets) -> tuple[str, str, str]:
    """Return the address of a server of rest: without its user, the user, the password."""
    scheme, _, rest = url.partition("://")
    user, at, host = rest.partition("@") if "@" in rest.partition("/")[0] else ("", "", rest)
    user = unquote(user) if at else secrets.get("RESTIC_REST_USERNAME", "")
    return f"{scheme}://{host}", user, secrets.get("RESTIC_REST_PASSWORD", "")


def _requests(repository: str, secrets: Secrets, now: datetime) -> list[_Request]:
    """Return what is asked: to read what there is, then to delete what there is not."""
    kind, _, place = repository.partition(":")
    if kind == "rest":
        place, user, password = rest_login(place, secrets)
        login = base64.b64encode(f"{user}:{password}".encode()).decode()
        headers = {"Authorization": f"Basic {login}"} if user else {}
        scheme, _, rest = place.partition("://")
        host, _, path = rest.partition("/")
        base = f"{scheme}://{host}/{quote(path.rstrip('/'), safe=_ADDRESS)}".rstrip("/")
        deletions = [_Request("DELETE", f"{base}/{file}", headers) for file in _FILES]
        return [_Request("GET", f"{base}/config", headers), *deletions]

    if "AWS_ACCESS_KEY_ID" not in secrets or "AWS_SECRET_ACCESS_KEY" not in secrets:
        raise NotReadyError(
            f"whether the credentials for {repository} can delete backups is not known",
            hint="Name AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY under environment.",
        )
    scheme, separator, rest = place.partition("://")
    host, _, path = (rest if separator else place.lstrip("/")).partition("/")
    path = normpath(
        f"/{unquote(path) if separator else path}"
    )  # restic, too, takes only URLs apart
    base = f"{scheme if separator else 'https'}://{host}{quote(path)}"
    questions = [("GET", "config"), *(("DELETE", file) for file in _S3_FILES)]
    return [_signed(method, f"{base}/{file}", secrets, now) for method, file in questions]


def _signed(method: str, url: str, secrets: Secrets, now: datetime) -> _Request:
    """Return an empty request with what AWS's fourth version of signatures asks for."""
    its, region = urlsplit(url), secrets.get("AWS_DEFAULT_REGION", "us-east-1")
    day, at = f"{now:%Y%m%d}", f"{now:%Y%m%dT%H%M%SZ}"
    headers = {"host": its.netloc, "x-amz-content-sha256": _EMPTY, "x-amz-date": at}
    if token := secrets.get("AWS_SESSION_TOKEN"):
        headers["x-amz-security-token"] = token

    names = ";".join(sorted(headers))
    listed = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    request = f"{method}\n{its.path}\n\n{listed}\n{names}\n{_EMPTY}"
    scope = f"{day}/{region}/s3/aws4_request"
    digest = hashlib.sha256(request.encode()).hexdigest()

    key = f"AWS4{secrets['AWS_SECRET_ACCESS_KEY']}".encode()
    for word in scope.split("/"):
        key = hmac.digest(key, word.encode(), "sha256")
    text = f"AWS4-HMAC-SHA256\n{at}\n{scope}\n{digest}"
    signature = hmac.digest(key, text.encode(), "sha256").hex()

    credential = f"Credential={secrets['AWS_ACCESS_KEY_ID']}/{scope}"
    authorization = f"AWS4-HMAC-SHA256 {credential}, SignedHeaders={names}, Signature={signature}"
    return _Request(method, url, {**headers, "Authorization": authorization})


def _opener(url: str, secrets: Secrets, cacerts: Sequence[str]) -> OpenerDirector:
    """Return what asks as restic does, and takes no redirection.

    A proxy is taken for https alone, where it cannot answer in the server's place.
    """
    import ssl  # noqa: PLC0415 they weigh more than all else of a drill that does not ask
    import urllib.request as library  # noqa: PLC0415

    its, names = urlsplit(url), {name.lower(): value for name, value in secrets.items()}
    without = [each.strip().lstrip(".") for each in names.get("no_proxy", "").split(",")]
    direct = any(each and f".{its.hostname}".endswith(f".{each}") for each in without)
    proxy = "" if direct or "*" in without else names.get("https_proxy", "")

    context = None
    if its.scheme == "https":
        context = ssl.create_default_context(cafile=cacerts[0] if cacerts else None)
        for file in cacerts[1:]:
            context.load_verify_locations(file)

    opener = library.OpenerDirector()
    opener.add_handler(library.ProxyHandler({"https": proxy} if proxy else {}))
    opener.add_handler(library.HTTPHandler())
    opener.add_handler(library.HTTPSHandler(context=context))
    return opener


def _answer(opener: OpenerDirector, request: _Request) -> tuple[int, bytes]:
    """Return the status and the beginning of the answer."""
    import urllib.request as library  # noqa: PLC0415 as above

    headers = {**request.headers, "User-Agent": _AGENT}
    question = library.Request(request.url, method=request.method, headers=headers)  # noqa: S310 its model takes http and https alone
    with opener.open(question, timeout=_PATIENCE) as answer:
        return answer.status, answer.read(_READ)
