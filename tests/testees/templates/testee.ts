// A testee to start from: node testee.ts (Node 22.18 or newer). It knows the protocol and no operation yet.
import { createInterface } from "node:readline";

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
type Members = { [name: string]: Json };
type Step = { op: string; args: Members };

const hello: Members = {
  implementation: { name: "my exchange", version: "0.1", language: "TypeScript", source: "" },
  rules: ["perpetual"],
  // Name here what you have connected, such as "withdraw": what is not named is not sent.
  operations: ["withdraw"],
  features: [],
  observes: ["reason", "delta"],
};

// Your exchange goes here.
class Engine {
  // Take market parameters and the like.
  configure(_config: Members): void {}

  // Start from a state; what is absent is zero.
  load(_state: Members): void {}

  // Apply one operation, wholly or not at all. Integers in args are decimal strings: use BigInt.
  apply(op: string, args: Members): Members {
    if (op === "withdraw" && BigInt(args.amount as string) < 1n) {
      return { outcome: "rejected", reason: "AMOUNT", delta: [] };
    }
    // Where it happens: { outcome: "accepted", delta: [{ path: "/account/4/collateral", value: "5000" }] }
    return { outcome: "skipped", why: `${op} is not connected yet` };
  }
}

// One result for each step; none after one that is neither accepted nor rejected.
function results(engine: Engine, steps: Step[]): Members[] {
  const found: Members[] = [];
  for (const step of steps) {
    const result = engine.apply(step.op, step.args);
    found.push(result);
    if (result.outcome !== "accepted" && result.outcome !== "rejected") break;
  }
  return found;
}

const engine = new Engine();
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  let reply: Members = {};
  if (request.request === "stop") process.exit(0);
  if (request.request === "hello") reply = hello;
  if (request.request === "configure") {
    engine.configure(request.config);
    reply = { result: "ok" };
  }
  if (request.request === "run") {
    engine.load(request.case.pre);
    reply = { results: results(engine, request.case.steps) };
  }
  process.stdout.write(`${JSON.stringify({ seq: request.seq, ...reply })}\n`);
}
