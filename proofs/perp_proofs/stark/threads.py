"""Two threads: kernels release the interpreter's lock, so ranges of their work run side by side."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

THREADS = min(os.cpu_count() or 1, 2)

CHUNKS_A_THREAD = 4
"""Parts of a thread's share: small enough that both end at about the same time."""

POOL = ThreadPoolExecutor(THREADS)


def in_parallel(kernel: Callable[..., Any], count: int, *arguments: Any, least: int = 1) -> None:
    """Run kernel(start, stop, *arguments) over parts of range(count); a part has at least so many items."""
    size = max(least, -(-count // (THREADS * CHUNKS_A_THREAD)))
    ranges = [(start, min(start + size, count)) for start in range(0, count, size)]
    if len(ranges) == 1:
        kernel(*ranges[0], *arguments)
        return
    for done in [POOL.submit(kernel, start, stop, *arguments) for start, stop in ranges]:
        done.result()
