// A testee: requests come in on standard input, a line each, and their replies go out on standard output.

import { Malformed } from "./json.ts";
import { mannerOf, Session } from "./protocol.ts";

const LINE_FEED = 0x0a;
const MALFORMED = 3;
const INTERNAL = 70;

/** The lines of a stream of bytes, each ended by a line feed. */
async function* linesOf(input: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let parts: Buffer[] = [];
  for await (const chunk of input) {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      yield decoder.decode(Buffer.concat([...parts, chunk.subarray(start, end)]));
      parts = [];
      start = end + 1;
    }
    parts.push(chunk.subarray(start));
  }
  if (parts.some((part) => part.length > 0)) throw new Malformed("the last line does not end with a line feed");
}

/** Answers until it is asked to stop, or nobody asks any more. */
async function answerAll(): Promise<void> {
  const session = new Session(mannerOf(process.argv.slice(2)));
  for await (const line of linesOf(process.stdin)) {
    const reply = session.answer(line);
    if (reply === undefined) return;
    process.stdout.write(`${reply}\n`);
  }
}

try {
  await answerAll();
} catch (error) {
  const malformed = error instanceof Malformed || error instanceof TypeError;
  process.stderr.write(`${malformed ? error.message : (error as Error).stack}\n`);
  process.exitCode = malformed ? MALFORMED : INTERNAL;
}
