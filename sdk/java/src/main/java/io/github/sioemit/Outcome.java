package io.github.sioemit;

import org.jspecify.annotations.Nullable;

/**
 * What a confirmation leaves for the next one.
 *
 * @param carriers how things were; null where that is not known
 * @param doubt why nothing is known of what was sent until then, if anything is
 * @param until by the clock of {@link System#nanoTime}
 * @param missed how many servers there were before some of them may have been cut off, until as
 *     many have answered again: one that comes back has not got what was sent while it was away
 */
record Outcome(@Nullable Carriers carriers, String doubt, long until, long missed) {
  /** That before the first confirmation. */
  static final Outcome NONE = new Outcome(null, "", 0, 0);

  /**
   * Returns what is missed behind the next confirmation, which so many servers have answered.
   *
   * @param interrupted whether some may have been cut off since this one, if only behind their
   *     answers
   */
  long missedNow(long servers, boolean interrupted) {
    if (!interrupted && servers >= missed) {
      return 0;
    }
    if (!interrupted || carriers == null) {
      return missed;
    }
    return Math.max(missed, carriers.servers() > 0 ? carriers.servers() : carriers.subscribers());
  }
}
