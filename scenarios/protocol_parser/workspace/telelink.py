"""The telemetry link: see PROTOCOL.md."""

FLAG = 0x7E
ESCAPE = 0x7D
MAX_FRAME = 512


class Decoder:
    """Turns what comes from the line into events."""

    def feed(self, data):
        """Take the next bytes; return the list of events they complete."""
        raise NotImplementedError

    def finish(self):
        """The line is closed: return the events that are due then, and be as new."""
        raise NotImplementedError


def encode(kind, seq, payload, size=256):
    """Return the bytes that send a message."""
    raise NotImplementedError
