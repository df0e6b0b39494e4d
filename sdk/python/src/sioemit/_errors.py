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
