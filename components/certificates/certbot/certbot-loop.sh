#!/bin/sh
# The certbot container's first process: a round of renewal, then sleep for as long as the round says. Between rounds
# nothing but a sleeping shell is in memory. It starts itself anew each time, so a newer script takes effect by itself.
# USR1 ends the sleep: `pulumi up` got a certificate, of which the loop did not know.
set -u
# A shell obeys a signal only while it waits for something in the background.
trap 'kill "$child" 2>/dev/null; exit 0' TERM INT
trap ':' USR1

python3 /garden/certbot-issue loop >/tmp/seconds &
child=$!
while kill -0 "$child" 2>/dev/null; do wait "$child"; done
seconds=$(cat /tmp/seconds)
case $seconds in
"" | *[!0-9]*) seconds=600 ;;
esac
sleep "$seconds" &
child=$!
trap 'kill "$child" 2>/dev/null' USR1
wait "$child"
exec /bin/sh /garden/certbot-loop
