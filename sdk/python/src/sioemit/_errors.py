"""What can be wrong with a call, found before anything is sent."""

from __future__ import annotations

from typing import Literal

Reason = Literal[
    "adapter-option",
    "binary-in-json",
    "empty-event",
    "empty-room",
    "except-room",
    "invalid-text",
    "needs-version-4",
    "no-counterpart",
    "pipeline-ended",
    "reserved-event",
    "server-version",
    "targeted",
    "too-deep",
    "unencodable",
    "unread-stream",
]


class SioemitError(ValueError):
    """A call that was refused. Nothing has been sent.

    Errors of Redis are those of redis-py, as they are.
    """

    reason: Reason

    def __init__(self, reason: Reason, message: str) -> None:
        """Keep the reason, for programs, beside the message, for people."""
        super().__init__(message)
        self.reason = reason

    def __reduce__(self) -> tuple[type[SioemitError], tuple[Reason, str]]:
        """Let the error travel between processes, as Celery has it do."""
        return type(self), (self.reason, str(self))


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
