package io.github.sioemit;

/** Which rooms have a channel of their own: the option {@code subscriptionMode} of servers. */
public enum SubscriptionMode {
  /** Each room but those of one socket, which is upstream's default. */
  DYNAMIC("dynamic"),
  /** Each room. */
  DYNAMIC_PRIVATE("dynamic-private"),
  /** None. */
  STATIC("static");

  private final String text;

  SubscriptionMode(String text) {
    this.text = text;
  }

  /**
   * Returns the mode of a name, as upstream spells it.
   *
   * @param name {@code dynamic}, {@code dynamic-private} or {@code static}
   * @return the mode
   * @throws SioemitException for any other name
   */
  public static SubscriptionMode of(String name) {
    for (SubscriptionMode mode : values()) {
      if (mode.text.equals(name)) {
        return mode;
      }
    }
    throw new SioemitException(
        Reason.ADAPTER_OPTION,
        "subscription mode \"" + name + "\": it is dynamic, dynamic-private or static");
  }

  /** Returns the name of the mode, as upstream spells it. */
  @Override
  public String toString() {
    return text;
  }
}
