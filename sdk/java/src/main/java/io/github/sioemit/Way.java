package io.github.sioemit;

import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * How a question gets to servers.
 *
 * @param listening counts those who will answer
 * @param ask publishes it, as {@link Subscriber#ask} does
 * @param answered is told that all servers have answered, before anybody else knows
 */
record Way(LongSupplier listening, Consumer<Command> ask, Runnable answered) {}
