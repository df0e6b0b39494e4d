import { writeFileSync } from "node:fs";

/** The figures of a run: ratios, each a number per round, and the bars for their medians. */
export class Report {
  /** The client of Redis that the figures are about; empty where none takes part. */
  client = "";

  #language;
  #lines = [];

  constructor(language) {
    this.#language = language;
  }

  /** Notes how many times as fast something is as its reference: nanoseconds per event, for each round. */
  rate(what, nanoseconds, { its, ...reference }) {
    this.#add(what, nanoseconds, { ...reference, ratio: "rate", rounds: its.map((time, i) => time / nanoseconds[i]) });
  }

  /** Notes how many times as long something takes as its reference. */
  time(what, nanoseconds, { its, ...reference }) {
    this.#add(what, nanoseconds, { ...reference, ratio: "time", rounds: its.map((time, i) => nanoseconds[i] / time) });
  }

  #add(what, nanoseconds, rest) {
    const line = { language: this.#language, client: this.client, what, nanoseconds: median(nanoseconds), ...rest };
    this.#lines.push(line);
  }

  /** Prints a table, and writes a line of JSON for each figure into a file, if one is named. */
  write(file) {
    const table = [["client", "what", "one", "compared with", "ratio (lowest to highest)", "bar", "met"]];
    for (const line of this.#lines) {
      const [low, middle, high] = [Math.min(...line.rounds), median(line.rounds), Math.max(...line.rounds)];
      const ratio = `${line.ratio} ${middle.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
      table.push([
        line.client,
        line.what,
        `${line.nanoseconds.toFixed(0)} ns`,
        line.against,
        ratio,
        ...bar(line, middle),
      ]);
    }
    const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
    for (const row of table) {
      console.log(
        row
          .map((cell, column) => cell.padEnd(widths[column]))
          .join("  ")
          .trimEnd(),
      );
    }
    if (file) {
      writeFileSync(file, this.#lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    }
  }
}

function bar({ atLeast, atMost }, value) {
  if (atLeast !== undefined) {
    return [`at least ${atLeast}`, value >= atLeast ? "yes" : "NO"];
  }
  return atMost === undefined ? ["", ""] : [`at most ${atMost}`, value <= atMost ? "yes" : "NO"];
}

function median(list) {
  return [...list].sort((a, b) => a - b)[list.length >> 1];
}
