"""Runs certbot, and knows its version, its arguments and its accounts."""

import importlib.metadata
import os
import re
import shutil
import subprocess
from urllib.parse import urlparse

from acme_common import STATE, read, write

WEBROOT = "/var/www/acme"
WORK = "/tmp/certbot"


def version():
    return tuple(int(part) for part in re.findall(r"\d+", importlib.metadata.version("certbot"))[:2])


def arguments(request, force):
    """All of them every time: certbot then needs none of its own memory, which may have been deleted."""
    args = ["certonly", "--webroot", "--webroot-path", WEBROOT, "--cert-name", "garden-" + request["id"]]
    args += ["--server", request["server"], "--key-type", request["keyType"], "--agree-tos", "--no-eff-email"]
    args += ["--email", request["email"]] if request["email"] else ["--register-unsafely-without-email"]
    for domain in request["domains"]:
        args += ["--domain", domain]
    if request["address"]:
        args += ["--ip-address", request["address"]]
    if request["profile"]:
        args += ["--preferred-profile", request["profile"]]
    account = accounts(request["server"])
    if len(account) > 1:
        args += ["--account", account[0]]
    return [*args, "--force-renewal" if force else "--keep-until-expiring"]


def accounts(server):
    """Newest first. Two are there if a run was killed while it registered; certbot would ask which."""
    url = urlparse(server)
    folder = os.path.join(STATE, "accounts", url.netloc, *url.path.strip("/").split("/"))
    try:
        found = [entry.path for entry in os.scandir(folder) if os.path.exists(entry.path + "/private_key.json")]
    except OSError:
        return []
    return [os.path.basename(path) for path in sorted(found, key=os.path.getmtime, reverse=True)]


def forget_accounts(server):
    """The server no longer knows them, so certbot has to register anew."""
    url = urlparse(server)
    shutil.rmtree(os.path.join(STATE, "accounts", url.netloc, *url.path.strip("/").split("/")), ignore_errors=True)


def certbot(request, args):
    """(exit code, output, log) of certbot. Its log holds the server's answers with their headers, and no keys."""
    shutil.rmtree(WORK, ignore_errors=True)
    os.makedirs(WORK, mode=0o700)
    env = {**os.environ, "LC_ALL": "C.UTF-8", "PYTHONWARNINGS": "ignore"}
    if request["authority"]:
        import requests.certs

        write(WORK + "/authorities.pem", read(requests.certs.where()) + "\n" + request["authority"], 0o644)
        env["REQUESTS_CA_BUNDLE"] = WORK + "/authorities.pem"
    folders = ["--config-dir", STATE, "--work-dir", WORK + "/work", "--logs-dir", WORK + "/log"]
    command = ["certbot", *args, "--non-interactive", *folders]
    try:
        done = subprocess.run(
            command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=900
        )
        code, output = done.returncode, done.stdout.decode(errors="replace")
    except subprocess.TimeoutExpired:
        code, output = 1, "requests.exceptions.Timeout: certbot was not done after 15 minutes"
    log = read(WORK + "/log/letsencrypt.log")
    shutil.rmtree(WORK, ignore_errors=True)
    return code, output, log
