"""The training engine: the only package that imports TensorFlow.

TensorFlow reads these variables once, when it is first imported: a CPU only, and quiet.
"""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
