import sys

from ms_ssdlite_fpn.cli import main

sys.exit(main())
