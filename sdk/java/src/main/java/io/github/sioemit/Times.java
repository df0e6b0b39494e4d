package io.github.sioemit;

import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Calendar;
import java.util.Date;
import org.jspecify.annotations.Nullable;

/** Points in time, as text. */
@SuppressWarnings("JavaUtilDate") // users still have some
final class Times {
  private Times() {}

  /** Returns a time in RFC 3339, in the precision that it has, or null for what is no time. */
  static @Nullable String text(Object value) {
    if (value instanceof Instant instant) {
      return text(instant.atOffset(ZoneOffset.UTC));
    }
    if (value instanceof OffsetDateTime time) {
      return text(time);
    }
    if (value instanceof ZonedDateTime time) {
      return text(time.toOffsetDateTime());
    }
    if (value instanceof Date date) {
      try {
        return text(date.toInstant().atOffset(ZoneOffset.UTC));
      } catch (UnsupportedOperationException e) {
        return date.toString(); // those of java.sql are a day or a time of day
      }
    }
    if (value instanceof Calendar calendar) {
      return text(calendar.toInstant().atOffset(ZoneOffset.UTC));
    }
    if (value instanceof LocalDateTime local) {
      return DateTimeFormatter.ISO_LOCAL_DATE_TIME.format(local);
    }
    if (value instanceof LocalDate || value instanceof LocalTime) {
      return value.toString();
    }
    return null;
  }

  private static String text(OffsetDateTime time) {
    if (time.getYear() < 0 || time.getYear() > 9999) {
      throw new SioemitException(
          Reason.UNENCODABLE, "a time in the year " + time.getYear() + ": RFC 3339 has 0 to 9999");
    }
    boolean whole = time.getOffset().getTotalSeconds() % 60 == 0; // RFC 3339 has no other
    return DateTimeFormatter.ISO_OFFSET_DATE_TIME.format(
        whole ? time : time.withOffsetSameInstant(ZoneOffset.UTC));
  }
}
