"""Do our losses and gradients agree with PyTorch's? python -m benchmarks.agreement

The weights of our networks are copied into PyTorch modules (peers/pytorch.py). Beside each other, on the same samples:
the logits, both losses of every game, R1 and R2, WGAN-GP on the same points, and the gradients of all of them with
respect to the samples. An entry is the largest difference as a share of the largest value on PyTorch's side; above
1e-5 the command ends with 1. It needs requirements-bench.txt.
"""

import sys

import numpy as np

LIMIT = 1e-5
BATCH = 64
NETWORKS = {
    "dense, classic-2014": ("classic-2014", None),
    "dense, auto": ("auto", None),
    "convolutional, auto": ("auto", 600.0),
}


def main() -> None:
    worst = 0.0
    for title, (name, seconds) in NETWORKS.items():
        print(title)
        for what, difference in compared(name, seconds):
            worst = max(worst, difference)
            print(f"  {what:<44}{difference:.1e}" + ("" if difference <= LIMIT else "   DISAGREES"))
    print(f"largest difference {worst:.1e}, limit {LIMIT:.0e}")
    sys.exit(worst > LIMIT)


def compared(name: str, seconds: float | None):
    """(what, largest relative difference) of everything."""
    import tensorflow as tf
    import torch

    from benchmarks.peers.pytorch import layers
    from gan_core.config.presets import preset
    from gan_core.engine import models, networks, objectives, penalties

    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (500, 28, 28, 1), dtype=np.uint8)
    gan = models.build(preset(name, data="mnist", shape=(28, 28, 1), seconds=seconds), networks.statistics(images))
    for network in (gan.generator, gan.discriminator):  # away from the start, where much is zero
        for weight in network.trainable_variables:
            weight.assign(weight + 0.05 * rng.standard_normal(weight.shape).astype(np.float32))
    netg, netd = (layers(network).double() for network in (gan.generator, gan.discriminator))
    real, fake = (rng.uniform(size=(BATCH, 28, 28, 1)).astype(np.float32) for _ in range(2))
    z = rng.standard_normal((BATCH, gan.settings.generator.latent_dim)).astype(np.float32)

    def ours_of(loss, x):
        x = tf.constant(x)
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = loss(x)
        return value.numpy(), tape.gradient(value, x).numpy()

    def theirs_of(loss, x):
        x = torch.tensor(x).double().permute(0, 3, 1, 2).clone().requires_grad_()
        value = loss(x)
        (gradient,) = torch.autograd.grad(value, x)
        return value.detach().numpy(), gradient.permute(0, 2, 3, 1).numpy()

    yield "samples", difference(gan.generator(z).numpy(), permuted(netg(torch.tensor(z).double())))
    logits = netd(torch.tensor(real).double().permute(0, 3, 1, 2))[:, 0]
    yield "logits", difference(gan.discriminator(real).numpy()[:, 0], logits.detach().numpy())
    for game, objective in objectives.OBJECTIVES.items():
        for side, peer in zip(("discriminator", "generator"), peers(game)):
            formula = getattr(objective, side)
            mine = ours_of(
                lambda x, f=formula: f(
                    real_logits=gan.discriminator(real)[:, 0], fake_logits=gan.discriminator(x)[:, 0]
                ),
                fake,
            )
            other = theirs_of(lambda x, f=peer: f(logits.detach(), netd(x)[:, 0]), fake)
            yield f"{game}: {side}'s loss", difference(mine[0], other[0])
            yield f"{game}: its gradient at the samples", difference(mine[1], other[1])

    def squared(x):
        (gradient,) = torch.autograd.grad(netd(x).sum(), x, create_graph=True)
        return gradient.square().sum((1, 2, 3))

    def our_squared(x):
        return penalties.logits_and_squared_gradients(lambda y: gan.discriminator(y)[:, 0], x)[1]

    for title, mine, other in (
        ("R1, R2", lambda x: penalties.zero_centred(our_squared(x), 3.0), lambda x: 1.5 * squared(x).mean()),
        (
            "WGAN-GP",
            lambda x: penalties.norm_penalty(1.0, our_squared(x), 10.0),
            lambda x: 10 * ((squared(x) + 1e-12).sqrt() - 1).square().mean(),
        ),
    ):
        our, their = ours_of(mine, real), theirs_of(other, real)
        yield f"{title}: penalty", difference(our[0], their[0])
        if np.abs(their[1]).max() > 1e-9:  # leaky ReLUs are straight: the slope hardly depends on the sample
            yield f"{title}: its gradient at the samples", difference(our[1], their[1])


def peers(game: str):
    """(discriminator's, generator's) loss of real and fake logits, as PyTorch code writes them."""
    from torch.nn import functional as F

    def cross_entropy(logits, target):
        return F.binary_cross_entropy_with_logits(logits, logits.new_full(logits.shape, target))

    def binary(a, b):
        return cross_entropy(a, 1.0) + cross_entropy(b, 0.0)

    return {
        "minimax": (binary, lambda a, b: -cross_entropy(b, 0.0)),
        "non-saturating": (binary, lambda a, b: cross_entropy(b, 1.0)),
        "least-squares": (
            lambda a, b: 0.5 * (F.mse_loss(a, a.new_ones(a.shape)) + b.square().mean()),
            lambda a, b: 0.5 * F.mse_loss(b, b.new_ones(b.shape)),
        ),
        "hinge": (lambda a, b: F.relu(1 - a).mean() + F.relu(1 + b).mean(), lambda a, b: -b.mean()),
        "wasserstein": (lambda a, b: b.mean() - a.mean(), lambda a, b: -b.mean()),
        "relativistic": (lambda a, b: cross_entropy(a - b, 1.0), lambda a, b: cross_entropy(b - a, 1.0)),
    }[game]


def permuted(x) -> np.ndarray:
    return x.detach().permute(0, 2, 3, 1).numpy()


def difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    return float(np.abs(np.asarray(ours, np.float64) - theirs).max() / max(np.abs(theirs).max(), 1e-12))


if __name__ == "__main__":
    main()
