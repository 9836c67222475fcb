"""How far are generated samples from real ones? Arrays in, records out: no TensorFlow, no files.

    report        every metric of one set of samples, as a records.Report   measure(real=, fake=, ...)
      reference     the same between two sets of real samples               calibrate(test=, pool=, n=)
      ruler         the same for real samples that were damaged             sheet(test=, pool=, n=)
      verdict       numbers -> words                                        catalogue: every metric in words
      panels        which metrics, in which order                           case: what they share
        energy, neighbours, transport, modes, memorization, parzen          the metrics
          pairwise    exact Euclidean distances, one pass                   within(x), across(real=, fake=)
            kernels     its compiled loops

Each module imports only modules below it. `real` and `fake` are keyword-only everywhere, because swapping
them gives a different number and no error.
"""
