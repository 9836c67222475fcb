"""The models, their training loop, and everything else that runs TensorFlow; no other wing may import TensorFlow.

Imports config, records and codec. Only jobs and worker import it, inside functions, so that other processes start fast.
"""

import os

from gan_core.skip_import import skipped

# TensorFlow reads these variables once, when it is first imported: use the CPU only, print no start-up messages, and
# use oneDNN's convolutions, which TensorFlow leaves out on processors without AVX-512 although they are twice as fast.
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

with skipped("pandas"):
    import keras  # noqa: F401
