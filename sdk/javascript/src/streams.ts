import type { Buffer } from "node:buffer";
import { type AskingAdapter, type Command, needsHandler, nobody, type Question, type Request, uid } from "./adapter.js";
import { messageTypes, requestData, wrap, writeBroadcast, writeQuestion, writeServerSideEmit } from "./cluster.js";
import { SioemitError } from "./errors.js";
import { type Writer, withWriter } from "./msgpack.js";
import type { Target } from "./target.js";
import { jsonUnlessBinary } from "./write.js";

interface StreamsOptions {
  streamName: string;
  streamCount: number;
  maxLen: number;
  channelPrefix: string;
  useShardedPubSub: boolean;
  maxAttachments: number;
}

/** createAdapter of @socket.io/redis-streams-adapter. */
export class Streams implements AskingAdapter {
  readonly roomsQuestion = "fetchSockets";
  readonly carriers = undefined;

  readonly #options: StreamsOptions;

  constructor(options: StreamsOptions) {
    this.#options = options;
  }

  /** The length to which streams are trimmed. */
  get maxLen(): number {
    return this.#options.maxLen;
  }

  broadcast(target: Target, event: string, args: readonly unknown[]): Command {
    const data = jsonUnlessBinary((w) => writeBroadcast(w, target, event, args, this.#options.maxAttachments));
    // A field of the stream is text: MessagePack goes as base64.
    const text = typeof data === "string" ? data : (data as Buffer).toString("base64");
    return this.#entry(target.frame.nsp, messageTypes.broadcast, text);
  }

  /**
   * A request goes through the stream where a server that was away must not miss it, and by pub/sub where an answer may
   * be due.
   */
  request(target: Target, request: Request): Command {
    const { nsp } = target.frame;
    const type = messageTypes[request.kind];
    if (request.kind !== "serverSideEmit") {
      return this.#entry(nsp, type, requestData(target, request));
    }
    return this.#publish(nsp, (w) => {
      wrap(w, type, nsp, () => writeServerSideEmit(w, request.event, request.args));
    });
  }

  #publish(nsp: string, write: (w: Writer) => void): Command {
    const message = withWriter((w) => {
      write(w);
      return w.finish();
    });
    return [this.#options.useShardedPubSub ? "SPUBLISH" : "PUBLISH", this.#channel(nsp), message];
  }

  question(target: Target, question: Question, id: string, timeout: number): Command {
    const asked = { id, timeout, maxAttachments: this.#options.maxAttachments };
    return this.#publish(target.frame.nsp, (w) => writeQuestion(w, target, question, asked));
  }

  /** Through the stream, behind the events. */
  harmless(nsp: string, requestId: string): Command {
    const opts = { rooms: [nobody()], except: [], flags: {} };
    return this.#entry(nsp, messageTypes.fetchSockets, JSON.stringify({ opts, requestId }));
  }

  replyChannels(nsp: string): { channels: string[]; shard: boolean } {
    return { channels: [`${this.#channel(nsp)}${uid}#`], shard: this.#options.useShardedPubSub };
  }

  needs(kind: Question["kind"]): string | undefined {
    return kind === "serverSideEmit" ? needsHandler : undefined;
  }

  endsServers(): boolean {
    return false;
  }

  #entry(nsp: string, type: number, data: string): Command {
    return [
      "XADD",
      this.stream(nsp),
      "MAXLEN",
      "~",
      String(this.#options.maxLen),
      "*",
      "uid",
      uid,
      "nsp",
      nsp,
      "type",
      String(type),
      "data",
      data,
    ];
  }

  /** Returns the stream of a namespace. */
  stream(nsp: string): string {
    const { streamName, streamCount } = this.#options;
    if (streamCount === 1) {
      return streamName;
    }
    const i = hashCode(nsp) % streamCount; // signed, as upstream computes it
    if (i < 0) {
      throw new SioemitError(
        "unread-stream",
        `no server reads the stream of the namespace "${nsp}": it hashes to stream ${i} of ${streamCount}; ` +
          "give the namespace another name, or the servers one stream",
      );
    }
    return `${streamName}-${i}`;
  }

  listeners(nsp: string): ["NUMSUB" | "SHARDNUMSUB", string] {
    return [this.#options.useShardedPubSub ? "SHARDNUMSUB" : "NUMSUB", this.#channel(nsp)];
  }

  #channel(nsp: string): string {
    return `${this.#options.channelPrefix}#${nsp}#`;
  }
}

/** The hash of Java's strings, which upstream borrowed: over UTF-16, in 32 bits with a sign. */
function hashCode(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) {
    hash = (Math.imul(31, hash) + text.charCodeAt(i)) | 0;
  }
  return hash;
}
