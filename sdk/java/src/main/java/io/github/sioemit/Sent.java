package io.github.sioemit;

import java.util.LinkedHashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What has been sent to a namespace and is not confirmed yet. Its notes are made when Redis has
 * answered, or may not have: what is still on its way then belongs to no confirmation that has
 * begun.
 */
final class Sent {
  private static final int MAX_CHANNELS = 1000;

  /** Its name; null for those of which there are too many to keep them apart. */
  final @Nullable String namespace;

  /** When the first of it was sent, by the clock of {@link System#nanoTime}. */
  private volatile @Nullable Long first;

  // The rest is guarded by this.
  private Outcome last = Outcome.NONE;
  private @Nullable Span entries;
  private Set<String> channels = new LinkedHashSet<>();
  private boolean lost;
  private Heartbeats.@Nullable Heard heard;

  Sent(@Nullable String namespace) {
    this.namespace = namespace;
  }

  /** Returns since when something is sent that begins now, or a little before that. */
  long since() {
    Long known = first;
    return known == null ? System.nanoTime() : known;
  }

  /** Notes that something was sent, or may have been, since some time. */
  void note(long since) {
    Long known = first;
    if (known == null || since - known < 0) {
      noteFirst(since);
    }
  }

  private synchronized void noteFirst(long since) {
    Long known = first;
    if (known == null || since - known < 0) {
      first = since;
    }
  }

  /** Notes that Redis has added an entry to the stream. */
  synchronized void noteEntry(long since, Entry entry) {
    noteFirst(since);
    entries = entries == null ? new Span(entry, entry) : entries.with(entry);
    lost |= namespace == null;
  }

  /** Notes that something went by a channel of its own. */
  synchronized void noteChannel(long since, String channel) {
    noteFirst(since);
    if (channels.size() < MAX_CHANNELS) {
      channels.add(channel);
    } else {
      lost |= !channels.contains(channel);
    }
    lost |= namespace == null;
  }

  /** Takes back that something went by a channel of its own: servers have answered it. */
  synchronized void answered(String channel) {
    channels.remove(channel);
  }

  /**
   * What a confirmation is about.
   *
   * @param since when the first of it was sent; null when nothing was
   * @param lost whether not all of it could be kept
   */
  record Window(
      @Nullable Long since,
      Outcome last,
      Set<String> channels,
      @Nullable Span entries,
      boolean lost) {
    /** Says why nothing can be known of it, whatever the servers answer. */
    String doubt() {
      if (lost) {
        return "events went to more rooms or namespaces than are kept in mind";
      }
      return since != null && since - last.until() <= 0 ? last.doubt() : "";
    }
  }

  /** Takes what was sent so far. What is noted from now on belongs to the next confirmation. */
  synchronized Window begin() {
    Window window = new Window(first, last, channels, entries, lost);
    if (namespace != null) { // of several it is known only when the first event was sent
      first = null;
      entries = null;
      channels = new LinkedHashSet<>();
      lost = false;
    }
    return window;
  }

  /** Takes back what was not confirmed: the next confirmation is about it, too. */
  synchronized void restore(Window window) {
    Long since = window.since;
    if (since != null) {
      noteFirst(since);
      for (String channel : window.channels) {
        noteChannel(since, channel);
      }
    }
    Span earlier = window.entries;
    if (earlier != null) {
      Span later = entries;
      entries = later == null ? earlier : earlier.with(later.first()).with(later.last());
    }
    lost |= window.lost;
  }

  /** Ends a confirmation: what it was about will not be asked about again. */
  synchronized void end(Outcome outcome) {
    if (namespace != null) {
      last = outcome;
    }
  }

  synchronized Heartbeats.@Nullable Heard heard() {
    return heard;
  }

  synchronized void heard(Heartbeats.Heard now) {
    if (namespace != null) {
      heard = now;
    }
  }
}
