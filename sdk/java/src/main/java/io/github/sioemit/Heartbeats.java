package io.github.sioemit;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Servers of the streams adapter before 0.3. They subscribe to nothing, and answer by an entry.
 * They add a heartbeat when they have added nothing else for five seconds, and take one who is
 * silent for ten for gone.
 */
final class Heartbeats {
  private static final long SILENCE = 11_000; // milliseconds
  private static final int PAGE = 500; // entries
  private static final long LONGEST_PAUSE = 50; // milliseconds
  private static final int SOCKETS = 8;
  private static final int CLOSE = 13;

  /** How these servers name themselves. */
  private static final Pattern SERVER = Pattern.compile("[0-9a-f]{16}");

  private final NodePublisher publisher;
  private final Streams adapter;
  private final String namespace;
  private final String stream;
  private final Sent sent;

  Heartbeats(NodePublisher publisher, Streams adapter, String namespace, Sent sent) {
    this.publisher = publisher;
    this.adapter = adapter;
    this.namespace = namespace;
    stream = adapter.stream(namespace);
    this.sent = sent;
  }

  /**
   * The servers of a namespace that have been heard, with when that was, in milliseconds of the
   * clock of Redis. It is known of all until an entry.
   */
  record Heard(Entry until, Map<String, Long> servers) {}

  /** An entry of a stream. */
  private record Read(Entry id, Map<String, String> fields) {
    String field(String name) {
      return fields.getOrDefault(name, "");
    }

    boolean is(int type) {
      return field("type").equals(Integer.toString(type));
    }
  }

  /**
   * Asks the servers that nothing but their entries shows, and waits for all.
   *
   * @param clock by whose time it is
   * @param progress what is told how many have answered, of how many
   * @return how many have answered, none where there are no such servers
   */
  long ask(Node clock, Target nobody, BiConsumer<Long, Long> progress) throws InterruptedException {
    Map<String, Long> heard = listen(clock);
    if (heard.isEmpty()) {
      return 0;
    }
    progress.accept(0L, (long) heard.size());
    String id = Replies.newId();
    Command question = adapter.question(nobody, Ask.of(Ask.Kind.CONFIRM), id, 1);
    publisher.send(List.of(question));
    byte[] reply = question.reply();
    if (reply == null) {
      throw new IllegalStateException("Redis has not said which entry the question is");
    }
    Entry asked = Entry.of(reply);
    Set<String> missing = new HashSet<>(heard.keySet());
    Entry at = asked;
    long pause = 1;
    while (true) {
      List<Read> entries = entries("(" + at, PAGE);
      for (Read entry : entries) {
        at = entry.id;
        String uid = entry.field("uid");
        if (entry.is(SOCKETS)
            && entry.field("data").contains(id)
            && SERVER.matcher(uid).matches()) {
          heard.put(uid, 0L);
          missing.remove(uid);
        }
      }
      if (missing.isEmpty()) {
        break;
      }
      progress.accept((long) heard.size() - missing.size(), (long) heard.size());
      pause = entries.isEmpty() ? Math.min(2 * pause, LONGEST_PAUSE) : 1;
      Thread.sleep(pause);
    }
    heard.replaceAll((uid, before) -> asked.millis());
    sent.heard(new Heard(asked, heard));
    return heard.size();
  }

  /** Returns the servers that have been heard in the last seconds. */
  private Map<String, Long> listen(Node clock) {
    List<@Nullable Object> time = Answer.list(clock.look("TIME"));
    long now = Answer.number(time.get(0)) * 1000 + Answer.number(time.get(1)) / 1000;
    long since = now - SILENCE;
    Map<String, Long> heard = new HashMap<>();
    Entry from = new Entry(since, 0);
    Heard known = sent.heard();
    if (known != null && known.until.millis() > since) {
      from = known.until;
      known.servers.forEach(
          (uid, at) -> {
            if (at >= since) {
              heard.put(uid, at);
            }
          });
    }
    List<Read> entries;
    String start = from.toString();
    do {
      entries = entries(start, PAGE);
      for (Read entry : entries) {
        String uid = entry.field("uid");
        if (!entry.field("nsp").equals(namespace) || !SERVER.matcher(uid).matches()) {
          continue;
        }
        if (entry.is(CLOSE)) {
          heard.remove(uid);
        } else {
          heard.put(uid, entry.id.millis());
        }
      }
      if (!entries.isEmpty()) {
        start = "(" + entries.get(entries.size() - 1).id;
      }
    } while (entries.size() == PAGE);
    // What was trimmed has not been heard.
    List<Read> oldest = entries("-", 1);
    if (oldest.isEmpty() || heard.isEmpty()) {
      return Map.of();
    }
    Entry first = oldest.get(0).id;
    if (first.compareTo(from) > 0
        && Answer.number(publisher.look(new Command("XLEN", stream.getBytes(UTF_8))))
            >= adapter.maxLen()) {
      throw new UnconfirmedException(
          0,
          "the stream holds no more than the last "
              + (now - first.millis()) / 1000.0
              + " s, in which a server may have said nothing",
          null);
    }
    return heard;
  }

  private List<Read> entries(String start, int count) {
    Object found =
        publisher.look(
            new Command(
                "XRANGE",
                stream.getBytes(UTF_8),
                start.getBytes(UTF_8),
                "+".getBytes(UTF_8),
                "COUNT".getBytes(UTF_8),
                Integer.toString(count).getBytes(UTF_8)));
    List<Read> entries = new ArrayList<>();
    for (Object item : Answer.list(found)) {
      List<@Nullable Object> entry = Answer.list(item);
      List<@Nullable Object> words = Answer.list(entry.get(1));
      Map<String, String> fields = new HashMap<>();
      for (int i = 0; i + 1 < words.size(); i += 2) {
        fields.put(Answer.text(words.get(i)), Answer.text(words.get(i + 1)));
      }
      entries.add(new Read(Entry.of(Answer.text(entry.get(0)).getBytes(UTF_8)), fields));
    }
    return entries;
  }
}
