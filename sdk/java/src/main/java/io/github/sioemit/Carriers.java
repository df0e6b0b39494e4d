package io.github.sioemit;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What carries events from Redis to the servers, at one time: as long as it stays the same, nothing
 * is lost on the way.
 *
 * @param redis each Redis, by the name of its run
 * @param servers how many answered; 0 where nobody has counted
 */
record Carriers(Map<String, Redis> redis, long servers) {
  /**
   * One Redis.
   *
   * @param subscribers the connections that may be those of servers, with how long each has been
   *     there, in whole seconds; one that was cut comes back as another one
   * @param links the connections of the cluster bus to other nodes, with the time at which each was
   *     made; what Redis passes on to a node goes along one of them, in order, and is lost when it
   *     is cut
   * @param slots those of a Redis Cluster, with their masters, where there are shard channels: the
   *     subscriptions to one end when its slot moves, and not the connection
   * @param clock the time of Redis, in microseconds
   * @param seen the same time here or a little later, by {@link System#nanoTime}
   */
  record Redis(
      boolean isMaster,
      Map<String, Long> subscribers,
      Map<String, Long> links,
      String slots,
      long clock,
      long seen) {
    /** Tells whether a connection of this age was there at a time of here. */
    private boolean hadFor(long age, @Nullable Long since) {
      if (since == null) {
        return false;
      }
      long connected = clock / SECOND * SECOND - age * SECOND; // or up to a second later
      return connected + SECOND <= then(since);
    }

    /** Returns a time of here by the clock of Redis, or a little before it. */
    private long then(long here) {
      return clock - (seen - here) / 1000;
    }
  }

  private static final long SECOND = 1_000_000;
  private static final Pattern NUMBER = Pattern.compile("\\d{1,9}");

  /**
   * What the clients call themselves of programs that are no Socket.IO servers: they come and go as
   * they ask and wait for answers.
   */
  private static final List<String> ASKERS = List.of("go-redis", "jedis", "lettuce");

  /** Looks at each node. */
  static Carriers look(List<Node> nodes, Carrier by, boolean cluster, long servers) {
    Map<String, Redis> all = new TreeMap<>();
    for (Node node : nodes) {
      String info = Answer.text(look(node, "INFO"));
      String slots =
          cluster && by == Carrier.SHARD_CHANNEL ? slots(look(node, "CLUSTER", "SLOTS")) : "";
      Map<String, Long> links =
          cluster && by != Carrier.STREAM ? links(look(node, "CLUSTER", "LINKS")) : Map.of();
      Map<String, Long> subscribers =
          by == Carrier.STREAM
              ? Map.of()
              : subscribers(
                  Answer.text(look(node, "CLIENT", "LIST", "TYPE", "pubsub")), by, cluster);
      // Behind the ages, so that no connection is taken for older than it is.
      List<@Nullable Object> time = Answer.list(look(node, "TIME"));
      long clock = Answer.number(time.get(0)) * SECOND + Answer.number(time.get(1));
      long seen = System.nanoTime();
      boolean isMaster = !cluster || field(info, "role").equals("master");
      all.put(field(info, "run_id"), new Redis(isMaster, subscribers, links, slots, clock, seen));
    }
    return new Carriers(all, servers);
  }

  /** A refusal says what was refused. */
  private static Object look(Node node, String... words) {
    try {
      return node.look(words);
    } catch (RuntimeException e) {
      String name = words.length == 1 ? words[0] : words[0] + " " + words[1];
      throw new IllegalStateException(name + ": " + AskException.text(e), e);
    }
  }

  /** Returns what INFO says of one thing. */
  static String field(String info, String name) {
    for (String line : info.split("\r?\n", -1)) {
      if (line.startsWith(name + ":")) {
        return line.substring(name.length() + 1);
      }
    }
    return "";
  }

  private static String slots(Object answer) {
    var slots = new StringBuilder();
    for (Object item : Answer.list(answer)) {
      List<@Nullable Object> range = Answer.list(item);
      if (range.size() > 2) {
        List<@Nullable Object> master = Answer.list(range.get(2));
        slots.append(range.get(0)).append('-').append(range.get(1)).append(' ');
        slots.append(Answer.text(master.get(2))).append('\n');
      }
    }
    return slots.toString();
  }

  private static Map<String, Long> links(Object answer) {
    Map<String, Long> links = new HashMap<>();
    for (Object link : Answer.list(answer)) {
      if (Answer.text(Answer.member(link, "direction")).equals("to")) {
        links.put(
            Answer.text(Answer.member(link, "node")),
            Answer.number(Answer.member(link, "create-time")));
      }
    }
    return links;
  }

