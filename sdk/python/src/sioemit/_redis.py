"""What is the same for both kinds of Redis clients."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from redis.exceptions import RedisError

# Redis repeats the words of a command that it does not know, and AUTH and HELLO may have been renamed.
_ARGUMENTS = re.compile(r"with args beginning with:.*", re.DOTALL)


@contextmanager
def without_secrets() -> Iterator[None]:
    """Let no error of Redis repeat a password."""
    try:
        yield
    except RedisError as err:
        text = str(err)
        clean = _ARGUMENTS.sub("with arguments that are not repeated here", text)
        if clean == text:
            raise
        raise type(err)(clean) from None


def count(reply: Any, channel: str) -> int:
    """Return how many subscribe to a channel, as RESP 2 and 3 put it."""
    pairs = list(reply.items()) if isinstance(reply, dict) else list(reply)
    if pairs and not isinstance(pairs[0], list | tuple):
        pairs = list(zip(pairs[::2], pairs[1::2], strict=True))
    for name, number in pairs:
        if (name.encode() if isinstance(name, str) else name) == channel.encode():
            return int(number)
    return 0
