"""What is compared, and what is kept in mind between two confirmations."""

from __future__ import annotations

import math
import time

import pytest

from sioemit._sent import MAX_NAMESPACES, MAX_ROOMS, Outcome, Sent, Span
from sioemit._state import Node, State, interrupted, subscribers

# The first event was sent ten seconds ago, by a clock that is a minute ahead of that of Redis.
SEEN = time.monotonic()
SINCE = SEEN - 10
CLOCK = math.floor(time.time()) - 60 + 0.9
OLD = 1  # when a link was made, in milliseconds
NEW = int(CLOCK * 1000)


def at(servers: int, ages: dict[str, int], *, is_master: bool = True, link: int = OLD, slots: str = "") -> State:
    return State({"a": Node(is_master, ages, {"b": link}, slots, CLOCK, SEEN)}, servers)


BOTH = at(2, {"a": 100, "b": 100})
ONE = at(1, {"a": 100})
REPLICA = at(2, {"a": 100, "b": 100}, is_master=False)


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        pytest.param(BOTH, BOTH, "", id="nothing has changed"),
        pytest.param(BOTH, at(3, {"a": 100, "b": 100, "c": 1}), "", id="one more"),
        pytest.param(BOTH, ONE, "a subscriber's connection to Redis was cut", id="one has gone"),
        pytest.param(BOTH, at(2, {"a": 100, "c": 1}), "a subscriber's connection to Redis was cut", id="one was replaced"),
        pytest.param(BOTH, at(2, {"c": 1, "d": 1}), "2 subscribers", id="both were replaced"),
        pytest.param(BOTH, at(2, {"a": 100, "c": 12}), "", id="one was replaced before the first event"),
        pytest.param(BOTH, at(2, {"a": 100, "c": 10}), "cut", id="one was replaced in the second of the first event"),
        pytest.param(BOTH, at(1, {"c": 12}), "2 subscribers", id="one was replaced before, and one is away"),
        pytest.param(at(0, {"a": 100, "b": 100}), at(2, {"a": 100, "c": 12}), "cut", id="the same, and nobody has counted"),
        pytest.param(at(2, {"a": 100, "b": 100, "c": 100}), BOTH, "", id="somebody who was none of them has gone"),
        pytest.param(BOTH, State({"b": BOTH.nodes["a"]}), "started again", id="another Redis"),
        pytest.param(BOTH, at(2, {"a": 100, "b": 100}, slots="0-16383 x"), "a slot of the Redis Cluster was moved", id="slot"),
        pytest.param(BOTH, REPLICA, "no longer a master", id="no master any more"),
        pytest.param(REPLICA, BOTH, "has become a master", id="a new master"),
        pytest.param(BOTH, at(2, {"a": 100, "b": 100}, link=NEW), "bus was cut", id="a link was cut"),
        pytest.param(REPLICA, at(2, {"a": 100, "b": 100}, is_master=False, link=NEW), "", id="a link of a replica was cut"),
        pytest.param(None, BOTH, "", id="first, and all were there before"),
        pytest.param(None, at(2, {"a": 100, "b": 5}), "at about the time", id="first, and one was not"),
        pytest.param(None, at(2, {"a": 100, "b": 10}), "at about the time", id="first, and one may not have been"),
        pytest.param(None, at(2, {"a": 100, "b": 12}), "", id="first, and one was there just before"),
        pytest.param(None, at(2, {"a": 100}, link=NEW - 9000), "bus was made", id="first, and a link is new"),
        pytest.param(None, at(2, {"a": 100}, link=NEW - 11000), "", id="first, and a link is old enough"),
    ],
)  # fmt: skip
def test_interrupted(before: State | None, after: State, why: str) -> None:
    said = interrupted(before, after, SINCE, missed=False)
    assert why in said
    assert bool(said) == bool(why)


def test_nothing_that_was_sent_is_lost() -> None:
    assert interrupted(None, at(2, {"a": 0}), None, missed=False) == ""


