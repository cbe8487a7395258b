"""Settings shared by every test file."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the matrices are small, and xdist already fills the cores

from hypothesis import settings

settings.register_profile("course", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("course")
