"""Servers of HTTP that keep restic's repositories: one of rest:, one of S3."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from tests.sources.conftest import PASSWORD, run

Keys = dict[str, dict[str, str]]
"""Login → what it puts into restic's environment."""

SECRET = "s3cret/@:"  # noqa: S105 of a server that lives for seconds
LOGIN = {"RESTIC_REST_USERNAME": "keeper", "RESTIC_REST_PASSWORD": SECRET}


@contextmanager
def rclone(
    folder: Path, *options: str, address: str = "127.0.0.1", password: str = SECRET
) -> Iterator[str]:
    """Serve a folder as rest-server does, on a port of the kernel's choice; yield its address."""
    hashed = run(["openssl", "passwd", "-apr1", password], env={}).strip()
    (folder / "htpasswd").write_text(f"{LOGIN['RESTIC_REST_USERNAME']}:{hashed}\n")
    words = ["rclone", "serve", "restic", "--addr", f"{address}:0", "-v", *options,
             "--htpasswd", str(folder / "htpasswd"), str(folder / "served")]  # fmt: skip
    process = subprocess.Popen(
        words, stderr=subprocess.PIPE, text=True, env={**os.environ, "HOME": str(folder)}
    )
    try:
        assert process.stderr is not None
        line = next(line for line in process.stderr if "Serving restic REST API on" in line)
        yield f"rest:{line.split()[-1]}night/"
    finally:
        process.terminate()
        process.communicate(timeout=30)


def with_login(place: str, password: str = SECRET) -> str:
    """Return the address as a backup job would have it."""
    return place.replace("://", f"://keeper:{quote(password, safe='')}@")


def back_up(place: str, login: dict[str, str], what: str = "/etc/hostname") -> None:
    """Make a repository, and a backup in it."""
    its = {"RESTIC_PASSWORD": PASSWORD, "RESTIC_REPOSITORY": place, **login}
    for words in (["init"], ["backup", "-q", what]):
        run(["restic", "--no-cache", *words], env=its)


_IAM = """
import boto3, json, sys
its = dict(endpoint_url=sys.argv[1], region_name="us-east-1",
           aws_access_key_id="a", aws_secret_access_key="b")
iam, keys = boto3.client("iam", **its), {}
boto3.client("s3", **its).create_bucket(Bucket="backups")
reading = ["s3:GetObject", "s3:PutObject", "s3:ListBucket", "s3:GetBucketLocation"]
for name, actions in (("all", ["s3:*"]), ("keeper", reading)):
    iam.create_user(UserName=name)
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    policy = iam.create_policy(PolicyName=name, PolicyDocument=document)["Policy"]["Arn"]
    iam.attach_user_policy(UserName=name, PolicyArn=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    keys[name] = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"],
                  "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
print(json.dumps(keys))
"""

_FROM_NOW_ON = """
import sys, urllib.request
its = {"Content-Type": "text/plain"}
urllib.request.urlopen(urllib.request.Request(f"{sys.argv[1]}/moto-api/reset-auth", b"0", its))
"""
_MOTO = "moto[server,s3,iam]>=5.2.5"
"""5.2.1 finds restic's signatures of queries wrong."""


@contextmanager
def moto(folder: Path, address: str = "127.0.0.1") -> Iterator[tuple[str, Keys]]:
    """Serve S3 that looks at signatures and policies; yield its address, and two logins."""
    python, server = (f"{folder}/venv/bin/{name}" for name in ("python", "moto_server"))
    subprocess.run([sys.executable, "-m", "venv", "venv"], cwd=folder, check=True)
    subprocess.run([python, "-m", "pip", "install", "-q", _MOTO], check=True, capture_output=True)
    process = subprocess.Popen(
        [server, "-H", address, "-p", "0"], stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        line = next(line for line in process.stderr if "Running on http" in line)
        threading.Thread(target=process.stderr.read, daemon=True).start()
        url = line.split()[-1].rstrip("/")
        keys = json.loads(run([python, "-c", _IAM, url], env={}))
        run([python, "-c", _FROM_NOW_ON, url], env={})
        yield f"s3:{url}/backups/night", keys
    finally:
        process.terminate()
        process.wait(30)
