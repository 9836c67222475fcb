"""Every metric by the name it has on the command line and in JSON: what it means, what is better, which paper.

Only text: pages read it without loading anything that computes.
"""

from __future__ import annotations

from dataclasses import dataclass

from gan_core.records import Direction

VERSION = 2
"""Raise it with every metric that is added or defined anew, then run `make references`.

A reference of another version is not used, but measured again; a report keeps the version it was measured with.
"""


@dataclass(frozen=True)
class Metric:
    """`better`: lower, higher, target (too low and too high are bad) or diagnostic (no score).

    `ideal`: the value that a perfect generator approaches as n grows, if there is one. `sentence` explains the metric,
    `source` is its paper, `group` the table it stands in. `needs`: which inputs besides real and fake samples.
    `live`: quick enough to follow a training.
    """

    name: str
    title: str
    better: Direction
    ideal: float | None
    sentence: str
    source: str
    group: str
    live: bool = True
    needs: tuple[str, ...] = ()


_SZEKELY = "Székely & Rizzo 2013, J. Stat. Plan. Inference 143"
_GRETTON = "Gretton et al. 2012, JMLR 13"
_XU = "Lopez-Paz & Oquab 2017, arXiv:1610.06545; Xu et al. 2018, arXiv:1806.07755"
_ACHLIOPTAS = "Achlioptas et al. 2018, arXiv:1707.02392"
_KYNKAANNIEMI = "Kynkäänniemi et al. 2019, arXiv:1904.06991"
_NAEEM = "Naeem et al. 2020, arXiv:2002.09797"
_SYMMETRIC = "Khayatkhoei & AbdAlmageed 2023, arXiv:2306.09618"
_SALVY = "Salvy et al. 2026, ICLR"
_MODES = "the protocol of PacGAN, Lin et al. 2018, arXiv:1712.04086"
_MEEHAN = "Meehan et al. 2020, arXiv:2004.05675"

