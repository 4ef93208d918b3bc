"""Start file of a training job on ModelArts; the parameters are described in config.yaml beside it.

The job's image needs ms-defrcn: build one with ../Dockerfile, or put the wheels beside this file and name
them in a pip-requirements.txt, which the service installs.
"""

import sys

from ms_core.old_zoo.modelarts_defrcn import main

if __name__ == "__main__":
    sys.exit(main())
