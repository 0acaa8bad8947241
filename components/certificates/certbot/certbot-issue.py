"""The garden's certificate from an ACME server; runs in the certbot container, with its Python and its certbot.

usage: certbot-issue now       pulumi up asks: may use a try even while the loop holds back
       certbot-issue loop      the loop's round; prints the seconds until the next
       certbot-issue due       prints whether a certificate must be asked for: {"due", "reason"}
       certbot-issue resolve NAME   prints what DNS says, without the host's /etc/hosts: {"v4", "v6", "error"}

`now` prints {"result", "message"}: issued, kept, failed (a try was used), unreachable (none was), limited (the
CA was not asked).
Progress goes to standard error, keys go nowhere but into their files.
"""

import json
import os
import signal
import socket
import sys
import time

from acme_certificate import Certificate
from acme_common import CERTIFICATES, MINUTE, read, say
from acme_round import REQUEST, Round


def loop():
    """Prints the seconds until the next round."""
    age = time.time() - os.stat(REQUEST).st_mtime if os.path.exists(REQUEST) else None
    if age is None:
        print(60)
        return
    round = Round("loop")
    # A new request is the business of `pulumi up`, which checks DNS and port 80 first.
    served = read(f"{CERTIFICATES}/{round.request['id']}/current/source")
    first = served != "issued\n" and not Certificate(round.live).usable
    if first and 0 <= age < 10 * MINUTE and not round.journal.own.get("last"):
        print(int(10 * MINUTE - age) + 1)
        return
    result, message = round.run()
    if message:
        say(f"no certificate: {message}")
    print(round.seconds)


def wake_loop():
    """It may be asleep for longer than the new certificate lives."""
    try:
        with open("/proc/1/cmdline", "rb") as file:
            if b"certbot-loop" in file.read():
                os.kill(1, signal.SIGUSR1)
    except OSError:
        pass


def resolve(name):
    found = {"v4": [], "v6": [], "error": None}
    try:
        for family, _, _, _, address in socket.getaddrinfo(name, 80, type=socket.SOCK_STREAM):
            found["v4" if family == socket.AF_INET else "v6"].append(address[0])
    except socket.gaierror as error:
        found["error"] = error.strerror
    return found


def main(mode, *rest):
    if mode == "resolve":
        print(json.dumps(resolve(*rest)))
    elif mode == "loop":
        loop()
    elif mode == "due":
        reason = Round("due").due(time.time())
        print(json.dumps({"due": bool(reason), "reason": reason}))
    elif mode == "now":
        result, message = Round("now").run()
        wake_loop()
        print(json.dumps({"result": result, "message": message}))
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main(*(sys.argv[1:] or [""]))
