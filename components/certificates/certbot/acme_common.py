"""What the parts of certbot-issue share: folders of the container, units of time, files and locks."""

import datetime
import fcntl
import os
import sys

STATE = "/etc/letsencrypt"
OWN = STATE + "/garden"
CERTIFICATES = "/certificates"

MINUTE, HOUR, DAY = 60, 3600, 86400


def say(text):
    print(text, file=sys.stderr, flush=True)


def lock(path):
    """Held until the process ends. The host's script takes the one beside the certificates too, with flock(1)."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("waiting for another run of certbot")
        fcntl.flock(file, fcntl.LOCK_EX)
    return file


def write(path, text, mode):
    """By rename, so that nobody ever reads a half; on the disk before the rename."""
    with open(os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".new", path)


def read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError:
        return ""


def utc(at):
    return datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
