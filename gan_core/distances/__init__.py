"""How far are generated samples from real ones? Arrays in, records out: no TensorFlow, no files.

    report      every metric of one set of samples, as a records.Report     measure(real=, fake=, ...)
      reference   the same metrics between two sets of real samples         calibrate(test=, pool=, n=)
      energy      energy distance and its coefficient                       energy(real=, fake=)
      neighbours  nearest real rows, share of each class                    nearest_real(real=, fake=, k=)
        pairwise    exact Euclidean distances, block by block               within(x), across(real=, fake=)

Each module imports only modules below it. `real` and `fake` are keyword-only everywhere, because swapping
them gives a different number and no error.
"""
