#!/usr/bin/env python3
"""Old interface: boxes of resized pictures in pixels of the original ones. Options: --help"""

import sys

from ms_core.ascend310.restore_coordinates import main

if __name__ == "__main__":
    sys.exit(main())
