package io.github.sioemit.bench;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * How something compares with something else: a ratio for each round, and the bar for their median.
 * A rate says how many times as fast, a time how many times as long.
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
record Figure(
    String language,
    String client,
    String what,
    long nanoseconds,
    String against,
    String ratio,
    List<Double> rounds,
    @Nullable Double atLeast,
    @Nullable Double atMost) {

  static final List<String> HEAD =
      List.of("client", "what", "one", "compared with", "ratio (lowest to highest)", "bar", "met");

  static Figure rate(
      String client, String what, String against, List<Turn> turns, @Nullable Double atLeast) {
    List<Double> rounds = turns.stream().map(turn -> turn.other / turn.ours).toList();
    return new Figure(
        "java", client, what, nanoseconds(turns), against, "rate", rounds, atLeast, null);
  }

  static Figure time(String what, String against, List<Turn> turns, @Nullable Double atMost) {
    List<Double> rounds = turns.stream().map(turn -> turn.ours / turn.other).toList();
    return new Figure("java", "", what, nanoseconds(turns), against, "time", rounds, null, atMost);
  }

  /** What both cost in one round, in nanoseconds of CPU time for an event. */
  record Turn(double ours, double other) {}

  private static long nanoseconds(List<Turn> turns) {
    return Math.round(median(turns.stream().map(Turn::ours).toList()));
  }

  @JsonIgnore
  private static double median(List<Double> numbers) {
    List<Double> sorted = numbers.stream().sorted().toList();
    return sorted.get(sorted.size() / 2);
  }

  List<String> row() {
    double value = median(rounds);
    List<Double> sorted = rounds.stream().sorted().toList();
    String spread =
        String.format(
            Locale.ROOT,
            "%s %.2f (%.2f to %.2f)",
            ratio,
            value,
            sorted.get(0),
            sorted.get(sorted.size() - 1));
    String bar =
        atLeast != null ? "at least " + atLeast : atMost != null ? "at most " + atMost : "";
    boolean met = atLeast != null ? value >= atLeast : atMost == null || value <= atMost;
    return List.of(
        client,
        what,
        nanoseconds + " ns",
        against,
        spread,
        bar,
        bar.isEmpty() ? "" : met ? "yes" : "NO");
  }
}
