"""Try whether a server lets credentials delete backups, by asking for one that there is not.

A server looks at what somebody may do before it looks for the file: nothing is deleted either way.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from urllib.parse import quote, unquote, urlsplit

from pradrill.errors import NotReadyError

_NOTHING = "0" * 64
_FILES = (f"snapshots/{_NOTHING}", f"data/{_NOTHING}")
_S3_FILES = (f"snapshots/{_NOTHING}", f"data/00/{_NOTHING}")
_MAY = {HTTPStatus.OK, HTTPStatus.ACCEPTED, HTTPStatus.NO_CONTENT, HTTPStatus.NOT_FOUND}
_MAY_NOT = {HTTPStatus.FORBIDDEN, HTTPStatus.METHOD_NOT_ALLOWED}
_DENIED = b"<Code>AccessDenied</Code>"  # S3 says 403 to a wrong signature, too
_EMPTY = hashlib.sha256(b"").hexdigest()
_PATIENCE = 30.0
_READ = 65_536

Secrets = Mapping[str, str]


def refuse_deletion(repository: str, secrets: Secrets, cacert: str | None, now: datetime) -> None:
    """Raise NotReadyError unless the server refuses to delete from a rest: or s3: repository."""
    for url, headers in _requests(repository, secrets, now):
        status, body = _delete(url, headers, cacert)
        is_s3 = repository.startswith("s3:")
        if status in _MAY:
            raise NotReadyError(
                f"the credentials for {repository} can delete backups: who takes this machine "
                f"takes them, too (its server answered {status})",
                hint="Serve it with rest-server --append-only, or take s3:DeleteObject away.",
            )
        if status not in _MAY_NOT or (is_s3 and _DENIED not in body):
            raise NotReadyError(
                f"whether the credentials for {repository} can delete backups is not known: its "
                f"server answered {status}",
                hint="Set the region with AWS_DEFAULT_REGION, where it is S3's; or leave "
                "append_only out.",
            )


def rest_login(url: str, secrets: Secrets) -> tuple[str, str, str]:
    """Return the address of a server of rest: without its user, the user, the password."""
    scheme, _, rest = url.partition("://")
    user, at, host = rest.partition("@") if "@" in rest.partition("/")[0] else ("", "", rest)
    user = unquote(user) if at else secrets.get("RESTIC_REST_USERNAME", "")
    return f"{scheme}://{host}", user, secrets.get("RESTIC_REST_PASSWORD", "")


def _requests(
    repository: str, secrets: Secrets, now: datetime
) -> list[tuple[str, Mapping[str, str]]]:
    kind, _, place = repository.partition(":")
    if kind == "rest":
        place, user, password = rest_login(place, secrets)
        login = base64.b64encode(f"{user}:{password}".encode()).decode()
        headers = {"Authorization": f"Basic {login}"} if user else {}
        return [(f"{place.rstrip('/')}/{file}", headers) for file in _FILES]

    if "AWS_ACCESS_KEY_ID" not in secrets or "AWS_SECRET_ACCESS_KEY" not in secrets:
        raise NotReadyError(
            f"whether the credentials for {repository} can delete backups is not known",
            hint="Name AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY under environment.",
        )
    base = place if place.startswith(("http://", "https://")) else f"https://{place.lstrip('/')}"
    urls = [f"{base.rstrip('/')}/{file}" for file in _S3_FILES]
    return [(url, _signed(url, secrets, now)) for url in urls]


def _signed(url: str, secrets: Secrets, now: datetime) -> Mapping[str, str]:
    """Return the headers of an empty DELETE that AWS's fourth version of signatures asks for."""
    its, region = urlsplit(url), secrets.get("AWS_DEFAULT_REGION", "us-east-1")
    day, at = f"{now:%Y%m%d}", f"{now:%Y%m%dT%H%M%SZ}"
    headers = {"host": its.netloc, "x-amz-content-sha256": _EMPTY, "x-amz-date": at}
    if token := secrets.get("AWS_SESSION_TOKEN"):
        headers["x-amz-security-token"] = token

    names = ";".join(sorted(headers))
    listed = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    path = quote(its.path, safe="/-_.~")
    request = f"DELETE\n{path}\n\n{listed}\n{names}\n{_EMPTY}"
    scope = f"{day}/{region}/s3/aws4_request"
    digest = hashlib.sha256(request.encode()).hexdigest()

    key = f"AWS4{secrets['AWS_SECRET_ACCESS_KEY']}".encode()
    for word in scope.split("/"):
        key = hmac.digest(key, word.encode(), "sha256")
    text = f"AWS4-HMAC-SHA256\n{at}\n{scope}\n{digest}"
    signature = hmac.digest(key, text.encode(), "sha256").hex()

    credential = f"Credential={secrets['AWS_ACCESS_KEY_ID']}/{scope}"
    authorization = f"AWS4-HMAC-SHA256 {credential}, SignedHeaders={names}, Signature={signature}"
    return {**headers, "Authorization": authorization}


def _delete(url: str, headers: Mapping[str, str], cacert: str | None) -> tuple[int, bytes]:
    """Return the status and the beginning of the answer; no proxy, and no redirection, is taken."""
    import ssl  # noqa: PLC0415 they weigh more than all else of a drill that does not ask
    import urllib.error  # noqa: PLC0415
    import urllib.request  # noqa: PLC0415

    request = urllib.request.Request(url, method="DELETE", headers=dict(headers))  # noqa: S310 its model takes http and https alone
    context = ssl.create_default_context(cafile=cacert) if url.startswith("https:") else None
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
    try:
        with opener.open(request, timeout=_PATIENCE) as answer:
            return answer.status, answer.read(_READ)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(_READ)
    except OSError as error:
        host = urlsplit(url).hostname
        raise NotReadyError(
            f"whether backups at {host} can be deleted is not known: {error}"
        ) from error