  /** Reads CLIENT LIST. */
  static Map<String, Long> subscribers(String list, Carrier by, boolean cluster) {
    Map<String, Long> all = new HashMap<>();
    for (String line : list.split("\n", -1)) {
      Map<String, String> fields = new HashMap<>();
      for (String field : line.split(" ", -1)) {
        int equals = field.indexOf('=');
        if (equals > 0) {
          fields.put(field.substring(0, equals), field.substring(equals + 1));
        }
      }
      long count = number(fields.get(by.field));
      String library = fields.getOrDefault("lib-name", "").toLowerCase(Locale.ROOT);
      if ((count >= by.least || (cluster && count > 0))
          && !Replies.NAME.equals(fields.get("name"))
          && ASKERS.stream().noneMatch(library::startsWith)) {
        all.put(
            fields.get("id") + " " + fields.get("addr") + " " + fields.get("laddr"),
            number(fields.get("age"))); // one whose age is not told has none
      }
    }
    return all;
  }

  private static long number(@Nullable String text) {
    return text != null && NUMBER.matcher(text).matches() ? Long.parseLong(text) : 0;
  }

  /** How many connections may be those of servers. */
  long subscribers() {
    return redis.values().stream().mapToLong(one -> one.subscribers.size()).sum();
  }

  /**
   * Says what may have been lost on the way from before until now, and nothing when that is
   * nothing.
   *
   * @param before how it was; null where nobody has looked before
   * @param since when the first of it was sent; null where that is not known
   * @param isMissed whether a server was cut off before, and is not known to be back
   */
  String interrupted(@Nullable Carriers before, @Nullable Long since, boolean isMissed) {
    if (before == null) {
      return youngerThan(since);
    }
    String replaced = replaced(before);
    if (!replaced.isEmpty()) {
      return replaced;
    }
    long gone = newOnes(before, this).size();
    boolean came =
        newOnes(this, before).stream().anyMatch(one -> !one.redis.hadFor(one.age, since));
    if (gone == 0) {
      return came && isMissed
          ? "a server that was cut off may have come back after the first event"
          : "";
    }
    if (!came && before.servers > 0 && servers >= before.servers) {
      // As many servers as before, and all of them have been there since before the first event:
      // what has gone was none of them, or went before that.
      return "";
    }
    return gone == 1
        ? "a subscriber's connection to Redis was cut"
        : gone + " subscribers' connections to Redis were cut";
  }

  private String replaced(Carriers before) {
    for (Map.Entry<String, Redis> entry : before.redis.entrySet()) {
      Redis was = entry.getValue();
      Redis is = redis.get(entry.getKey());
      if (is == null) {
        return "a Redis node has gone, or was started again";
      }
      if (was.isMaster && !is.isMaster) {
        return "a Redis node is no longer a master";
      }
      if (!was.slots.equals(is.slots)) {
        return "a slot of the Redis Cluster was moved";
      }
      if (was.isMaster && !is.links.entrySet().containsAll(was.links.entrySet())) {
        return "a link of the Redis Cluster's bus was cut";
      }
    }
    for (Map.Entry<String, Redis> entry : redis.entrySet()) {
      Redis was = before.redis.get(entry.getKey());
      if (entry.getValue().isMaster && (was == null || !was.isMaster)) {
        return "a Redis node has become a master";
      }
    }
    return "";
  }

  /** A connection, with the age that it has at a Redis. */
  private record Aged(Redis redis, long age) {}

  /** Returns the connections of one that are not among those of the other. */
  private static Collection<Aged> newOnes(Carriers of, Carriers other) {
    List<Aged> found = new ArrayList<>();
    of.redis.forEach(
        (name, one) -> {
          Redis same = other.redis.get(name);
          one.subscribers.forEach(
              (connection, age) -> {
                if (same == null || !same.subscribers.containsKey(connection)) {
                  found.add(new Aged(one, age));
                }
              });
        });
    return found;
  }

  /** Says which part may not have been there at a time. */
  private String youngerThan(@Nullable Long since) {
    if (since == null) {
      return ""; // of nothing
    }
    for (Redis one : redis.values()) {
      for (long age : one.subscribers.values()) {
        if (!one.hadFor(age, since)) {
          return "a subscriber connected to Redis at about the time of the first event, or after it";
        }
      }
      for (long made : one.links.values()) {
        if (one.isMaster && made * 1000 >= one.then(since)) {
          return "a link of the Redis Cluster's bus was made after the first event";
        }
      }
    }
    return "";
  }
}
