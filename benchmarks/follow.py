"""What `follow` costs a training loop of somebody's own: a small GAN on MNIST in PyTorch, with it and without.

    python -m benchmarks.follow [--steps 1500] [--repeats 3]

PyTorch comes with `make bench-install`; its CPU build is enough. MNIST is read from the folder GANOMETER_DATA. The
loops take turns, so that what else the machine does disturbs both, and the shortest time of each counts; beside it
stands the time of the processors, of all threads. Nothing is written but a store in a temporary folder.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

from benchmarks.mnist import folder as mnist_folder
from gan_core import follow
from gan_core.data import datasets

LATENT, BATCH, SHOWN = 64, 128, 500


class Networks:
    """A DCGAN's two networks for 28 x 28 pixels, and one step of both."""

    def __init__(self, seed: int = 0):
        torch.manual_seed(seed)
        self.generator = nn.Sequential(
            nn.Linear(LATENT, 64 * 49),
            nn.ReLU(),
            nn.Unflatten(1, (64, 7, 7)),
            nn.ConvTranspose2d(64, 32, 4, 2, 1),
            nn.ReLU(),
            nn.ConvTranspose2d(32, 1, 4, 2, 1),
            nn.Tanh(),
        )
        self.discriminator = nn.Sequential(
            nn.Conv2d(1, 32, 4, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(32, 64, 4, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.Linear(64 * 49, 1),
        )
        about = dict(lr=2e-4, betas=(0.5, 0.999))
        self.of_generator = torch.optim.Adam(self.generator.parameters(), **about)
        self.of_discriminator = torch.optim.Adam(self.discriminator.parameters(), **about)

    def step(self, real: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Both losses, with logits: the discriminator's and the non-saturating one of the generator."""
        softplus = nn.functional.softplus
        fake = self.generator(torch.randn(len(real), LATENT))
        d_loss = softplus(-self.discriminator(real)).mean() + softplus(self.discriminator(fake.detach())).mean()
        self.of_discriminator.zero_grad()
        d_loss.backward()
        self.of_discriminator.step()
        g_loss = softplus(-self.discriminator(fake)).mean()
        self.of_generator.zero_grad()
        g_loss.backward()
        self.of_generator.step()
        return d_loss, g_loss


def train(x: torch.Tensor, steps: int, store: str | None) -> tuple[float, float, int]:
    """Seconds of the loop, seconds of the processors, and how many measurements; followed where a store is given."""
    networks, z, measured = Networks(), torch.randn(SHOWN, LATENT), 0
    run = follow("benchmark", "mnist", store=store, steps=steps) if store else None

    def samples() -> torch.Tensor:
        nonlocal measured
        measured += 1
        with torch.no_grad():
            return networks.generator(z)

    begun, busy = time.perf_counter(), time.process_time()
    for step in range(steps):
        rows = torch.randint(len(x), (BATCH,))
        d_loss, g_loss = networks.step(x[rows])
        if run:
            run.log(step, samples, {"discriminator": d_loss, "generator": g_loss})
    seconds, busy = time.perf_counter() - begun, time.process_time() - busy
    if run:
        run.close()
    return seconds, busy, measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    mnist = datasets.load("mnist", folder=mnist_folder())
    x = torch.from_numpy(np.moveaxis(mnist.train.x, 3, 1).astype(np.float32) / 127.5 - 1)
    times: dict[bool, list[tuple[float, float]]] = {False: [], True: []}
    measured = 0
    with tempfile.TemporaryDirectory() as folder:
        store = f"sqlite:///{Path(folder) / 'store.sqlite'}"
        train(x, 20, store)  # compiles, and makes the store
        for _ in range(options.repeats):
            for followed in (False, True):
                seconds, busy, count = train(x, options.steps, store if followed else None)
                times[followed].append((seconds, busy))
                print(f"{'followed' if followed else 'alone'}: {seconds:.1f} s, processors {busy:.1f} s", flush=True)
                measured = max(measured, count)
    alone, followed = ([min(column) for column in zip(*times[which])] for which in (False, True))
    with_what = f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads"
    print(f"{with_what}, {options.steps:,} steps of {BATCH} on MNIST")
    for name, (seconds, busy) in (("alone", alone), ("followed", followed)):
        print(f"{name:<9}{seconds:7.1f} s   {options.steps / seconds:6.1f} steps/s   {busy:7.1f} s of processors")
    print(f"{measured} measurements of {SHOWN} samples")
    wall, processors = (100 * (after / before - 1) for before, after in zip(alone, followed))
    print(f"follow costs {wall:.1f} % of the time, {processors:.1f} % of the processors")


if __name__ == "__main__":
    main()
