// What confirm notes and compares, without Redis.
import assert from "node:assert/strict";
import { performance } from "node:perf_hooks";
import { suite, test } from "node:test";
import { missedBehind } from "../dist/esm/confirm.js";
import { Sent } from "../dist/esm/sent.js";
import { compareIds, withEntry } from "../dist/esm/span.js";
import { interrupted, subscribersIn } from "../dist/esm/state.js";

suite("two states are compared", () => {
  // The first event was sent ten seconds ago, by a clock that is a minute ahead of that of Redis.
  const seen = performance.now();
  const since = seen - 10_000;
  const clock = 1000 * Math.floor(Date.now() / 1000 - 60) + 900;
  const old = 1; // when a link was made
  const node = (ages, { isMaster = true, link = old, slots = "" } = {}) => ({
    isMaster,
    subscribers: new Map(Object.entries(ages)),
    links: new Map([["b", link]]),
    slots,
    clock,
    seen,
  });
  const at = (servers, ages, how) => ({ servers, unseen: undefined, nodes: new Map([["a", node(ages, how)]]) });
  const both = at(2, { a: 100, b: 100 });
  const one = at(1, { a: 100 });
  for (const [name, before, after, why] of [
    ["nothing has changed", both, both, undefined],
    ["one more", both, at(3, { a: 100, b: 100, c: 1 }), undefined],
    ["one has gone", both, one, /a subscriber's connection to Redis was cut/],
    ["one was replaced", both, at(2, { a: 100, c: 1 }), /a subscriber's connection to Redis was cut/],
    ["both were replaced", both, at(2, { c: 1, d: 1 }), /2 subscribers' connections/],
    ["one was replaced before the first event", both, at(2, { a: 100, c: 12 }), undefined],
    ["one was replaced in the second of the first event", both, at(2, { a: 100, c: 10 }), /cut/],
    ["one was replaced before the first event, and one is away", both, at(1, { c: 12 }), /2 subscribers/],
    ["the same when nobody has counted", at(0, { a: 100, b: 100 }), at(2, { a: 100, c: 12 }), /cut/],
    ["somebody who was none of them has gone", at(2, { a: 100, b: 100, c: 100 }), both, undefined],
    ["another Redis", both, { ...both, nodes: new Map([["b", both.nodes.get("a")]]) }, /started again/],
    [
      "a slot was moved",
      both,
      at(2, { a: 100, b: 100 }, { slots: "0-16383 x" }),
      /a slot of the Redis Cluster was moved/,
    ],
    ["no master any more", both, at(2, { a: 100, b: 100 }, { isMaster: false }), /no longer a master/],
    ["a new master", at(2, { a: 100, b: 100 }, { isMaster: false }), both, /has become a master/],
    ["a link was cut", both, at(2, { a: 100, b: 100 }, { link: 2 }), /bus was cut/],
    [
      "a link of a replica was cut",
      at(2, { a: 100 }, { isMaster: false }),
      at(2, { a: 100 }, { isMaster: false, link: 2 }),
      undefined,
    ],
    ["first, and all were there before", undefined, both, undefined],
    ["first, and one was not", undefined, at(2, { a: 100, b: 5 }), /at about the time/],
    ["first, and one may not have been", undefined, at(2, { a: 100, b: 10 }), /at about the time/],
    ["first, and one was there just before", undefined, at(2, { a: 100, b: 12 }), undefined],
    ["first, and a link is new", undefined, at(2, { a: 100 }, { link: clock - 9000 }), /bus was made/],
    ["first, and a link is old enough", undefined, at(2, { a: 100 }, { link: clock - 11_000 }), undefined],
  ]) {
    test(name, () => {
      const got = interrupted(before, after, since, false);
      assert.ok(why === undefined ? got === undefined : why.test(got), got);
    });
  }
  test("nothing was sent", () => {
    assert.equal(interrupted(undefined, at(2, { a: 0 }), undefined, false), undefined);
  });
  test("one was cut off before", () => {
    assert.match(interrupted(one, at(2, { a: 100, b: 1 }), since, true), /was cut off/);
    assert.equal(interrupted(one, at(2, { a: 100, b: 12 }), since, true), undefined);
    assert.equal(interrupted(one, one, since, true), undefined);
  });
});

test("servers that are missed", () => {
  const two = { servers: 0, nodes: new Map([["a", { subscribers: new Map(Object.entries({ x: 0, y: 0 })) }]]) };
  const counted = (servers) => ({ ...two, servers });
  for (const [name, state, missed, isInterrupted, servers, want] of [
    ["nobody has looked before", undefined, 0, true, 1, 0],
    ["all is well", counted(2), 0, false, 2, 0],
    ["one has ended", counted(2), 0, false, 1, 0],
    ["one was cut off", counted(2), 0, true, 1, 2],
    ["one was cut off behind its answer", counted(2), 0, true, 2, 2],
    ["one was cut off before anybody counted", two, 0, true, 1, 2],
    ["it is still away", counted(1), 2, false, 1, 2],
    ["nobody could look", undefined, 2, true, 1, 2],
    ["the other one is cut off, too", counted(1), 2, true, 1, 2],
    ["both are back", counted(1), 2, false, 2, 0],
  ]) {
    assert.equal(missedBehind({ state, missed }, servers, isInterrupted), want, name);
  }
});

test("CLIENT LIST of several versions of Redis", () => {
  const list = `id=3 addr=127.0.0.1:4 laddr=127.0.0.1:6379 name= age=7 flags=P sub=2 psub=1 ssub=0 lib-name=node-redis lib-ver=5.0.0
id=4 addr=127.0.0.1:5 laddr=127.0.0.1:6379 name= age=8 flags=P sub=0 psub=0 ssub=2
id=5 addr=127.0.0.1:6 laddr=127.0.0.1:6379 name= age=9 flags=P sub=0 psub=0 ssub=1 lib-name=ioredis
id=6 addr=127.0.0.1:7 laddr=127.0.0.1:6379 name= age=9 flags=P sub=2 psub=1 ssub=2 lib-name=go-redis(,go1.26)
id=7 addr=127.0.0.1:8 laddr=127.0.0.1:6379 name=sioemit-replies age=9 flags=P sub=2 psub=1 ssub=2 lib-name=ioredis
id=8 addr=127.0.0.1:9 name=no\\ name age=10 flags=P sub=2 psub=3
`;
  const ages = (...how) => [...subscribersIn(list, ...how).values()];
  assert.deepEqual(ages({ field: "psub", least: 1 }, false), [7, 10]);
  assert.deepEqual(ages({ field: "ssub", least: 2 }, false), [8, 10]); // the last one does not say
  assert.deepEqual(ages({ field: "ssub", least: 2 }, true), [8, 9, 10]);
});

test("entries in any order", () => {
  const span = ["10-1", "9-5", "10-0", "10-10", "10-9"].reduce(withEntry, undefined);
  assert.deepEqual(span, { first: "9-5", last: "10-10" });
  assert.ok(compareIds("9-10", "10-9") < 0 && compareIds("10-9", "9-10") > 0 && compareIds("1-1", "1-1") === 0);
});

suite("what was sent", () => {
  const publish = (channel) => ["SPUBLISH", channel, ""];
  const add = ["XADD", "stream"];
  const state = { nodes: new Map(), unseen: undefined, servers: 1 };
  const end = (sent, window, doubt) => sent.end(window, { round: window.round, state, doubt, missed: 0 });

  test("while a confirmation goes on that proves nothing", () => {
    const sent = new Sent(false);
    sent.note("/", publish("a")).land();
    const first = sent.begin("/");
    sent.note("/", publish("a")).land();
    end(sent, first, "cut");
    const second = sent.begin("/");
    assert.ok(second.doubt === "cut" && second.since !== undefined);
    end(sent, second, undefined);
    sent.note("/", publish("a")).land();
    const third = sent.begin("/");
    assert.ok(third.doubt === undefined && third.since !== undefined);
    end(sent, third, "cut");
    const fourth = sent.begin("/");
    assert.ok(fourth.doubt === undefined && fourth.since === undefined, "nothing was sent");
  });

  test("to several namespaces, of each of which it is known only when the first was", () => {
    const sent = new Sent(false);
    sent.note("/a", publish("a")).land();
    const { since } = sent.begin("/a");
    sent.note("/b", publish("b")).land();
    for (const nsp of ["/b", "/a", "/b"]) {
      const window = sent.begin(nsp);
      assert.ok(window.since <= since);
      end(sent, window, undefined);
    }
  });

  test("to a namespace while others are confirmed", () => {
    const sent = new Sent(false);
    sent.note("/", publish("a")).land();
    const other = sent.begin("/other");
    assert.equal(other.since, undefined);
    end(sent, other, undefined);
    const first = sent.begin("/");
    assert.notEqual(first.since, undefined);
    sent.note("/", publish("a")).land();
    sent.note("/other", publish("b")).land();
    end(sent, first, "cut");
    end(sent, sent.begin("/other"), undefined);
    assert.equal(sent.begin("/").doubt, "cut");
  });

  test("what is not confirmed is asked about again", async () => {
    const sent = new Sent(true);
    const onItsWay = sent.note("/", publish("room"));
    sent.noteAnswer("/", add, "1-1");
    const window = sent.begin("/");
    let hasLanded = false;
    const landing = sent.landed(window).then(() => {
      hasLanded = true;
    });
    sent.note("/", publish("room")).land();
    sent.noteAnswer("/", add, "2-1");
    await new Promise(setImmediate);
    assert.ok(!hasLanded);
    sent.restore(window);
    const again = sent.begin("/");
    assert.equal(again.since, window.since);
    assert.deepEqual(again.channels, ["room"]);
    const landingAgain = sent.landed(again);
    onItsWay.land();
    await landingAgain;
    assert.deepEqual(again.entries, { first: "1-1", last: "2-1" });
    assert.equal(hasLanded, false); // somebody else waits by then
    sent.noteAnswer("/", add, "3-1");
    end(sent, again, undefined);
    const next = sent.begin("/");
    await sent.landed(next);
    assert.deepEqual(next.entries, { first: "2-1", last: "3-1" });
    assert.deepEqual(next.channels, []);
    assert.ok(landing instanceof Promise);
  });

  test("to more rooms and namespaces than are kept", () => {
    for (const note of [
      (sent, i) => sent.noteChannel("/", publish(`${i}`)),
      (sent, i) => sent.noteChannel(`/${i}`, publish("")),
      (sent, i) => sent.noteAnswer(`/${i}`, add, "1-1"),
    ]) {
      const sent = new Sent(true);
      for (let i = 0; i < 1000; i++) {
        note(sent, i);
        note(sent, i);
      }
      const window = sent.begin("/");
      assert.equal(window.doubt, undefined);
      sent.restore(window);
      note(sent, "one more");
      const lost = sent.begin("/");
      assert.match(lost.doubt, /more rooms or namespaces/);
      end(sent, lost, undefined);
      assert.equal(sent.begin("/").doubt, undefined);
      // Of other namespaces nobody has asked yet.
      assert.match(sent.begin("/other").doubt, /more rooms or namespaces/);
    }
  });
});
