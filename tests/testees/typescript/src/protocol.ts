// The protocol, version 1: what each request is answered with.

import { Engine, isOperation, OPERATION_NAMES } from "./engine.ts";
import {
  asArray,
  asObject,
  asString,
  type Json,
  type JsonObject,
  Malformed,
  parseJson,
  shown,
  withMembers,
} from "./json.ts";

const VERSION = 1;

const OBSERVABLE = ["reason", "delta", "state", "root"] as const;
type Observed = (typeof OBSERVABLE)[number];

/** What the results show, and whether the tester is asked to give one operation at a time. */
export type Manner = { readonly observes: ReadonlySet<Observed>; readonly stepwise: boolean };

/** The manner that the words of a command line ask for; without any, all but the state, a case at a time. */
export function mannerOf(words: readonly string[]): Manner {
  const asked = words.filter((word) => word !== "stepwise");
  for (const word of asked) {
    if (!OBSERVABLE.some((name) => name === word)) throw new Malformed(`there is nothing called ${word} to show`);
  }
  const observes = words.length === 0 ? ["reason", "delta", "root"] : asked;
  return { observes: new Set(observes as Observed[]), stepwise: words.includes("stepwise") };
}

function greeting({ observes, stepwise }: Manner): object {
  return {
    implementation: { name: "perpspec in TypeScript", version: "0.1.0", language: "TypeScript", source: "" },
    rules: ["perpetual"],
    operations: OPERATION_NAMES,
    features: ["root", "config_digest", ...(stepwise ? ["stepwise"] : [])],
    observes: [...observes],
  };
}

/** The members of each request, besides its number and kind. */
const MEMBERS: { readonly [request: string]: readonly string[] } = {
  hello: ["protocol", "spec"],
  configure: ["rules", "config"],
  run: ["case"],
  load: ["case"],
  apply: ["step"],
  read: [],
  stop: [],
};

function isNumber(value: Json | undefined): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

export class Session {
  readonly #engine = new Engine();
  readonly #manner: Manner;
  #seq: number | undefined;
  #greeted = false;

  constructor(manner: Manner) {
    this.#manner = manner;
  }

  /** The line that answers a request, or nothing where it asks to stop. */
  answer(line: string): string | undefined {
    const request = asObject(parseJson(line), "request");
    const seq = this.#nextNumber(request["seq"]);
    try {
      const reply = this.#reply(request);
      return reply === undefined ? undefined : JSON.stringify({ seq, ...reply });
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      return JSON.stringify({ seq, error: error.message });
    }
  }

  #nextNumber(seq: Json | undefined): number {
    const expected = this.#seq === undefined ? undefined : this.#seq + 1;
    if (!isNumber(seq) || (expected !== undefined && seq !== expected)) {
      throw new Malformed(`seq: expected ${expected ?? "a number"}, got ${shown(seq)}`);
    }
    this.#seq = seq;
    return seq;
  }

  #reply(request: JsonObject): object | undefined {
    const kind = asString(request["request"], "request.request");
    const names = Object.hasOwn(MEMBERS, kind) ? MEMBERS[kind] : undefined;
    if (names === undefined) throw new Malformed(`there is no request ${JSON.stringify(kind)}`);
    withMembers(request, ["seq", "request", ...names], "request");
    if (kind !== "hello" && !this.#greeted) throw new Malformed("the first request has to be hello");
    switch (kind) {
      case "hello":
        return this.#hello(request);
      case "configure":
        return this.#configure(request);
      case "run":
        return this.#run(request["case"]);
      case "load":
        this.#engine.load(this.#caseOf(request["case"], ["id", "pre"])["pre"]);
        return { result: "ok" };
      case "apply":
        return { results: [this.#step(request["step"], "step")] };
      case "read":
        return { state: this.#engine.read() };
      default:
        return undefined;
    }
  }

  #hello(request: JsonObject): object {
    if (request["protocol"] !== VERSION) {
      throw new Malformed(`protocol: expected ${VERSION}, got ${shown(request["protocol"])}`);
    }
    const spec = withMembers(request["spec"], ["version", "digest"], "spec");
    asString(spec["version"], "spec.version");
    asString(spec["digest"], "spec.digest");
    this.#greeted = true;
    return greeting(this.#manner);
  }

  #configure(request: JsonObject): object {
    if (asString(request["rules"], "rules") !== "perpetual") {
      return { result: "unsupported", why: "only the rule set perpetual is here" };
    }
    this.#engine.configure(request["config"]);
    return { result: "ok" };
  }

  #caseOf(value: Json | undefined, members: readonly string[]): JsonObject {
    const found = withMembers(value, members, "case");
    asString(found["id"], "case.id");
    return found;
  }

  #run(value: Json | undefined): object {
    const found = this.#caseOf(value, ["id", "pre", "steps"]);
    const steps = asArray(found["steps"], "case.steps");
    this.#engine.load(found["pre"]);
    const results: object[] = [];
    for (const [place, step] of steps.entries()) {
      const result = this.#step(step, `case.steps.${place}`);
      results.push(result);
      if ("feature" in result) break;
    }
    return { results };
  }

  #step(value: Json | undefined, place: string): object {
    const step = withMembers(value, ["op", "args"], place);
    const op = asString(step["op"], `${place}.op`);
    if (!isOperation(op)) return { outcome: "unsupported", feature: op };
    const { reason, delta } = this.#engine.apply(op, step["args"]);
    const { observes } = this.#manner;
    return {
      outcome: reason === undefined ? "accepted" : "rejected",
      ...(observes.has("reason") && reason !== undefined && { reason }),
      ...(observes.has("delta") && { delta }),
      ...(observes.has("state") && { state: this.#engine.read() }),
      ...(observes.has("root") && { root: this.#engine.root() }),
    };
  }
}
