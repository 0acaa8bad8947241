"""Tells from what certbot printed and logged why there is no certificate, and how long the CA wants to be left alone."""

import datetime
import email.utils
import re
import time
from urllib.parse import urlparse

from acme_common import DAY, HOUR

NETWORK = re.compile(
    r"ConnectionError|Timeout|timed out|Max retries exceeded|Connection (refused|aborted|reset)|RemoteDisconnected"
    r"|Name or service not known|Temporary failure in name resolution|No route to host|Network is unreachable"
)
NOISE = re.compile(
    r"^(Saving debug log|Account registered|Requesting a|Renewing an|Ask for help|An unexpected error|Certbot failed to"
    r"|Some challenges|Hint:|Simulating|Plugins selected|Processing|- - -|Please see|The error was|Unable to register)"
)


def explain(server, output, log):
    """(kind, reason, seconds to wait) of a failure: failed, unreachable or limited."""
    host = urlparse(server).netloc
    problems = re.findall(r"(?:Domain|Identifier): *(\S+)\n *Type: *(\S+)\n *Detail: *(.+)", output)
    if problems:
        return "failed", "; ".join(f"{name}: {detail.strip()} ({kind})" for name, kind, detail in problems), 0
    answers = re.findall(r"Received response:\nHTTP (\d+)\n(.*?)\n\n(.*?)(?=\n\d{4}-\d\d-\d\d |\Z)", log, re.S)
    status, headers, body = answers[-1] if answers else ("0", "", "")
    detail = re.search(r'"detail": *"((?:[^"\\]|\\.)*)"', body)
    if status == "429" or "error:rateLimited" in output:
        said = f" ({detail.group(1)})" if detail else ""
        return "limited", f"{host} refuses more requests for now{said}", wait_from(headers, body)
    if "CERTIFICATE_VERIFY_FAILED" in output + log:
        advice = "give its CA as certificate.authority, in PEM"
        return "unreachable", f"{host} has a certificate that this host does not trust; if it is yours, {advice}", 0
    if status.startswith("5"):
        return "unreachable", f"{host} answers with HTTP {status}", min(wait_from(headers, body, 0), HOUR)
    lines = [line.strip() for line in output.splitlines() if line.strip() and not NOISE.match(line.strip())]
    reason = " ".join(lines)[:400] or "certbot gave no reason"
    if NETWORK.search(output):
        return "unreachable", f"{host} cannot be reached ({network_reason(output)})", 0
    return "failed", reason, 0


def network_reason(output):
    known = re.search(
        r"Connection refused|Name or service not known|Temporary failure in name resolution|timed out|No route to host"
        r"|Network is unreachable|Connection reset by peer|closed connection without response|not done after 15 minutes",
        output,
    )
    return known.group(0) if known else "no connection"


def wait_from(headers, body, wait=HOUR):
    """Seconds, from Retry-After (seconds or a date) or Let's Encrypt's text; `wait` if the server names no time."""
    header = re.search(r"^retry-after: *(.+)$", headers, re.I | re.M)
    text = re.search(r"retry after (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC", body)
    if header and header.group(1).strip().isdigit():
        wait = int(header.group(1))
    elif header and email.utils.parsedate(header.group(1)):
        wait = email.utils.parsedate_to_datetime(header.group(1)).timestamp() - time.time()
    elif text:
        at = datetime.datetime.strptime(text.group(1) + " +0000", "%Y-%m-%d %H:%M:%S %z")
        wait = at.timestamp() - time.time()
    return min(max(wait, 0), 7 * DAY)
