// Prints this package's speed as ratios of CPU time: against the same client with bytes that are ready, against the
// official emitter, and of encoding against JSON.stringify. Each piece of work has a process of its own, so that none pays
// for the memory of another; they run in turns, so that a busy machine slows all of them down.
//
//	node bench/bench.mjs
//
// BENCH_JSON=FILE writes the figures into a file, too, one object a line. BENCH_QUICK=1 does little of everything: a
// smoke test, whose figures mean nothing.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { clients } from "../conformance/clients.mjs";
import { startRedis } from "../test/redis.mjs";
import { Report } from "./report.mjs";

const rounds = process.env.BENCH_QUICK ? 1 : 5;
const worker = fileURLToPath(new URL("work.mjs", import.meta.url));
const report = new Report("javascript");

const encoding = await measure("encode", ["json", "kept", "fresh"]);
const json = { against: "JSON.stringify of the argument", its: encoding.json };
report.time("encode a broadcast, target kept", encoding.kept, { ...json, atMost: 1.1 });
report.time("encode a broadcast, io.to(room) each time", encoding.fresh, json);

const redis = await startRedis();
try {
  for (const variant of Object.keys(clients)) {
    const times = await measure(variant, ["bare", "kept", "fresh", "single", "official"], redis.url);
    report.client = variant;
    const bare = { against: "a pipeline of ready bytes", its: times.bare };
    const official = { against: "@socket.io/redis-emitter 5.1.0", its: times.official };
    report.rate("pipeline, target kept", times.kept, { ...bare, atLeast: 0.7 });
    report.rate("pipeline, io.to(room) each time", times.fresh, { ...bare, atLeast: 0.7 });
    report.rate("pipeline, io.to(room) each time", times.fresh, { ...official, atLeast: 1.3 });
    report.rate("io.to(room).emit without a pipeline", times.single, official);
  }
} finally {
  await redis.close();
}
report.write(process.env.BENCH_JSON);

async function measure(variant, works, url = "") {
  const times = Object.fromEntries(works.map((work) => [work, []]));
  for (let round = 0; round < rounds; round++) {
    for (const work of works) {
      const { stdout } = await promisify(execFile)(process.execPath, [worker, variant, work, url]);
      times[work].push(Number(stdout));
    }
  }
  return times;
}
