"""A connection on which servers answer, without its input and output: those are of threads, or of asyncio."""

from __future__ import annotations

import copy
import re
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, Generic, Protocol, TypeVar

from ._answers import ids, new_id
from ._errors import SioemitError

# How long a connection may be without answers before it is pinged, and how long the pong may take before new questions
# take another connection: it may be dead, which TCP finds out after minutes if at all, or only slow.
SILENCE = 3.0

# How long it may keep silent altogether. The pong comes behind an answer that is on its way, and that may be large, and
# the network slow. Redis cuts off a subscriber for which more than 8 MB have been waiting for a minute.
PATIENCE = 60.0

# Calls that always overlap would keep the channels of every namespace ever asked.
MAX_CHANNELS = 1000

# How often a shard channel is followed to the node of a Redis Cluster that Redis names.
MAX_MOVES = 5

# Where a node is. Without a host, where the node is that says so.
Address = tuple[str, int]

# Of Redis itself: a larger one it does not send.
MAX_BULK = 512 << 20
MAX_LINE = 64 << 10


class Signal(Protocol):
    """What a wait is woken by: threading.Event or asyncio.Event."""

    def set(self) -> Any:
        """Wake it."""

    def clear(self) -> Any:
        """Let it sleep."""


Changed = TypeVar("Changed", bound=Signal)


class Wait(Generic[Changed]):
    """One question that waits for answers."""

    __slots__ = ("_channels", "_payloads", "changed", "id", "subscription")

    def __init__(self, subscription: Subscription, channels: tuple[bytes, ...], changed: Changed) -> None:
        """Wait for nothing yet; changed is set when there is something to look at."""
        self.subscription = subscription
        self.id = new_id()
        self.changed = changed
        self._channels = channels
        self._payloads: deque[bytes] = deque()

    @property
    def subscribed(self) -> bool:
        """Whether Redis has confirmed the channels, so that no answer is missed."""
        return all(self.subscription.channels.get(channel) for channel in self._channels)

    @property
    def lost(self) -> SioemitError | None:
        """Why there will be no more answers. Each wait has an error of its own, which it may add to."""
        return copy.copy(self.subscription.ended)

    def deliver(self, payload: bytes) -> None:
        """Take what may be an answer."""
        self._payloads.append(payload)
        self.changed.set()

    def answers(self) -> Iterator[bytes]:
        """Return what has come since the last time."""
        while self._payloads:
            yield self._payloads.popleft()


