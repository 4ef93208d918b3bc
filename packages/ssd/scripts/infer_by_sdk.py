#!/usr/bin/env python3
"""Old interface: objects in pictures by a MindX SDK pipeline. Options: --help"""

import sys

from ms_core.ascend310.sdk_infer import main

if __name__ == "__main__":
    sys.exit(main())
