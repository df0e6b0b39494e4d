import {
  type AskingAdapter,
  type Carriers,
  type Command,
  needsHandler,
  nobody,
  type Question,
  type Request,
  uid,
} from "./adapter.js";
import {
  messageTypes,
  requestData,
  wrap,
  wrapJSON,
  writeBroadcast,
  writeQuestion,
  writeServerSideEmit,
} from "./cluster.js";
import { onlyRoom } from "./names.js";
import { everyone, Target } from "./target.js";
import { jsonUnlessBinary } from "./write.js";

/** Which rooms have a channel of their own: upstream's option. */
export type SubscriptionMode = "static" | "dynamic" | "dynamic-private";

interface ShardedOptions {
  channelPrefix: string;
  subscriptionMode: SubscriptionMode;
  maxAttachments: number;
}

/** createShardedAdapter of @socket.io/redis-adapter 8.2 and later. */
export class Sharded implements AskingAdapter {
  readonly roomsQuestion = "fetchSockets";
  readonly carriers: Carriers = { field: "ssub", least: 2 };

  readonly #options: ShardedOptions;

  constructor(options: ShardedOptions) {
    this.#options = options;
  }

  broadcast(target: Target, event: string, args: readonly unknown[]): Command {
    const channel = this.#channel(target.frame.nsp);
    const room = onlyRoom(target.rooms);
    return [
      "SPUBLISH",
      room !== undefined && this.#hasChannel(room) ? `${channel}${room}#` : channel,
      jsonUnlessBinary((w) => {
        wrap(w, messageTypes.broadcast, target.frame.nsp, () => {
          writeBroadcast(w, target, event, args, this.#options.maxAttachments);
        });
      }),
    ];
  }

  /** With dynamic, what looks like a socket id has none: 20 characters, in UTF-16 as upstream counts. */
  #hasChannel(room: string): boolean {
    switch (this.#options.subscriptionMode) {
      case "static":
        return false;
      case "dynamic-private":
        return true;
      case "dynamic":
        return room.length !== 20;
    }
  }

  request(target: Target, request: Request): Command {
    return ["SPUBLISH", this.#channel(target.frame.nsp), this.#message(target, request)];
  }

  #message(target: Target, request: Request): string | Uint8Array {
    const type = messageTypes[request.kind];
    if (request.kind !== "serverSideEmit") {
      return wrapJSON(type, target.frame.nsp, requestData(target, request));
    }
    return jsonUnlessBinary((w) => {
      wrap(w, type, target.frame.nsp, () => writeServerSideEmit(w, request.event, request.args));
    });
  }

  question(target: Target, question: Question, id: string, timeout: number): Command {
    return this.#question(this.#channel(target.frame.nsp), target, question, { id, timeout });
  }

  #question(channel: string, target: Target, question: Question, about: { id: string; timeout: number }): Command {
    const asked = { ...about, maxAttachments: this.#options.maxAttachments };
    return ["SPUBLISH", channel, jsonUnlessBinary((w) => writeQuestion(w, target, question, asked))];
  }

  harmless(nsp: string, id: string, channel = this.#channel(nsp)): Command {
    const target = new Target(everyone(nsp).frame, [nobody()]);
    return this.#question(channel, target, { kind: "fetchSockets" }, { id, timeout: 0 });
  }

  replyChannels(nsp: string): { channels: string[]; shard: true } {
    return { channels: [`${this.#channel(nsp)}${uid}#`], shard: true };
  }

  needs(kind: Question["kind"]): string | undefined {
    return kind === "serverSideEmit" ? needsHandler : undefined;
  }

  endsServers(): boolean {
    return false;
  }

  listeners(nsp: string): ["SHARDNUMSUB", string] {
    return ["SHARDNUMSUB", this.#channel(nsp)];
  }

  #channel(nsp: string): string {
    return `${this.#options.channelPrefix}#${nsp}#`;
  }
}
