import type { Listeners } from "./adapter.js";
import { redisError } from "./client.js";
import type { Connection } from "./connection.js";

/** Returns how many subscribe to each of some channels, on all nodes of Redis. */
export async function countSubscribers(connection: Connection, [ask, ...channels]: Listeners): Promise<number[]> {
  try {
    const nodes = await connection.nodes();
    const answers = await Promise.all(nodes.map((node) => node.call(["PUBSUB", ask, ...channels])));
    // Each is a list of channels with their numbers.
    return channels.map((_, i) =>
      answers.reduce<number>((sum, list) => sum + Number((list as unknown[])[2 * i + 1]), 0),
    );
  } catch (error) {
    throw redisError(`PUBSUB ${ask}`, error, connection);
  }
}