def test_a_server_that_was_cut_off() -> None:
    assert "was cut off" in interrupted(ONE, at(2, {"a": 100, "b": 1}), SINCE, missed=True)
    assert interrupted(ONE, at(2, {"a": 100, "b": 12}), SINCE, missed=True) == ""
    assert interrupted(ONE, ONE, SINCE, missed=True) == "", "it is still away"


@pytest.mark.parametrize(
    ("last", "cut", "servers", "missed"),
    [
        pytest.param(Outcome(), True, 1, 0, id="nobody has looked before"),
        pytest.param(Outcome(BOTH), False, 2, 0, id="all is well"),
        pytest.param(Outcome(BOTH), False, 1, 0, id="one has ended"),
        pytest.param(Outcome(BOTH), True, 1, 2, id="one was cut off"),
        pytest.param(Outcome(BOTH), True, 2, 2, id="one was cut off behind its answer"),
        pytest.param(Outcome(at(0, {"a": 1, "b": 1})), True, 1, 2, id="one was cut off before anybody counted"),
        pytest.param(Outcome(ONE, missed=2), False, 1, 2, id="it is still away"),
        pytest.param(Outcome(missed=2), True, 1, 2, id="nobody could look"),
        pytest.param(Outcome(ONE, missed=2), True, 1, 2, id="the other one is cut off, too"),
        pytest.param(Outcome(ONE, missed=2), False, 2, 0, id="both are back"),
    ],
)
def test_missed(last: Outcome, cut: bool, servers: int, missed: int) -> None:  # noqa: FBT001 - of the table
    assert last.missed_now(servers, interrupted=cut) == missed


LIST = """\
id=3 addr=127.0.0.1:4 laddr=127.0.0.1:6379 fd=8 name= age=7 idle=0 flags=P db=0 sub=2 psub=1 ssub=0 multi=-1 cmd=psubscribe user=default lib-name=node-redis lib-ver=5.0.0
id=4 addr=127.0.0.1:5 laddr=127.0.0.1:6379 fd=9 name= age=8 idle=0 flags=P db=0 sub=0 psub=0 ssub=2 multi=-1 cmd=ssubscribe
id=5 addr=127.0.0.1:6 laddr=127.0.0.1:6379 fd=9 name= age=9 idle=0 flags=P db=0 sub=0 psub=0 ssub=1 multi=-1 cmd=ssubscribe lib-name=ioredis
id=6 addr=127.0.0.1:7 laddr=127.0.0.1:6379 fd=9 name= age=9 idle=0 flags=P db=0 sub=2 psub=1 ssub=2 multi=-1 cmd=ssubscribe lib-name=go-redis(,go1.26)
id=8 addr=127.0.0.1:7 laddr=127.0.0.1:6379 fd=9 name= age=9 idle=0 flags=P db=0 sub=2 psub=1 ssub=2 multi=-1 cmd=ssubscribe lib-name=redis-py
id=9 addr=127.0.0.1:9 laddr=127.0.0.1:6379 fd=9 name=sioemit-replies age=9 idle=0 flags=P db=0 sub=2 psub=1 ssub=2 multi=-1 cmd=ssubscribe lib-name=node-redis
id=7 addr=127.0.0.1:8 fd=9 name=no\\ name age=10 idle=0 flags=P db=0 sub=2 psub=3 multi=-1 cmd=psubscribe
"""


@pytest.mark.parametrize(
    ("counted", "cluster", "ages"),
    [("psub", False, [7, 10]), ("ssub", False, [8]), ("ssub", True, [8, 9])],
)
def test_subscribers(counted: str, cluster: bool, ages: list[int]) -> None:  # noqa: FBT001 - of the table
    assert list(subscribers(LIST, counted, is_cluster=cluster).values()) == ages


def test_what_a_list_of_clients_may_say() -> None:
    listed = "txt:id=1 addr=a laddr=b psub=1 age=-3\nid=2 psub=1\n\nage=5 psub=x\n=\nid=3 psub=1 age=\u00b2\n"
    assert subscribers(listed, "psub", is_cluster=False) == {"1 a b": 0, "2  ": 0, "3  ": 0}


