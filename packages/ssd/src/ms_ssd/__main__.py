import sys

from ms_ssd.cli import main

sys.exit(main())
