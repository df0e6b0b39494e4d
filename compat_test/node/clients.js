"use strict";
// Many Socket.IO clients of one generation in one process, told what to do by JSON lines.
//
//   node clients.js '{"client":"socket.io-client-4"}'
//
//   > {"id":1,"op":"connect","client":"c1","url":"http://127.0.0.1:3000","namespace":"/","transports":["websocket"],"rooms":["a"]}
//   < {"reply":1,"result":{"id":"AbCd...","transport":"websocket"}}
//   < {"client":"c1","event":"hello"}<TAB>"world"<TAB>{"$binary":"AAE="}
//   < {"client":"c1","disconnect":"parse error"}
//   < {"exception":"Illegal attachments"}
//
// The arguments of an event follow the line's object, each after a tab, which JSON text never contains: whoever
// reads this need not parse a megabyte to learn whose it is.
//
// A connect is answered when the server has put the client in its rooms and the transport is the final one.

const http = require("http");
const readline = require("readline");
const { toJSON, fromJSON } = require("./binary");

const config = JSON.parse(process.argv[2]);
const io = require(config.client);

const clients = new Map();

function print(line) {
  process.stdout.write(JSON.stringify(line) + "\n");
}

// spy reports every event, also those that arrive before "connect" and those whose name nobody listens to.
function spy(name, socket, acks) {
  const onevent = socket.onevent;
  socket.onevent = function (packet) {
    const [event, ...args] = packet.data;
    const head = JSON.stringify({ client: name, event: toJSON(event), ack: packet.id != null || undefined });
    const rest = args.map((arg) => "\t" + (JSON.stringify(toJSON(arg)) ?? "null"));
    process.stdout.write(head + rest.join("") + "\n");
    if (packet.id != null && acks && Object.prototype.hasOwnProperty.call(acks, event)) {
      socket.ack(packet.id)(...fromJSON(acks[event]));
      return;
    }
    onevent.call(socket, packet);
  };
  socket.on("disconnect", (reason) => print({ client: name, disconnect: String(reason) }));
}

function connected(socket) {
  return new Promise((resolve, reject) => {
    socket.on("connect", resolve);
    socket.on("connect_error", (err) => reject(new Error("connect_error: " + ((err && err.message) || err))));
    socket.on("error", (err) => reject(new Error("error: " + ((err && err.message) || err))));
  });
}

function upgraded(engine) {
  return new Promise((resolve, reject) => {
    if (engine.transport.name === "websocket") {
      return resolve();
    }
    engine.on("upgrade", () => resolve());
    engine.on("upgradeError", reject);
  });
}

function call(socket, event, value) {
  return new Promise((resolve, reject) => {
    socket.emit(event, value, (answer) => (answer.error ? reject(new Error(answer.error)) : resolve(answer)));
  });
}

const operations = {
  async connect(op) {
    const options = { forceNew: true, reconnection: false, ...op.opts };
    if (op.transports) {
      options.transports = op.transports;
    }
    if (op.localAddress) {
      options.agent = new http.Agent({ localAddress: op.localAddress, keepAlive: true });
    }
    const beside = op.beside && clients.get(op.beside);
    const socket = beside ? beside.io.socket(op.namespace) : io(op.url + (op.namespace || "/"), options);
    clients.set(op.client, socket);
    spy(op.client, socket, op.acks);
    await connected(socket);
    if (!op.transports) {
      await upgraded(socket.io.engine);
    }
    const { id } = await call(socket, "join", op.rooms || []);
    return { id, transport: socket.io.engine.transport.name };
  },

  async call(op, socket) {
    return call(socket, op.event, fromJSON(op.value));
  },

  // The number of bytes that the TCP connection of a websocket client has read, compressed ones as they came.
  async bytesRead(op, socket) {
    const { ws } = socket.io.engine.transport;
    if (!ws) {
      throw new Error(op.client + " is no websocket client");
    }
    return ws._socket.bytesRead;
  },

  // The connection of a websocket client breaks: no packet says goodbye.
  async cut(op, socket) {
    const gone = new Promise((resolve) => socket.once("disconnect", resolve));
    socket.io.engine.transport.ws.terminate();
    await gone;
  },

  // A client that was cut off connects again, to the same server or another one. The answer says whether the server
  // has recovered its session.
  async reconnect(op, socket) {
    if (op.url) {
      socket.io.uri = op.url;
    }
    const back = connected(socket);
    socket.connect();
    await back;
    return { id: socket.id, recovered: socket.recovered };
  },

  async close(op, socket) {
    const { engine } = socket.io;
    if (engine.readyState !== "closed") {
      const closed = new Promise((resolve) => engine.on("close", resolve));
      socket.close();
      await closed;
    }
    clients.delete(op.client);
  },
};

readline.createInterface({ input: process.stdin, crlfDelay: Infinity }).on("line", (line) => {
  const op = JSON.parse(line);
  Promise.resolve()
    .then(() => operations[op.op](op, clients.get(op.client)))
    .then(
      (result) => print({ reply: op.id, result }),
      (err) => print({ reply: op.id, error: String((err && err.message) || err) })
    );
});
process.stdin.on("end", () => process.exit(0));

// A browser survives an exception thrown while a message is handled, and so do these clients: version 3 throws
// on a packet that it cannot parse.
process.on("uncaughtException", (err) => print({ exception: String((err && err.message) || err) }));
