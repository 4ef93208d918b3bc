"""Convolutions take oneDNN's fast kernels on every processor, unless the user decides otherwise."""

import os
import subprocess
import sys

import pytest
from ms_core.cpu_kernels import VARIABLE


@pytest.mark.parametrize(("given", "expected"), [(None, "AVX2"), ("AVX512_CORE", "AVX512_CORE")])
def test_importing_the_core_is_enough_and_a_choice_of_the_user_stays(given, expected):
    environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
    if given is not None:
        environment[VARIABLE] = given
    command = f"import ms_core, os; print(os.environ[{VARIABLE!r}])"
    done = subprocess.run(
        [sys.executable, "-c", command], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == expected