_ALL = (
    Metric(
        "energy_distance",
        "Energy distance",
        "lower",
        0.0,
        "Twice the mean distance from real to generated samples, minus the mean distances within each kind: 0 on "
        "average exactly when both come from one distribution.",
        _SZEKELY,
        "Distances",
    ),
    Metric(
        "energy_coefficient",
        "Energy coefficient",
        "lower",
        0.0,
        "The energy distance as a share of the largest it could be, from 0 to 1, so it does not depend on units.",
        _SZEKELY,
        "Distances",
    ),
    Metric(
        "mean_real_real",
        "Real to real",
        "diagnostic",
        None,
        "The mean distance between two different real samples: how spread out the data are.",
        _SZEKELY,
        "Distances",
    ),
    Metric(
        "mean_fake_fake",
        "Generated to generated",
        "diagnostic",
        None,
        "The mean distance between two generated samples. Much smaller than real to real: they are too alike.",
        _SZEKELY,
        "Distances",
    ),
    Metric(
        "mean_real_fake",
        "Real to generated",
        "diagnostic",
        None,
        "The mean distance from a real sample to a generated one. Alone it proves nothing: a generator that always "
        "shows the average image scores best.",
        _SZEKELY,
        "Distances",
    ),
    Metric(
        "mmd_rbf",
        "MMD, Gaussian kernel",
        "lower",
        0.0,
        "Maximum mean discrepancy (squared): like the energy distance, but pairs are compared by a Gaussian kernel "
        "whose width is the median distance between real samples.",
        _GRETTON,
        "Distances",
    ),
    Metric(
        "mmd_polynomial",
        "MMD, cubic kernel",
        "lower",
        0.0,
        "Maximum mean discrepancy (squared) with a kernel of degree 3, which compares means, variances and skewness of "
        "all coordinates at once; KID uses the same kernel.",
        "Bińkowski et al. 2018, arXiv:1801.01401",
        "Distances",
        live=False,
    ),
    Metric(
        "nn_accuracy_real",
        "1-NN accuracy, real",
        "target",
        0.5,
        "How often a real sample's nearest neighbour is real: .5 is perfect, 1 means that real and generated samples "
        "lie apart, less than .5 that generated samples lie closer to real ones than new real samples would.",
        _XU,
        "Nearest neighbours",
    ),
    Metric(
        "nn_accuracy_fake",
        "1-NN accuracy, generated",
        "target",
        0.5,
        "How often a generated sample's nearest neighbour is generated: .5 is perfect, more means that they form "
        "clusters of their own.",
        _XU,
        "Nearest neighbours",
    ),
    Metric(
        "chamfer_real_to_fake",
        "Chamfer, real to generated",
        "lower",
        None,
        "The mean squared distance from a real sample to the nearest generated one: large when something is missing.",
        _ACHLIOPTAS,
        "Nearest neighbours",
    ),
    Metric(
        "chamfer_fake_to_real",
        "Chamfer, generated to real",
        "lower",
        None,
        "The mean squared distance from a generated sample to the nearest real one. Blur lowers it, so it is no score.",
        _ACHLIOPTAS,
        "Nearest neighbours",
    ),
    Metric(
        "minimum_matching_distance",
        "Minimum matching distance",
        "lower",
        None,
        "The mean distance from a real sample to the nearest generated one; additional bad samples do not change it.",
        _ACHLIOPTAS,
        "Nearest neighbours",
    ),
    Metric(
        "matching_coverage",
        "Matched real samples",
        "higher",
        None,
        "Which share of the real samples is some generated sample's nearest: about .56 for perfect samples, never 1.",
        _ACHLIOPTAS,
        "Nearest neighbours",
    ),
    Metric(
        "wasserstein2",
        "Wasserstein-2, exact",
        "lower",
        None,
        "How far samples have to move (root mean square) when each generated one is paired with a real one in the "
        "cheapest way. Never 0 for different samples: compare it with what two sets of real samples give.",
        "Peyré & Cuturi 2019, arXiv:1803.00567",
        "Transport",
        live=False,
    ),
    Metric(
        "sliced_wasserstein",
        "Sliced Wasserstein",
        "lower",
        None,
        "Wasserstein-2 of the samples projected onto 512 fixed random directions, averaged; scaled so that a shift by "
        "a vector counts about its length.",
        "Bonneel et al. 2015, J. Math. Imaging Vis. 51",
        "Transport",
    ),
    Metric(
        "frechet_distance",
        "Fréchet distance",
        "lower",
        0.0,
        "Compares means and covariances only, as FID does on features of an Inception network. It is larger when n is "
        "small.",
        "Heusel et al. 2017, arXiv:1706.08500",
        "Transport",
        live=False,
    ),
    Metric(
        "precision",
        "Precision",
        "higher",
        None,
        "The share of generated samples that lie within the neighbourhood of some real sample: the ball around it that "
        "reaches to its k-th nearest real neighbour. Blur raises it.",
        _KYNKAANNIEMI,
        "Neighbourhoods (k-NN)",
    ),
    Metric(
        "recall",
        "Recall",
        "higher",
        None,
        "The share of real samples that lie within the neighbourhood of some generated one: the ball around it that "
        "reaches to its k-th nearest generated neighbour.",
        _KYNKAANNIEMI,
        "Neighbourhoods (k-NN)",
    ),
    Metric(
        "density",
        "Density",
        "target",
        1.0,
        "In how many real neighbourhoods a generated sample lies, divided by k: 1 on average. Above 1, generated "
        "samples are concentrated where real ones are dense, as blurred ones are.",
        _NAEEM,
        "Neighbourhoods (k-NN)",
    ),
    Metric(
        "coverage",
        "Coverage",
        "higher",
        None,
        "The share of real samples with a generated one in their neighbourhood: .97 is perfect at k = 5.",
        _NAEEM,
        "Neighbourhoods (k-NN)",
    ),
    Metric(
        "symmetric_precision",
        "Symmetric precision",
        "higher",
        None,
        "The smaller of precision and the share of generated samples with a real one in their own neighbourhood: blur "
        "lowers it.",
        _SYMMETRIC,
        "Neighbourhoods (k-NN)",
    ),
    Metric(
        "symmetric_recall",
        "Symmetric recall",
        "higher",
        None,
        "The smaller of recall and coverage: the share of the real variety that is generated.",
        _SYMMETRIC,
        "Neighbourhoods (k-NN)",
    ),
    Metric(
        "clipped_density",
        "Clipped density",
        "higher",
        1.0,
        "Density with large neighbourhoods cut to the median size and each sample counted in at most k of them, so "
        "outliers and crowded regions cannot raise it: it falls in proportion to the share of bad samples.",
        _SALVY,
        "Neighbourhoods (k-NN)",
    ),
    Metric(
        "clipped_coverage",
        "Clipped coverage",
        "higher",
        1.0,
        "Coverage turned into the share of good samples that would cover as much.",
        _SALVY,
        "Neighbourhoods (k-NN)",
    ),
    Metric(
        "modes_captured",
        "Modes captured",
        "higher",
        None,
        "How many of the known clusters have at least one sample within three standard deviations.",
        _MODES,
        "Modes",
        needs=("modes",),
    ),
    Metric(
        "high_quality_share",
        "High-quality share",
        "higher",
        None,
        "The share of samples within three standard deviations of a cluster's centre: .9889 is perfect in 2-D.",
        _MODES,
        "Modes",
        needs=("modes",),
    ),
    Metric(
        "ndb",
        "Bins that differ",
        "lower",
        0.05,
        "Number of statistically different bins: k-means cuts the training data into up to 100 regions, and this share "
        "of them holds significantly more or fewer generated than real samples (at .05; chance alone gives .05).",
        "Richardson & Weiss 2018, arXiv:1805.12462",
        "Modes",
        live=False,
        needs=("train",),
    ),
    Metric(
        "dcr_share",
        "Closer to training data",
        "target",
        0.5,
        "The share of generated samples closer to a training sample than to any of as many held-out ones: .5 unless "
        "training data were copied.",
        "distance to closest record, Platzer & Reutterer 2021, Front. Big Data 4",
        "Copies",
        needs=("train", "holdout"),
    ),
    Metric(
        "copy_share",
        "Very close to training data",
        "lower",
        0.01,
        "The share of generated samples nearer to a training sample than 99 % of the held-out samples are.",
        "metrics of memorization, see dcr_share",
        "Copies",
        needs=("train", "holdout"),
    ),
    Metric(
        "authenticity",
        "Authenticity",
        "target",
        None,
        "The share of generated samples that are farther from their nearest training sample than that one is from any "
        "other. Blur raises it too: compare it with what held-out samples give.",
        "Alaa et al. 2022, arXiv:2102.08921",
        "Copies",
        needs=("train",),
    ),
    Metric(
        "ct_score",
        "Data-copying test C_T",
        "target",
        0.0,
        "Compares, region by region, how near generated and held-out samples are to the training data, as a z-score "
        "(standard deviations from no difference). Far below 0 the generator copies, far above 0 it misses the data.",
        _MEEHAN,
        "Copies",
        live=False,
        needs=("train", "holdout"),
    ),
    Metric(
        "parzen_log_likelihood",
        "Parzen log-likelihood",
        "higher",
        None,
        "How likely test samples are under Gaussian kernels on generated ones, in nats: the usual metric of 2014. "
        "Centroids of k-means score better than real images, so it proves nothing.",
        "Goodfellow et al. 2014, arXiv:1406.2661; the warning is Theis et al. 2016, arXiv:1511.01844",
        "Historical: Parzen log-likelihood (2014)",
        live=False,
        needs=("holdout",),
    ),
)

