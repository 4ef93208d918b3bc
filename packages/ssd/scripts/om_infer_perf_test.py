#!/usr/bin/env python3
"""Old interface: COCO results and time a picture by a MindX SDK pipeline. Options: --help"""

import sys

from ms_core.ascend310.sdk_perf import main

if __name__ == "__main__":
    sys.exit(main())
