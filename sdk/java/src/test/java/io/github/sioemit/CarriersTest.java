package io.github.sioemit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.Test;

/** What may have been lost between what was before the events and what is behind the answers. */
@NullUnmarked
class CarriersTest {
  private static final long SECOND = 1_000_000;

  // The first event was sent ten seconds ago, by a clock that is a minute ahead of that of Redis.
  private static final long SEEN = System.nanoTime();
  private static final long SINCE = SEEN - 10_000 * SECOND;
  private static final long CLOCK = 1_700_000_000L * SECOND + 900_000;
  private static final long OLD_LINK = 1;

  private static Carriers at(int servers, boolean isMaster, long link, Map<String, Long> ages) {
    return new Carriers(
        Map.of("a", new Carriers.Redis(isMaster, ages, Map.of("b", link), "", CLOCK, SEEN)),
        servers);
  }

  private static Carriers at(int servers, Map<String, Long> ages) {
    return at(servers, true, OLD_LINK, ages);
  }

  private static Map<String, Long> ages(long... seconds) {
    Map<String, Long> ages = new HashMap<>();
    for (int i = 0; i < seconds.length; i++) {
      ages.put("" + (char) ('a' + i), seconds[i]);
    }
    return ages;
  }

  private static Map<String, Long> with(Map<String, Long> ages, String name, long seconds) {
    ages.put(name, seconds);
    return ages;
  }

  private static void expect(String why, Carriers before, Carriers after, Long since) {
    String said = after.interrupted(before, since, false);
    assertTrue(said.contains(why) && said.isEmpty() == why.isEmpty(), () -> said + ", not " + why);
  }

  @Test
  void interrupted() {
    Carriers both = at(2, ages(100, 100));
    long now = CLOCK / 1000; // in milliseconds
    expect("", both, both, SINCE);
    expect("", both, at(3, ages(100, 100, 1)), SINCE);
    expect("a subscriber's connection to Redis was cut", both, at(1, ages(100)), SINCE);
    expect("a subscriber's connection", both, at(2, with(ages(100), "c", 1)), SINCE);
    expect("2 subscribers' connections", both, at(2, with(ages(), "c", 1)), SINCE);
    // One was replaced before the first event, in its second, and while another one is away.
    expect("", both, at(2, with(ages(100), "c", 12)), SINCE);
    expect("was cut", both, at(2, with(ages(100), "c", 10)), SINCE);
    expect("2 subscribers", both, at(1, with(ages(), "c", 12)), SINCE);
    // Nobody has counted; or somebody has gone who was no server.
    expect("was cut", at(0, ages(100, 100)), at(2, with(ages(100), "c", 12)), SINCE);
    expect("", at(2, ages(100, 100, 100)), both, SINCE);

    Carriers.Redis same = both.redis().get("a");
    expect("started again", both, new Carriers(Map.of("b", same), 2), SINCE);
    var moved =
        new Carriers.Redis(true, same.subscribers(), same.links(), "0-16383 x", CLOCK, SEEN);
    expect("a slot of the Redis Cluster was moved", both, new Carriers(Map.of("a", moved), 2), 0L);
    expect("no longer a master", both, at(2, false, OLD_LINK, ages(100, 100)), SINCE);
    expect("has become a master", at(2, false, OLD_LINK, ages(100, 100)), both, SINCE);
    expect("bus was cut", both, at(2, true, now, ages(100, 100)), SINCE);
    expect("", at(2, false, OLD_LINK, ages(100)), at(2, false, now, ages(100)), SINCE);

    expect("", null, both, SINCE);
    expect("at about the time of the first event", null, at(2, ages(100, 5)), SINCE);
    expect("at about the time", null, at(2, ages(100, 10)), SINCE);
    expect("", null, at(2, ages(100, 12)), SINCE);
    expect("bus was made", null, at(2, true, now - 9_000, ages(100)), SINCE);
    expect("", null, at(2, true, now - 11_000, ages(100)), SINCE);
    expect("", null, at(2, ages(0)), null);
  }

  @Test
  void whoWasCutOffMayBeBack() {
    Carriers one = at(1, ages(100));
    assertEquals("", one.interrupted(one, SINCE, true));
    assertEquals("", at(1, ages(100, 12)).interrupted(one, SINCE, true));
    String why = at(1, ages(100, 1)).interrupted(one, SINCE, true);
    assertEquals("a server that was cut off may have come back after the first event", why);
  }

  private static long missed(Carriers carriers, long missed, boolean interrupted, long servers) {
    return new Outcome(carriers, "", 0, missed).missedNow(servers, interrupted);
  }

  @Test
  void missed() {
    assertEquals(0, missed(null, 0, true, 1)); // nobody has looked before
    assertEquals(0, missed(at(2, ages()), 0, false, 2)); // all is well
    assertEquals(0, missed(at(2, ages()), 0, false, 1)); // one has ended
    assertEquals(2, missed(at(2, ages()), 0, true, 1)); // one was cut off
    assertEquals(2, missed(at(2, ages()), 0, true, 2)); // behind its answer
    assertEquals(2, missed(at(0, ages(0, 0)), 0, true, 1)); // before anybody counted
    assertEquals(2, missed(at(1, ages()), 2, false, 1)); // it is still away
    assertEquals(2, missed(null, 2, true, 1)); // nobody could look
    assertEquals(2, missed(at(1, ages()), 2, true, 1)); // the other one is cut off, too
    assertEquals(0, missed(at(1, ages()), 2, false, 2)); // both are back
  }

  @Test
  void subscribers() {
    String list =
        """
        id=3 addr=127.0.0.1:4 laddr=127.0.0.1:6379 name= age=7 sub=2 psub=1 ssub=0 lib-name=node-redis
        id=4 addr=127.0.0.1:5 laddr=127.0.0.1:6379 name= age=8 sub=0 psub=0 ssub=2 cmd=ssubscribe
        id=5 addr=127.0.0.1:6 laddr=127.0.0.1:6379 name= age=9 sub=0 psub=0 ssub=1 lib-name=ioredis
        id=6 addr=127.0.0.1:7 laddr=127.0.0.1:6379 age=9 sub=2 psub=1 ssub=2 lib-name=go-redis(,go1.26)
        id=7 addr=127.0.0.1:8 fd=9 name=no\\ name age=10 idle=0 sub=2 psub=3 multi=-1 cmd=psubscribe
        id=8 addr=127.0.0.1:9 laddr=127.0.0.1:6379 name= age=9 sub=2 psub=1 ssub=2 lib-name=jedis
        id=9 addr=127.0.0.1:10 laddr=127.0.0.1:6379 age=9 sub=2 psub=1 ssub=2 lib-name=Lettuce
        id=10 addr=127.0.0.1:11 name=sioemit-replies age=9 sub=2 psub=1 ssub=2 lib-name=node-redis
        """;
    assertEquals("[3:7, 7:10]", names(list, Carrier.PATTERN, false));
    assertEquals("[4:8]", names(list, Carrier.SHARD_CHANNEL, false));
    assertEquals("[4:8, 5:9]", names(list, Carrier.SHARD_CHANNEL, true));
    assertEquals("[1:0]", names("id=1 age=99999999999999999999 psub=1", Carrier.PATTERN, false));
    assertEquals("[]", names("age=-5 psub=x\r\n= =\n", Carrier.PATTERN, true));
  }

  private static String names(String list, Carrier by, boolean cluster) {
    var names = new TreeSet<String>();
    Carriers.subscribers(list, by, cluster)
        .forEach((name, age) -> names.add(name.replaceAll(" .*", "") + ":" + age));
    return names.toString();
  }
}
