package io.github.sioemit;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The acknowledgements of one event. A value is a String, a Long, a Double, a Boolean, bytes, a
 * List or a Map of such, or null.
 *
 * @param values what the clients answered, in the order of arrival: the first argument of each
 *     acknowledgement, null when it had none
 * @param clients how many clients the servers sent the event to
 * @param perServer the same, of each server that said so
 * @param servers how many servers were asked
 */
public record Acks(
    List<@Nullable Object> values, long clients, List<Long> perServer, long servers) {}