def test_entries_come_in_any_order() -> None:
    sent = Sent()
    for entries in (["10-1", "9-5"], ["10-0"], ["10-10", "10-9"]):
        sent.note_entries("/", entries)
    assert sent.begin("/").entries == Span("9-5", "10-10")


def test_sent_while_a_confirmation_goes_on() -> None:
    """Neither that one nor the next one may say that it has arrived, where a connection was found cut."""
    sent = Sent()
    sent.note("/", sent.since("/"))
    began = sent.since("/")
    window = sent.begin("/")
    sent.end(window, Outcome(State(), "cut", time.monotonic()))
    sent.note("/", began)  # Redis answers only now
    window = sent.begin("/")
    assert (window.doubt, window.since) == ("cut", began)
    sent.end(window, Outcome(State(), "", time.monotonic()))

    sent.note("/", sent.since("/"))
    window = sent.begin("/")
    assert window.since is not None
    assert window.doubt == ""
    sent.end(window, Outcome(State(), "cut", time.monotonic()))
    window = sent.begin("/")
    assert (window.doubt, window.since) == ("", None), "nothing was sent"


def test_what_is_not_confirmed_is_asked_about_again() -> None:
    sent = Sent()
    first = sent.since("/")
    sent.note("/", first)
    sent.note("/x", first)
    sent.note_channel("/", "room")
    sent.note_entries("/", ["1-1"])
    sent.note_lost(["/"], "why")
    window = sent.begin("/")
    sent.note("/", first + 1)
    sent.note_entries("/", ["2-1"])
    sent.restore(window)
    window = sent.begin("/")
    assert window.since == first
    assert window.channels == {"room"}
    assert window.entries == Span("1-1", "2-1")
    assert window.doubt == "why"
    sent.note_entries("/", ["3-1"])
    sent.end(window, Outcome(State(), "", time.monotonic()))
    window = sent.begin("/")
    assert (window.since, window.entries, window.channels, window.doubt) == (None, Span("2-1", "3-1"), frozenset(), "")
    assert sent.begin("/x").since == first, "another namespace is another matter"


def test_an_earlier_event_that_is_noted_later() -> None:
    sent = Sent()
    early = sent.since("/")
    sent.note("/", early + 1)
    sent.note("/", early)
    sent.note("/", early + 2)
    assert sent.begin("/").since == early


def test_too_many_rooms() -> None:
    sent = Sent()
    for _ in range(2):
        for n in range(MAX_ROOMS):
            sent.note_channel("/", str(n))
    window = sent.begin("/")
    assert window.doubt == ""
    sent.restore(window)
    sent.note_channel("/", "one more")
    assert sent.begin("/x").doubt == "", "another namespace is another matter"
    assert "kept in mind" in sent.begin("/").doubt


def test_too_many_namespaces() -> None:
    sent = Sent()
    for n in range(MAX_NAMESPACES):
        sent.note_entries(str(n), ["1-1"])
    assert sent.begin("/").doubt == ""
    sent.note_entries("/", ["1-1"])
    assert "kept in mind" in sent.begin("/").doubt
    assert sent.begin("1").doubt == ""

    # Outcomes make place.
    sent = Sent()
    for n in range(MAX_NAMESPACES + 1):
        sent.end(sent.begin(str(n)), Outcome(State()))
    assert sent.begin(str(MAX_NAMESPACES)).last.state is not None
    assert sent.begin("1").last.state is None


def test_the_first_event_of_too_many_namespaces() -> None:
    sent = Sent()
    for n in range(MAX_NAMESPACES):
        sent.note(str(n), 100.0)
    for since in (7.0, 5.0, 6.0):
        sent.note("/", since)
    assert len(sent.first) == MAX_NAMESPACES
    assert sent.begin("/").since == 5.0
    assert sent.begin("1").since == 100.0
