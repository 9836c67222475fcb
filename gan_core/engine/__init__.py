"""The training engine: the only package that imports TensorFlow.

TensorFlow reads these variables once, when it is first imported: a CPU only, quiet, and with oneDNN's convolutions,
which it would leave out on processors without AVX-512, where they are twice as fast too.
"""

import os

from gan_core.skip_import import skipped

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

with skipped("pandas"):
    import keras  # noqa: F401
