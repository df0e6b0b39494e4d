// Prints this package's speed as ratios of CPU time: against the same client with bytes that are ready, against the
// official emitter, and of encoding against JSON.stringify. Each piece of work has a process of its own, so that none pays
// for the memory of another; they run in turns, so that a busy machine slows all of them down.
//
//	node bench/bench.mjs [ROUNDS]
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { clients } from "../conformance/clients.mjs";
import { startRedis } from "../test/redis.mjs";

const rounds = Number(process.argv[2] ?? 5);
const worker = fileURLToPath(new URL("work.mjs", import.meta.url));

const encoding = await measure("encode", ["json", "kept", "fresh"]);
console.log(`encoding, JSON.stringify of the argument: ${median(encoding.json)} ns`);
print("a broadcast to a target that is kept (bar: 1.1)", encoding.kept, encoding.json);
print("a broadcast to a new target", encoding.fresh, encoding.json);

const redis = await startRedis();
try {
  for (const variant of Object.keys(clients)) {
    const times = await measure(variant, ["bare", "kept", "fresh", "single", "official"], redis.url);
    console.log(
      `${variant}, a PUBLISH of the same ready bytes again and again: ${median(times.bare)} ns; rates against it`,
    );
    print("pipeline, target kept (bar: 0.7)", times.bare, times.kept);
    print("pipeline, io.to(room) for each event", times.bare, times.fresh);
    console.log(`  the official emitter: ${median(times.official)} ns; rates against it`);
    print("pipeline, io.to(room) for each event (bar: 1.3)", times.official, times.fresh);
    print("io.to(room).emit without a pipeline", times.official, times.single);
  }
} finally {
  await redis.close();
}

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

function print(what, above, below) {
  const ratios = above.map((time, i) => time / below[i]).sort((a, b) => a - b);
  const range = `${ratios[0].toFixed(2)} to ${ratios.at(-1).toFixed(2)}`;
  console.log(`  ${(median(above) / median(below)).toFixed(2)}  (${range})  ${what}`);
}

function median(list) {
  return [...list].sort((a, b) => a - b)[list.length >> 1];
}
