"""First call of a training step without the compile cache, filling it, and with it; each in a new process.

    python packages/core/benchmarks/compile_cache.py [--model ssd300] [--batch 8] [--rounds 1] [--json FILE]

After three steps the weights and all other state must be equal bit for bit; the exit code is 1 if they are not.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from networks import in_new_process


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="ssd300")
    parser.add_argument("--batch", type=int)
    parser.add_argument("--rounds", type=int, default=1, help="times the three are run")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    results: list[dict] = []
    print(f"{arguments.model:<16}{'first call s':>13}{'CPU s':>8}{'peak MiB':>10}  state after 3 steps")
    for _ in range(arguments.rounds):
        with tempfile.TemporaryDirectory() as folder:
            for name, cache in (("without", None), ("filling", Path(folder)), ("with", Path(folder))):
                found = in_new_process(arguments.model, 2, arguments.batch, cache)
                results.append({"cache": name, **found})
                print(
                    f"{name:<16}{found['first_call_s']:>13.1f}{found['first_call_cpu_s']:>8.1f}"
                    f"{found['peak_mib']:>10.0f}  {found['weights_md5'][:12]}",
                    flush=True,
                )
    plain = sum(found["first_call_cpu_s"] for found in results if found["cache"] == "without")
    cached = sum(found["first_call_cpu_s"] for found in results if found["cache"] == "with")
    same = len({found["weights_md5"] for found in results}) == 1
    used = all(found["kept_graphs"] == 1 for found in results if found["cache"] != "without")
    print(f"ratio by CPU time {plain / cached:.1f}; state {'equal' if same else 'NOT EQUAL'}")
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))
    return 0 if same and used else 1


if __name__ == "__main__":
    sys.exit(main())
