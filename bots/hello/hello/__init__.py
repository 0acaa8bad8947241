"""hello: greets whoever writes to it, and counts their messages."""
