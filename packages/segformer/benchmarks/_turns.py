"""What both workers of `network_speed.py` do with a step: take turns on demand, report time and memory. No imports of
either library here."""

import json
import resource
import sys
import time
from collections.abc import Callable


def serve(step: Callable[[], object]) -> None:
    """Warm up, say so, then read numbers of steps from the standard input and answer each with a line of JSON."""
    start = time.perf_counter()
    step()
    first_call = time.perf_counter() - start
    for _ in range(2):
        step()
    print(json.dumps({"first_call": first_call}), flush=True)
    for request in sys.stdin:
        print(json.dumps(measured(step, int(request))), flush=True)


def measured(step: Callable[[], object], steps: int) -> dict[str, float]:
    seconds = []
    cpu = time.process_time()
    for _ in range(steps):
        start = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - start)
    return {
        "seconds": min(seconds),
        "cpu_seconds": (time.process_time() - cpu) / steps,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }
