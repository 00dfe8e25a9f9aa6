// JSON as the protocol has it: a member given twice is an error, which JSON.parse does not notice.

export type Json = null | boolean | number | string | Json[] | JsonObject;
export type JsonObject = { [name: string]: Json };

/** Something from outside is not what it has to be; the message says where, what belongs there and what came. */
export class Malformed extends Error {}

const SPACE = /[ \t\n\r]*/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const LITERAL = /true|false|null/y;
const DEEPEST = 512;

class Reader {
  readonly text: string;
  at = 0;
  depth = 0;

  constructor(text: string) {
    this.text = text;
  }

  /** The text that the pattern matches here, which is then behind; nothing where it does not match. */
  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    this.at += found?.length ?? 0;
    return found;
  }

  takeMark(mark: string): boolean {
    this.take(SPACE);
    if (this.text[this.at] !== mark) return false;
    this.at += 1;
    return true;
  }

  fail(expected: string): never {
    const came = JSON.stringify(this.text.slice(this.at, this.at + 20));
    throw new Malformed(`character ${this.at}: expected ${expected}, got ${came}`);
  }

  value(): Json {
    if (this.takeMark("{")) return this.nested(() => this.members());
    if (this.takeMark("[")) return this.nested(() => this.items());
    const literal = this.take(STRING) ?? this.take(NUMBER) ?? this.take(LITERAL);
    return literal === undefined ? this.fail("a JSON value") : (JSON.parse(literal) as Json);
  }

  nested<T>(read: () => T): T {
    this.depth += 1;
    if (this.depth > DEEPEST) this.fail(`at most ${DEEPEST} levels`);
    const found = read();
    this.depth -= 1;
    return found;
  }

  items(): Json[] {
    const found: Json[] = [];
    if (this.takeMark("]")) return found;
    do found.push(this.value());
    while (this.takeMark(","));
    if (!this.takeMark("]")) this.fail("a comma or the end of the array");
    return found;
  }

  members(): JsonObject {
    const found = Object.create(null) as JsonObject;
    if (this.takeMark("}")) return found;
    do {
      this.take(SPACE);
      const start = this.at;
      const name = JSON.parse(this.take(STRING) ?? this.fail("the name of a member")) as string;
      if (name in found) throw new Malformed(`character ${start}: member ${JSON.stringify(name)} is given twice`);
      if (!this.takeMark(":")) this.fail("a colon");
      found[name] = this.value();
    } while (this.takeMark(","));
    if (!this.takeMark("}")) this.fail("a comma or the end of the object");
    return found;
  }
}

/** The value that the text holds, all of it. */
export function parseJson(text: string): Json {
  const reader = new Reader(text);
  const found = reader.value();
  reader.take(SPACE);
  if (reader.at !== text.length) reader.fail("the end of the text");
  return found;
}

/** What a message says of a value that should not be there. */
export function shown(value: Json | undefined): string {
  return value === undefined ? "nothing" : JSON.stringify(value).slice(0, 80);
}

export function asObject(value: Json | undefined, place: string): JsonObject {
  if (value === undefined || value === null || typeof value !== "object" || Array.isArray(value)) {
    throw new Malformed(`${place}: expected an object, got ${shown(value)}`);
  }
  return value;
}

export function asArray(value: Json | undefined, place: string): Json[] {
  if (!Array.isArray(value)) throw new Malformed(`${place}: expected an array, got ${shown(value)}`);
  return value;
}

export function asString(value: Json | undefined, place: string): string {
  if (typeof value !== "string") throw new Malformed(`${place}: expected a string, got ${shown(value)}`);
  return value;
}

/** An object with just these members. */
export function withMembers(value: Json | undefined, names: readonly string[], place: string): JsonObject {
  const found = asObject(value, place);
  for (const name of Object.keys(found)) {
    if (!names.includes(name)) throw new Malformed(`${place}: member ${JSON.stringify(name)} does not belong here`);
  }
  for (const name of names) {
    if (!(name in found)) throw new Malformed(`${place}: member ${JSON.stringify(name)} is missing`);
  }
  return found;
}