METRICS: dict[str, Metric] = {metric.name: metric for metric in _ALL}

CORRUPTION_TITLES: dict[str, tuple[str, str]] = {
    "drop": ("Thinned classes", "Half of the classes lose this share of their samples; 1 removes them."),
    "blur": ("Blur", "Every image is smoothed by a Gaussian filter; the level is its standard deviation in pixels."),
    "noise": (
        "Noise",
        "Gaussian noise is added to every value; its standard deviation is this share of the data's range.",
    ),
    "shift": ("Shift", "Every sample is moved: an image by this many pixels, a point by as many standard deviations."),
    "dim": ("Dimming", "Every value is multiplied by this."),
    "outliers": ("Outliers", "This share of the samples is replaced by uniform noise."),
    "shrink": ("Shrunk to the mean", "Every sample is moved towards the mean by this share of the way."),
    "atoms": ("Few different samples", "Only this share of the samples is different; all others are repetitions."),
    "copies": ("Copies of training data", "This share of the samples is replaced by training samples."),
}
"""How real samples are corrupted to check the metrics: name -> (title, what its level means). See corruptions.py."""

UNITS = {
    "energy_distance": "data units",
    "minimum_matching_distance": "data units",
    "sliced_wasserstein": "data units",
    "chamfer_real_to_fake": "squared data units",
    "chamfer_fake_to_real": "squared data units",
} | {name: "data units" for name in ("mean_real_real", "mean_fake_fake", "mean_real_fake")}
"""Of the metrics that are no shares."""


def is_logarithmic(name: str) -> bool:
    """Whether a metric has a log axis: a distance has, so that the way down from 5 to .005 fills the chart."""
    groups, metric = ("Distances", "Nearest neighbours", "Transport"), METRICS.get(name)
    return metric is not None and metric.better == "lower" and metric.group in groups
