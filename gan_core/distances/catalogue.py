"""Every metric by the name it has on the command line and in JSON: what it says, what is better, where it is from.

Only text: pages read it without loading anything that computes.
"""

from __future__ import annotations

from dataclasses import dataclass

VERSION = 2
"""Of the definitions below: references and reports of another version are measured again."""


@dataclass(frozen=True)
class Metric:
    """`better`: lower, higher, target (both sides are bad) or diagnostic (no score). `ideal`: at endless n, if any.

    `needs`: which inputs besides real and fake samples. `live`: quick enough to follow a training.
    """

    name: str
    title: str
    better: str
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
        "Twice the mean distance from real to generated, minus what each kind has within itself: 0 exactly when both "
        "come from one distribution.",
        _SZEKELY,
        "Distances",
    ),
    Metric(
        "energy_coefficient",
        "Energy coefficient",
        "lower",
        0.0,
        "The energy distance as a share of the largest it could be, from 0 to 1; units do not matter.",
        _SZEKELY,
        "Distances",
    ),
    Metric(
        "mean_real_real",
        "Real to real",
        "diagnostic",
        None,
        "How far two different real samples are from each other on average: the data's own spread.",
        _SZEKELY,
        "Distances",
    ),
    Metric(
        "mean_fake_fake",
        "Generated to generated",
        "diagnostic",
        None,
        "The same among generated samples. Much smaller than real to real: they are too alike.",
        _SZEKELY,
        "Distances",
    ),
    Metric(
        "mean_real_fake",
        "Real to generated",
        "diagnostic",
        None,
        "From a real sample to a generated one. Alone it proves nothing: a single average image scores best.",
        _SZEKELY,
        "Distances",
    ),
    Metric(
        "mmd_rbf",
        "MMD, Gaussian kernel",
        "lower",
        0.0,
        "Like the energy distance, with a Gaussian of the median real distance as the measure of closeness.",
        _GRETTON,
        "Distances",
    ),
    Metric(
        "mmd_polynomial",
        "MMD, cubic kernel",
        "lower",
        0.0,
        "Compares means, spreads and skews of all coordinates at once; the kernel of KID.",
        "Bińkowski et al. 2018, arXiv:1801.01401",
        "Distances",
        live=False,
    ),
    Metric(
        "nn_accuracy_real",
        "1-NN accuracy, real",
        "target",
        0.5,
        "How often a real sample's nearest neighbour is real: .5 is perfect, 1 is told apart at sight, less than .5 "
        "means generated samples crowd around real ones.",
        _XU,
        "Nearest neighbours",
    ),
    Metric(
        "nn_accuracy_fake",
        "1-NN accuracy, generated",
        "target",
        0.5,
        "How often a generated sample's nearest neighbour is generated: .5 is perfect, more means they keep together.",
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
        "The mean distance from a real sample to the nearest generated one; blind to additional bad samples.",
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
        "How far samples have to move, root mean square, when each generated one is paired with a real one in the "
        "best way. Never 0 for different samples: read it beside real-vs-real.",
        "Peyré & Cuturi 2019, arXiv:1803.00567",
        "Transport",
        live=False,
    ),
    Metric(
        "sliced_wasserstein",
        "Sliced Wasserstein",
        "lower",
        None,
        "The same seen along 512 fixed directions, where pairing is sorting; scaled so that a shift counts its length.",
        "Bonneel et al. 2015, J. Math. Imaging Vis. 51",
        "Transport",
    ),
    Metric(
        "frechet_distance",
        "Fréchet distance",
        "lower",
        0.0,
        "Compares means and covariances only, as FID does in its own feature space. Grows when n is small.",
        "Heusel et al. 2017, arXiv:1706.08500",
        "Transport",
        live=False,
    ),
    Metric(
        "precision",
        "Precision",
        "higher",
        None,
        "Which share of the generated samples lies inside the ball around some real sample. Blur raises it.",
        _KYNKAANNIEMI,
        "Balls around samples",
    ),
    Metric(
        "recall",
        "Recall",
        "higher",
        None,
        "Which share of the real samples lies inside the ball around some generated one.",
        _KYNKAANNIEMI,
        "Balls around samples",
    ),
    Metric(
        "density",
        "Density",
        "target",
        1.0,
        "In how many real balls a generated sample lies, on average 1. Above 1 they are denser than real ones: blur.",
        _NAEEM,
        "Balls around samples",
    ),
    Metric(
        "coverage",
        "Coverage",
        "higher",
        None,
        "Which share of the real samples has a generated one inside its ball: .97 is perfect at k = 5.",
        _NAEEM,
        "Balls around samples",
    ),
    Metric(
        "symmetric_precision",
        "Symmetric precision",
        "higher",
        None,
        "Precision, but a generated sample must also have a real one inside its own ball: blur lowers it.",
        _SYMMETRIC,
        "Balls around samples",
    ),
    Metric(
        "symmetric_recall",
        "Symmetric recall",
        "higher",
        None,
        "The smaller of recall and coverage: which share of the real variety is there.",
        _SYMMETRIC,
        "Balls around samples",
    ),
    Metric(
        "clipped_density",
        "Clipped density",
        "higher",
        1.0,
        "Density that no crowd and no outlier can inflate: falls in step with the share of bad samples.",
        _SALVY,
        "Balls around samples",
    ),
    Metric(
        "clipped_coverage",
        "Clipped coverage",
        "higher",
        1.0,
        "Coverage read as the share of good samples that would cover as much.",
        _SALVY,
        "Balls around samples",
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
        "Which share of the samples lies within three standard deviations of a cluster: .9889 is perfect in 2-D.",
        _MODES,
        "Modes",
        needs=("modes",),
    ),
    Metric(
        "ndb",
        "Bins that differ",
        "lower",
        0.05,
        "Of up to 100 regions of the training data, the share whose proportions differ at .05; chance alone gives .05.",
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
        "Which share is closer to a training sample than to any of as many held-out ones: .5 unless it copies.",
        "distance to closest record, Platzer & Reutterer 2021, Front. Big Data 4",
        "Copies",
        needs=("train", "holdout"),
    ),
    Metric(
        "copy_share",
        "Very close to training data",
        "lower",
        0.01,
        "Which share is nearer to a training sample than 99 % of the held-out samples are.",
        "metrics of memorization, see dcr_share",
        "Copies",
        needs=("train", "holdout"),
    ),
    Metric(
        "authenticity",
        "Authenticity",
        "target",
        None,
        "Which share is farther from its nearest training sample than that one is from the next. Blur raises it too: "
        "compare with held-out samples only.",
        "Alaa et al. 2022, arXiv:2102.08921",
        "Copies",
        needs=("train",),
    ),
    Metric(
        "ct_score",
        "Data-copying test C_T",
        "target",
        0.0,
        "Are generated samples nearer to the training data than held-out ones are, region by region? Far below 0 it "
        "copies, far above 0 it misses the data.",
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
        "The yardstick of 2014, in nats. k-means centroids beat real images on it, so it proves nothing.",
        "Goodfellow et al. 2014, arXiv:1406.2661; the warning is Theis et al. 2016, arXiv:1511.01844",
        "Museum",
        live=False,
        needs=("holdout",),
    ),
)

METRICS: dict[str, Metric] = {metric.name: metric for metric in _ALL}

CORRUPTION_TITLES: dict[str, tuple[str, str]] = {
    "drop": ("Thinned classes", "Half of the classes lose this share of their samples: with 1 they are gone."),
    "blur": ("Blur", "Every image is smoothed by a Gaussian this many pixels wide."),
    "noise": ("Noise", "Every value is moved at random, by this share of the data's range."),
    "shift": ("Shift", "Every sample is moved: an image by this many pixels, a point by as many standard deviations."),
    "dim": ("Dimming", "Every value is multiplied by this."),
    "outliers": ("Outliers", "This share of the samples is replaced by uniform noise."),
    "shrink": ("Shrunk to the mean", "Every sample is drawn this far towards the average sample."),
    "atoms": ("Few different samples", "Only this share of the samples is different; all others repeat them."),
    "copies": ("Copies of training data", "This share of the samples is replaced by training samples."),
}
"""What the ruler is tested with, mild to strong: name -> (title, what one level does). The deeds are in ruler.py."""
