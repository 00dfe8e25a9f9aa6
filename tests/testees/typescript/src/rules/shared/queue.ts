// The queue from the chain below: a hash chain over its entries, consumed in order.

import { hashWords, Tag } from "../../hash/digests.ts";
import { require } from "../../reasons.ts";
import type { Queue } from "../../records.ts";
import type { Digest } from "../../schema.ts";

type Entry = { readonly position: bigint; readonly chain: Digest; readonly key: Digest };

/** Takes the next entry: its number and hash chain must be the stated ones. */
export function consumeEntry(queue: Queue, { position, chain, key }: Entry, words: readonly bigint[]): Queue {
  require(position === queue.position, "QUEUE_ORDER");
  require(chain === hashWords(Tag.QUEUE, [queue.chain, key], words), "HASH_CHAIN");
  return { position: position + 1n, chain };
}
