"""What has been sent and is not confirmed yet.

Notes are made when Redis has answered, or may not have: what is still on its way then belongs to no confirmation that
has begun.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from ._state import State

# Bounds of what is kept. Beyond them less can be proven.
MAX_NAMESPACES = 1000
MAX_ROOMS = 1000

TOO_MANY = "events went to more rooms or namespaces than are kept in mind"
BESIDE = "what is for the servers themselves goes beside the stream"
FAILED = "a pipeline failed, and which of its entries Redis has added is not known"


class Span(NamedTuple):
    """The first and the last entry that something has added to a stream; empty where there is none."""

    first: str = ""
    last: str = ""

    @classmethod
    def of(cls, entries: list[str]) -> Span:
        """Return the span of entries, in any order."""
        return cls(min(entries, key=number), max(entries, key=number))


def number(entry: str) -> tuple[int, int]:
    """Return the id of an entry, <milliseconds>-<number>, as what can be compared."""
    left, _, right = entry.partition("-")
    return int(left), int(right or 0)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a confirmation leaves for the next one."""

    state: State | None = None
    """How things were; None where that is not known."""
    doubt: str = ""
    """Why nothing is known of what was sent until then, if anything is."""
    until: float = 0.0
    missed: int = 0
    """How many servers there were before some of them may have been cut off, until as many have answered again.

    One that comes back has not got what was sent while it was away.
    """

    def missed_now(self, servers: int, *, interrupted: bool) -> int:
        """Return what is missed behind the next confirmation, which so many servers have answered.

        With interrupted, some may have been cut off since this one, if only behind their answers.
        """
        if not interrupted:
            return 0 if servers >= self.missed else self.missed
        if self.state is None:
            return self.missed
        # Nobody may have counted servers.
        subscribers = sum(len(node.subscribers) for node in self.state.nodes.values())
        return max(self.missed, self.state.servers or subscribers)


@dataclass(slots=True)
class Window:
    """What a confirmation is about."""

    namespace: str
    since: float | None  # of the first event; None: nothing was sent
    last: Outcome = Outcome()
    channels: frozenset[str] = frozenset()  # of rooms
    entries: Span = Span()  # noqa: RUF009 - it never changes
    lost: str = ""  # why not all is known

    @property
    def doubt(self) -> str:
        """Why nothing can be known, whatever the servers answer."""
        if self.lost:
            return self.lost
        if self.last.doubt and self.since is not None and self.since <= self.last.until:
            return self.last.doubt
        return ""


@dataclass(slots=True)
class _Notes:
    """Of one namespace."""

    last: Outcome = field(default_factory=Outcome)
    channels: set[str] = field(default_factory=set)
    entries: Span = Span()  # noqa: RUF009 - it never changes
    lost: str = ""


_all: weakref.WeakSet[Sent] = weakref.WeakSet()


class Sent:
    """The notes of one emitter, which any thread makes."""

    __slots__ = ("__weakref__", "_elsewhere", "_notes", "_overflowed", "beats", "first", "lock")

    def __init__(self) -> None:
        """Begin with nothing sent."""
        self.lock = threading.RLock()  # a signal handler may emit, too
        # When the first event since the last confirmation was sent, by namespace, and that of all that have no place.
        self.first: dict[str, float] = {}
        self._elsewhere: float | None = None
        self._notes: dict[str, _Notes] = {}
        self._overflowed = False
        self.beats: dict[str, Any] = {}  # of servers that subscribe to nothing, by namespace
        _all.add(self)

    def since(self, namespace: str) -> float:
        """Return a time before what is about to be sent: that of an event before it will do."""
        return self.first.get(namespace) or time.monotonic()

    def note(self, namespace: str, since: float) -> None:
        """Note that something was sent since some time."""
        if self.first.get(namespace) is since:
            return
        with self.lock:
            noted = self.first.get(namespace)
            if noted is not None or len(self.first) < MAX_NAMESPACES:
                self.first[namespace] = since if noted is None else min(since, noted)
            elif self._elsewhere is None or since < self._elsewhere:
                self._elsewhere = since

    def note_channel(self, namespace: str, channel: str) -> None:
        """Note that something was sent on the channel that one room has of its own."""
        with self.lock:
            notes = self._of(namespace)
            if notes is not None and len(notes.channels) >= MAX_ROOMS and channel not in notes.channels:
                notes.lost = TOO_MANY
            elif notes is not None:
                notes.channels.add(channel)

    def note_entries(self, namespace: str, entries: list[str]) -> None:
        """Note that Redis has added entries to the stream of a namespace. Its answers may come in any order."""
        with self.lock:
            notes = self._of(namespace)
            if notes is not None:
                notes.entries = Span.of(entries + [entry for entry in notes.entries if entry])

    def note_lost(self, namespaces: Iterable[str], why: str) -> None:
        """Note that the next confirmation cannot know of something."""
        with self.lock:
            for namespace in namespaces:
                notes = self._of(namespace)
                if notes is not None:
                    notes.lost = why

    def _of(self, namespace: str) -> _Notes | None:
        """Return the notes of a namespace; None when there is no place for them, so that they are lost."""
        notes = self._notes.get(namespace)
        if notes is None and len(self._notes) < MAX_NAMESPACES:
            notes = self._notes[namespace] = _Notes()
        self._overflowed = self._overflowed or notes is None
        return notes

    def begin(self, namespace: str) -> Window:
        """Take what was sent to a namespace so far. What is noted from now on belongs to the next confirmation."""
        with self.lock:
            since = self.first.pop(namespace, None)
            if since is None:
                since = self._elsewhere
            notes = self._notes.get(namespace)
            if notes is None:
                return Window(namespace, since, lost=TOO_MANY if self._overflowed else "")
            window = Window(namespace, since, notes.last, frozenset(notes.channels), notes.entries, notes.lost)
            notes.channels.clear()
            notes.lost = ""
            return window

    def restore(self, window: Window) -> None:
        """Take back what was not confirmed: the next confirmation is about it, too."""
        if window.since is not None:
            self.note(window.namespace, window.since)
        for channel in window.channels:
            self.note_channel(window.namespace, channel)
        if window.lost:
            self.note_lost([window.namespace], window.lost)

    def end(self, window: Window, outcome: Outcome) -> None:
        """End a confirmation: what it was about will not be asked about again."""
        with self.lock:
            if window.namespace not in self._notes and len(self._notes) >= MAX_NAMESPACES:
                # As if nobody had ever asked; what was sent is kept.
                self._notes = {
                    name: replace(of, last=Outcome())
                    for name, of in self._notes.items()
                    if of.channels or of.lost or of.entries.last
                }
            notes = self._of(window.namespace)
            if notes is None:
                return
            notes.last = outcome
            now = notes.entries.last
            notes.entries = Span() if now == window.entries.last else Span(window.entries.last, now)


def _after_fork() -> None:
    # A thread of the parent may hold the lock, and is not here.
    for sent in list(_all):
        sent.lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
