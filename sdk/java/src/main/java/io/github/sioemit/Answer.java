package io.github.sioemit;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads what Redis answers to commands that look. */
final class Answer {
  /** What stands before text in RESP3. */
  private static final String VERBATIM = "txt:";

  private Answer() {}

  static String text(@Nullable Object answer) {
    String text = answer instanceof byte[] bytes ? new String(bytes, UTF_8) : "";
    return text.startsWith(VERBATIM) ? text.substring(VERBATIM.length()) : text;
  }

  static long number(@Nullable Object answer) {
    return answer instanceof Long number ? number : Long.parseLong(text(answer));
  }

  /** Returns a list; the members of a map, as they are in RESP3, come one behind the other. */
  static List<@Nullable Object> list(@Nullable Object answer) {
    List<@Nullable Object> items = new ArrayList<>();
    if (answer instanceof List<?> list) {
      for (Object item : list) {
        if (item instanceof Map.Entry<?, ?> member) {
          items.add(member.getKey());
          items.add(member.getValue());
        } else {
          items.add(item);
        }
      }
    }
    return items;
  }

  /** Returns what stands behind a name. */
  static @Nullable Object member(@Nullable Object answer, String name) {
    List<@Nullable Object> items = list(answer);
    for (int i = 0; i + 1 < items.size(); i += 2) {
      if (text(items.get(i)).equals(name)) {
        return items.get(i + 1);
      }
    }
    return null;
  }
}
