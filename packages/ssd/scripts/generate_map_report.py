#!/usr/bin/env python3
"""Old interface: the twelve COCO numbers of a result file. Options: --help"""

import sys

from ms_core.ascend310.map_report import main

if __name__ == "__main__":
    sys.exit(main())
