package io.github.sioemit;

import java.util.List;

/** A publisher that lets its nodes be looked at, which a confirmation needs. */
abstract class NodePublisher implements Publisher, Subscriber {
  /** Returns all nodes that there are now, replicas too. */
  abstract List<Node> nodes();

  /** Sends a command that only looks to the node that has its key; see {@link Node#look}. */
  abstract Object look(Command command);
}
