package io.github.sioemit;

/**
 * The id of an entry in a stream: a time in milliseconds, and a number among those of that time.
 */
record Entry(long millis, long number) implements Comparable<Entry> {
  /** Reads an id as Redis writes it. */
  static Entry of(byte[] id) {
    long[] numbers = new long[2];
    int at = 0;
    for (byte digit : id) {
      if (digit == '-') {
        at = 1;
      } else {
        numbers[at] = numbers[at] * 10 + digit - '0';
      }
    }
    return new Entry(numbers[0], numbers[1]);
  }

  @Override
  public int compareTo(Entry other) {
    int times = Long.compareUnsigned(millis, other.millis);
    return times != 0 ? times : Long.compareUnsigned(number, other.number);
  }

  @Override
  public String toString() {
    return Long.toUnsignedString(millis) + "-" + Long.toUnsignedString(number);
  }
}