class Subscription:
    """What is known of one connection. Whoever shares it between threads holds a lock."""

    def __init__(self, name: str, *, shard: bool, now: float) -> None:
        """Begin with no channels."""
        self.name = name
        self.channels: dict[bytes, bool] = {}  # and whether Redis has confirmed them
        self.ended: SioemitError | None = None
        self.output = bytearray()  # what is to be written
        self.shard = shard
        self.named: Address | None = None  # where Redis says that the channel is, if not where the client says
        self._moves = 0
        self._moving = False  # to there
        self._outdated = False  # is what the client knows of where channels are
        self._waits: dict[str, Wait[Any]] = {}
        self._input = bytearray()
        self._written: deque[int] = deque()  # of each command, how many confirmations are to come; of PING none
        self._heard = now

    def join(self, channels: tuple[bytes, ...], changed: Changed) -> Wait[Changed]:
        """Begin to wait for answers on channels."""
        wait = Wait(self, channels, changed)
        self._waits[wait.id] = wait
        missing = [channel for channel in channels if channel not in self.channels]
        if missing:
            self.channels.update(dict.fromkeys(missing, False))
            self._subscribe(missing)
        return wait

    def renew(self, wait: Wait[Any]) -> None:
        """Make a wait one for the answers to another question."""
        del self._waits[wait.id]
        wait.id = new_id()
        self._waits[wait.id] = wait

    def leave(self, wait: Wait[Any]) -> bool:
        """End a wait, and tell whether it was the last one."""
        self._waits.pop(wait.id, None)
        return not self._waits

    def joinable(self, now: float) -> bool:
        """Whether another wait may rely on it."""
        unsure = self._written and now - self._heard >= 2 * SILENCE
        return self.ended is None and not unsure and len(self.channels) < MAX_CHANNELS

    def end(self, error: SioemitError) -> None:
        """Tell all waits that there will be no more answers."""
        if self.ended is None:
            self.ended = error
            for wait in self._waits.values():
                wait.changed.set()

    def lose(self, why: object) -> None:
        """Tell all waits what has become of the connection."""
        self.end(SioemitError("subscription", f"the subscription for replies was lost{self.place}: {why}"))

    @property
    def place(self) -> str:
        """Where it is, for errors, if Redis has named the node: it may be an address that leads nowhere from here."""
        return "" if self.named is None else " at {}:{}, where Redis says that its channel is".format(*self.named)

    @property
    def serving(self) -> bool:
        """Whether the connection that is open is the right one."""
        return self.ended is None and not self._moving

    def take_outdated(self) -> bool:
        """Tell one of those who ask whether the client has to look where channels are."""
        outdated, self._outdated = self._outdated, False
        return outdated

    def opened(self, now: float) -> None:
        """Note that Redis is there."""
        self._input.clear()
        self._moving = False
        self._heard = now

    def look(self, now: float) -> float:
        """Ping, or give up, when it has been silent for long. Returns in how many seconds to look again."""
        silent = now - self._heard
        if silent >= PATIENCE:
            self.lose(f"it has not answered for {PATIENCE:.0f} seconds")
        elif silent >= SILENCE and not self._written:
            self._write(b"PING")
            self._written.append(0)
        return max(SILENCE - silent, 0.1) if silent < SILENCE else SILENCE

    def feed(self, data: bytes, now: float) -> None:
        """Take what Redis has sent; nothing means that it has closed the connection."""
        if not data:
            self.lose("Redis closed its connection")
        self._input += data
        self._heard = now
        try:
            for message in _messages(self._input):
                if not self.serving:
                    return
                self._take(message)
        except ValueError:
            self.lose("what came on it is no answer of Redis")

    def _subscribe(self, channels: Iterable[bytes]) -> None:
        words = tuple(channels)
        self._write(b"SSUBSCRIBE" if self.shard else b"SUBSCRIBE", *words)
        self._written.append(len(words))

    def _write(self, *words: bytes) -> None:
        self.output += b"*%d\r\n" % len(words)
        for word in words:
            self.output += b"$%d\r\n%b\r\n" % (len(word), word)

    def _take(self, message: list[bytes | int] | str) -> None:
        if isinstance(message, str):
            # Any answer to a ping proves that the connection lives, such as that the user may not PING.
            if message.startswith("-") and (not self._written or self._written[0]):
                self._outdated |= message.startswith(("-MOVED ", "-CLUSTERDOWN "))
                if not self._follow(message):
                    self.lose(f"Redis refused it: {message[1:]}")
            elif self._written and not self._written[0]:
                self._written.popleft()
            return
        kind = message[0]
        if kind in (b"message", b"smessage") and len(message) == 3 and isinstance(message[2], bytes):
            for request in ids(message[2]):
                wait = self._waits.get(request)
                if wait is not None:
                    wait.deliver(message[2])
        elif kind in (b"subscribe", b"ssubscribe") and len(message) == 3 and isinstance(message[1], bytes):
            self._confirm(message[1])
        elif kind == b"pong":
            if self._written and not self._written[0]:
                self._written.popleft()
        else:
            # Redis ends the subscription to a shard channel whose slot has moved to another node.
            self._outdated |= kind == b"sunsubscribe"
            self.lose("Redis ended it")

    def _follow(self, refusal: str) -> bool:
        """Subscribe at the node that Redis names, and tell whether it has named one. Nothing has been asked yet."""
        named = re.fullmatch(r"-MOVED \d+ (\S*):(\d+)", refusal)
        # Without a name it has channels of several slots, of which others stay where they are.
        if named is None or not self.name or self._moves == MAX_MOVES:
            return False
        self.named = named[1], int(named[2])
        self._moves += 1
        self._moving = True
        self._written.clear()
        self.output.clear()
        self._subscribe(self.channels)
        return True

    def _confirm(self, channel: bytes) -> None:
        if self._written and self._written[0]:
            self._written[0] -= 1
            if not self._written[0]:
                self._written.popleft()
        if channel in self.channels:
            self.channels[channel] = True
            for wait in self._waits.values():
                wait.changed.set()


def closed() -> SioemitError:
    """Return the error of waits whose emitter has been closed."""
    return SioemitError("closed", "the emitter has been closed")


def _messages(data: bytearray) -> Iterable[list[bytes | int] | str]:
    """Take messages of RESP 2 off the front of what has come. Raises ValueError for what is none.

    It is read here, because clients give up in the middle of a message when their timeout passes.
    """
    at = 0
    try:
        while True:
            message, at = _message(data, at)
            yield message
    except _TooEarly:
        pass
    finally:
        del data[:at]


class _TooEarly(Exception):  # noqa: N818 - it is no error
    """The rest is still to come."""


def _message(data: bytearray, at: int) -> tuple[list[bytes | int] | str, int]:
    line, at = _line(data, at)
    if line[:1] in (b"-", b"+"):
        return line.decode("utf-8", "replace"), at
    if line[:1] != b"*":
        raise ValueError
    message: list[bytes | int] = []
    for _ in range(int(line[1:])):
        line, at = _line(data, at)
        size = int(line[1:])
        if line[:1] == b":":
            message.append(size)
            continue
        if line[:1] != b"$" or not -1 <= size <= MAX_BULK:
            raise ValueError
        end = at + max(size, 0)
        if size >= 0 and len(data) < end + 2:
            raise _TooEarly
        message.append(bytes(data[at:end]))
        at = end + 2 if size >= 0 else at
    if not message:
        raise ValueError
    return message, at


def _line(data: bytearray, at: int) -> tuple[bytes, int]:
    end = data.find(b"\r\n", at, at + MAX_LINE)
    if end < 0:
        if len(data) - at >= MAX_LINE:
            raise ValueError
        raise _TooEarly
    return bytes(data[at:end]), end + 2
