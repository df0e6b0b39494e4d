"""What can be wrong with a call."""

from __future__ import annotations

from typing import Any, Literal

Reason = Literal[
    "adapter-option",
    "binary-in-json",
    "closed",
    "empty-event",
    "empty-room",
    "except-room",
    "incomplete",
    "invalid-text",
    "maybe-asked",
    "needs-version-4",
    "no-counterpart",
    "no-servers",
    "pipeline-ended",
    "pipelined",
    "reserved-event",
    "server-version",
    "subscription",
    "targeted",
    "timeout",
    "too-deep",
    "unconfirmed",
    "unencodable",
    "unread-stream",
]


class SioemitError(ValueError):
    """A call that was refused, before anything was sent.

    A question to the servers, such as emit_with_ack, may have been sent where the reason is "incomplete",
    "subscription", "maybe-asked", "unconfirmed" or "closed". Errors of Redis are those of redis-py, as they are.
    """

    reason: Reason

    def __init__(self, reason: Reason, message: str) -> None:
        """Keep the reason, for programs, beside the message, for people."""
        super().__init__(message)
        self.reason = reason

    def __reduce__(self) -> tuple[Any, ...]:
        """Let the error travel between processes, as Celery has it do."""
        return type(self), (self.reason, str(self))


class IncompleteError(SioemitError):
    """A question that did not get all its answers in time."""

    call: str
    """The name of the method."""
    servers: int
    """Servers that answered."""
    asked: int
    """Servers that were asked."""
    clients: int
    """Clients that acknowledged; of emit_with_ack only."""
    expected: int
    """Clients that servers expect to acknowledge; of emit_with_ack only."""
    unread: int
    """Answers that could not be read."""
    needs: str
    """What a server needs to answer this call, where none did: the likely reason."""
    partial: Any
    """What came, in the type of the call."""

    def __init__(  # noqa: PLR0913, PLR0917 - one for each field, as pickle has it
        self,
        call: str,
        servers: int,
        asked: int,
        clients: int,
        expected: int,
        unread: int,
        needs: str,
        partial: Any,
    ) -> None:
        """Say what is missing."""
        text = f"{call}: {servers} of {asked} servers answered"
        if expected:
            text += f", and {clients} of {expected} clients"
        if unread:
            text += f"; {unread} more could not be read"
        if needs:
            text += f"; servers answer it with {needs}"
        super().__init__("incomplete", text)
        self.call, self.servers, self.asked, self.clients = call, servers, asked, clients
        self.expected, self.unread, self.needs, self.partial = expected, unread, needs, partial

    def __reduce__(self) -> tuple[Any, ...]:
        """Let the error travel between processes."""
        counts = (self.call, self.servers, self.asked, self.clients, self.expected, self.unread)
        return type(self), (*counts, self.needs, self.partial), {"args": self.args}


class UnconfirmedError(SioemitError):
    """All servers have answered a confirm(), and it is not certain all the same that they have taken everything.

    A server's connection to Redis was cut, and may have come back without what was on its way; a Redis, or a link
    between two, was replaced; a stream was trimmed before it was read; or Redis does not let this user look. The next
    confirm() begins anew.
    """

    servers: int
    """Servers that answered."""
    why: str
    """What may have been lost."""

    def __init__(self, servers: int, why: str) -> None:
        """Say why."""
        super().__init__("unconfirmed", f"confirm: whether the servers have taken everything cannot be known: {why}")
        self.servers, self.why = servers, why

    def __reduce__(self) -> tuple[Any, ...]:
        """Let the error travel between processes."""
        return type(self), (self.servers, self.why)


def valid_text(text: str, what: str) -> str:
    """Return text that a server can have as a name. Raises SioemitError, and TypeError for what is no text."""
    if not isinstance(text, str):
        message = f"the {what} is a str, not {type(text).__name__}"
        raise TypeError(message)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise SioemitError(
            "invalid-text", f"{what} {text!r}: it is not valid Unicode, so no server can have it"
        ) from None
    return str.__str__(text)
