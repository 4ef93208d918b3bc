"""`python -m ms_segformer` is the command `ms-segformer`."""

import sys

from ms_segformer.cli import main

sys.exit(main())
