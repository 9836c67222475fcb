"""How far generated samples are from real ones, and the checks of these metrics: arrays in, records out.

Imports arrays, codec and records, no TensorFlow and no files. The jobs, the worker, the service and the command line
import it: `report.measure`, `reference.calibrate`, `corruptions.corruption_test`, `verdict` and `catalogue`.

The metrics (energy, neighbours, transport, modes, memorization, parzen) are computed from `pairwise`, one exact pass
over all pairs; `inputs` holds what they share, and `registry` lists them. `real` and `fake` are keyword-only
everywhere, because swapping them gives a different number and no error.
"""
