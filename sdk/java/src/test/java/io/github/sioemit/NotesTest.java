package io.github.sioemit;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Set;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.Test;

/** What belongs to which confirmation. */
@NullUnmarked
class NotesTest {
  private static Outcome doubt(String why) {
    return new Outcome(null, why, System.nanoTime(), 0);
  }

  /**
   * It is sent while a confirmation goes on that finds a connection cut: neither that one nor the
   * next one may say that it has arrived.
   */
  @Test
  void sentMeanwhile() {
    var sent = new Sent("/");
    sent.note(sent.since());
    var unused = sent.begin();
    long began = sent.since(); // and Redis answers after the end
    sent.end(doubt("cut"));
    sent.note(began);
    Sent.Window window = sent.begin();
    assertEquals("cut", window.doubt());
    assertEquals(began, window.since());
    sent.end(doubt(""));
    sent.note(sent.since());
    window = sent.begin();
    assertEquals("", window.doubt());
    sent.end(doubt("cut"));
    window = sent.begin();
    assertEquals("", window.doubt());
    assertNull(window.since()); // nothing was sent
  }

  @Test
  void whatIsNotConfirmedIsAskedAboutAgain() {
    var sent = new Sent("/");
    sent.noteChannel(5, "room");
    sent.noteEntry(7, new Entry(1, 1));
    Sent.Window window = sent.begin();
    sent.noteEntry(9, new Entry(2, 1));
    sent.restore(window);
    window = sent.begin();
    assertEquals(5, window.since());
    assertEquals(Set.of("room"), window.channels());
    assertEquals(new Span(new Entry(1, 1), new Entry(2, 1)), window.entries());
    sent.noteEntry(11, new Entry(3, 1));
    sent.end(doubt(""));
    window = sent.begin();
    assertEquals(11, window.since());
    assertEquals(Set.of(), window.channels());
    assertEquals(new Span(new Entry(3, 1), new Entry(3, 1)), window.entries());
  }

  @Test
  void entriesOfAllOrders() {
    var sent = new Sent("/");
    for (String id : List.of("10-1", "9-5", "10-0", "10-10", "10-9")) {
      sent.noteEntry(1, Entry.of(id.getBytes(UTF_8)));
    }
    Span entries = sent.begin().entries();
    assertEquals("9-5 10-10", entries.first() + " " + entries.last());
  }

  @Test
  void moreThanAreKept() {
    var sent = new Sent("/");
    for (int i = 0; i < 2000; i++) {
      sent.noteChannel(1, "room " + i % 1000);
    }
    Sent.Window window = sent.begin();
    assertEquals("", window.doubt());
    sent.restore(window);
    sent.noteChannel(1, "one more");
    assertTrue(sent.begin().doubt().contains("than are kept in mind"));

    var notes = new Notes(Carrier.STREAM, false);
    for (int i = 0; i < 999; i++) { // and "/"
      assertEquals("/" + i, notes.of("/" + i).namespace);
    }
    assertSame(notes.of("/5"), notes.of("/5"));
    Sent rest = notes.of("/one more");
    assertSame(rest, notes.of("/and one more"));
    rest.note(5);
    for (int i = 0; i < 2; i++) { // which of them was sent to is not known
      assertEquals(5, rest.begin().since());
      rest.end(doubt("cut"));
      assertEquals("", rest.begin().doubt());
    }
    rest.noteEntry(6, new Entry(1, 1));
    assertTrue(rest.begin().doubt().contains("than are kept in mind"));
    assertTrue(rest.begin().doubt().contains("than are kept in mind"));
  }

  @Test
  void whatCarriesWhat() {
    Target everyone = Target.EVERYONE;
    Target room = everyone.to(List.of("r"));
    var publish = Command.publish(true, "c", new byte[0]);
    for (boolean apart : List.of(true, false)) {
      var notes = new Notes(Carrier.SHARD_CHANNEL, apart);
      Sent sent = notes.of("/");
      notes.add(sent, 1, everyone, publish);
      assertEquals(Set.of(), sent.begin().channels());
      notes.add(sent, 2, room, publish);
      Sent.Window window = sent.begin();
      assertEquals(2, window.since());
      assertEquals(apart ? Set.of("c") : Set.of(), window.channels());
    }
    var notes = new Notes(Carrier.STREAM, false);
    Sent sent = notes.of("/");
    var entry = new Command("XADD", new byte[0]);
    notes.add(sent, 1, everyone, entry); // which Redis may have refused
    assertNull(sent.begin().entries());
    entry.answered("5-7".getBytes(UTF_8));
    notes.add(sent, 2, everyone, entry);
    assertEquals(new Span(new Entry(5, 7), new Entry(5, 7)), sent.begin().entries());
    notes.add(sent, 3, everyone, publish);
    assertEquals(Set.of("/"), sent.begin().channels()); // beside the stream
  }
}
