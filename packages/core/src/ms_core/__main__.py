"""`python -m ms_core` is the command `ms-core`."""

import sys

from ms_core.cli import main

sys.exit(main())
