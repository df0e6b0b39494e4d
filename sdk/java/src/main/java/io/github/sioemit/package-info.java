/**
 * Sends events to the clients of a Socket.IO cluster from outside, through the Redis that joins its
 * servers. It starts with an {@link io.github.sioemit.Emitter}.
 */
@NullMarked
package io.github.sioemit;

import org.jspecify.annotations.NullMarked;
