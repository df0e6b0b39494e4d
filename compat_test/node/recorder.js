"use strict";
// A Redis that only remembers: a server of the Redis protocol that answers just enough for a real node-redis client
// to work, and keeps every command that sends something. What it holds is what would have been on the wire.

const net = require("net");

const SENDING = ["PUBLISH", "SPUBLISH", "XADD"];

// How many servers of the cluster are said to be subscribed: with fewer than two, a request is not even sent.
const SERVERS = 2;

function startRecorder() {
  const commands = [];
  let wake = () => {};

  function answer(args) {
    const name = args[0].toString().toUpperCase();
    if (SENDING.includes(name)) {
      commands.push(args);
      wake();
    }
    switch (name) {
      case "PUBLISH":
      case "SPUBLISH":
        return `:${SERVERS}\r\n`;
      case "XADD":
        return "$3\r\n1-1\r\n";
      case "XREAD":
        return ""; // blocks for ever: nothing is ever added
      case "PUBSUB": {
        const channel = args[2].toString();
        return `*2\r\n$${Buffer.byteLength(channel)}\r\n${channel}\r\n:${SERVERS}\r\n`;
      }
      case "SUBSCRIBE":
      case "PSUBSCRIBE":
      case "SSUBSCRIBE":
        return args
          .slice(1)
          .map((c, i) => `*3\r\n$${name.length}\r\n${name.toLowerCase()}\r\n$${c.length}\r\n${c}\r\n:${i + 1}\r\n`)
          .join("");
      default:
        return "+OK\r\n";
    }
  }

  const server = net.createServer((socket) => {
    let pending = Buffer.alloc(0);
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      pending = Buffer.concat([pending, chunk]);
      for (let parsed; (parsed = parse(pending)); ) {
        pending = pending.subarray(parsed.length);
        socket.write(answer(parsed.args));
      }
    });
  });

  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () =>
      resolve({
        url: `redis://127.0.0.1:${server.address().port}`,
        // sent runs a call and returns the one command that it sends.
        async sent(call) {
          commands.length = 0;
          let timer;
          const arrived = new Promise((resolve, reject) => {
            wake = resolve;
            timer = setTimeout(() => reject(new Error("nothing was sent by " + call)), 3000);
          });
          call();
          await arrived;
          clearTimeout(timer);
          if (commands.length !== 1) {
            throw new Error(`${commands.length} commands instead of one`);
          }
          return commands[0];
        },
      })
    );
  });
}

// parse reads one command, an array of bulk strings; undefined: there is more of it to come.
function parse(buffer) {
  let at = 0;
  const number = (mark) => {
    const end = buffer.indexOf("\r\n", at);
    if (end < 0) {
      return undefined;
    }
    if (buffer[at] !== mark.charCodeAt(0)) {
      throw new Error("not a Redis command");
    }
    const n = Number(buffer.toString("latin1", at + 1, end));
    at = end + 2;
    return n;
  };
  const count = number("*");
  const args = [];
  for (let i = 0; i < count; i++) {
    const length = number("$");
    if (length === undefined || buffer.length < at + length + 2) {
      return undefined;
    }
    args.push(buffer.subarray(at, at + length));
    at += length + 2;
  }
  return count === undefined ? undefined : { args, length: at };
}

module.exports = { startRecorder };
