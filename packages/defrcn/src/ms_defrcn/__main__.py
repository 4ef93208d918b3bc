"""`python -m ms_defrcn` is the command `ms-defrcn`."""

import sys

from ms_defrcn.cli import main

sys.exit(main())
