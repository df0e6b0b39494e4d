package io.github.sioemit;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * What Redis says of a command that it does not know. It repeats its words, and AUTH and HELLO may
 * have been renamed, or the command been ours: a password or an event would end up in a log.
 */
final class Refusal {
  private static final Pattern ARGUMENTS =
      Pattern.compile("with args beginning with:.*", Pattern.DOTALL);

  private Refusal() {}

  /** Tells whether an error, or one that it holds, repeats words of a command. */
  static boolean repeats(Throwable error) {
    // Jedis throws an error a second time, so that one may be held by what it holds.
    Set<Throwable> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    Deque<Throwable> rest = new ArrayDeque<>();
    rest.add(error);
    while (!rest.isEmpty()) {
      Throwable e = rest.remove();
      if (!seen.add(e)) {
        continue;
      }
      if (e.getMessage() != null && ARGUMENTS.matcher(e.getMessage()).find()) {
        return true;
      }
      if (e.getCause() != null) {
        rest.add(e.getCause());
      }
      rest.addAll(Arrays.asList(e.getSuppressed()));
    }
    return false;
  }

  /** Returns the error of Redis, or one without those words. */
  static RuntimeException clean(RuntimeException error) {
    if (!repeats(error)) {
      return error;
    }
    RuntimeException clean = new RuntimeException(withoutArguments(error));
    clean.setStackTrace(error.getStackTrace());
    return clean;
  }

  /** Returns what an error and its cause say, without those words. */
  static String withoutArguments(Throwable error) {
    Throwable cause = error.getCause();
    String text = error.getMessage() + (cause == null ? "" : ": " + cause.getMessage());
    return ARGUMENTS.matcher(text).replaceFirst("with arguments that are not repeated here");
  }
}
