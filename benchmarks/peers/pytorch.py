"""PyTorch, trained as its DCGAN tutorial trains (pytorch.org/tutorials/beginner/dcgan_faces_tutorial.html).

`article` has the article's dense networks in that loop, fed by a DataLoader; `convolutional` has the sub-pixel network
of our recipe, with its loss and penalties, fed from memory. `layers` makes PyTorch modules of our Keras networks, so
that shapes and, for benchmarks/agreement.py, weights are the same.
"""

import time

import keras
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

LEAK = 0.2


class Flat(nn.Module):
    """What Keras flattens is (height, width, channels)."""

    def forward(self, x):
        return x.permute(0, 2, 3, 1).reshape(len(x), -1) if x.dim() == 4 else x


class Picture(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape

    def forward(self, x):
        return x.reshape(len(x), *self.shape).permute(0, 3, 1, 2).contiguous()


class Scale(nn.Module):
    def __init__(self, gain, offset):
        super().__init__()
        self.register_buffer("gain", torch.tensor(gain))
        self.register_buffer("offset", torch.tensor(offset))

    def forward(self, x):
        return self.gain * x + self.offset


class Bias(nn.Module):
    def __init__(self, bias):
        super().__init__()
        self.bias = nn.Parameter(torch.tensor(bias))

    def forward(self, x):
        return x + self.bias


def layers(model: keras.Model) -> nn.Sequential:
    """The same network with the same weights; images are (n, c, h, w) here."""
    found = []
    for before, layer, after in zip([None, *model.layers], model.layers, [*model.layers[1:], None]):
        kind, weights = type(layer).__name__, [np.asarray(w) for w in layer.weights]
        if kind == "Dense":
            new = nn.Linear(*weights[0].shape)
            new.weight.data, new.bias.data = torch.tensor(weights[0].T.copy()), torch.tensor(weights[1])
        elif kind in ("Conv2D", "OneChannelConv2D"):
            kernel, bias = torch.tensor(weights[0].transpose(3, 2, 0, 1).copy()), torch.tensor(weights[1])
            if type(after).__name__ == "DepthToSpace":
                kernel, bias = _by_channel(kernel, 0), _by_channel(bias, 0)
            if type(before).__name__ == "SpaceToDepth":
                kernel = _by_channel(kernel, 1)
            new = nn.Conv2d(kernel.shape[1], kernel.shape[0], kernel.shape[2], padding=kernel.shape[2] // 2)
            new.weight.data, new.bias.data = kernel, bias
        elif kind in ("Affine", "Bias"):
            *gain, offset = weights
            offset = offset.transpose(2, 0, 1).copy() if offset.ndim == 3 else offset
            new = Scale(gain[0], offset) if gain else Bias(offset)
        elif kind == "Reshape":
            new = Picture(layer.target_shape) if len(layer.target_shape) == 3 else nn.Identity()
        elif kind == "Activation":
            new = nn.Sigmoid()
        else:
            plain = {
                "LeakyReLU": nn.LeakyReLU(LEAK),
                "Flatten": Flat(),
                "DepthToSpace": nn.PixelShuffle(2),
                "SpaceToDepth": nn.PixelUnshuffle(2),
            }
            new = plain.get(kind)
            if new is None and kind not in ("InputLayer", "Identity", "Cropping2D"):
                raise NotImplementedError(f"{kind} has no peer here; add one")
        if new is not None:
            found.append(new)
    return nn.Sequential(*found)


def _by_channel(weights, axis: int):
    """Of the four pixels that a pixel becomes, Keras keeps all channels together, PyTorch all pixels of a channel."""
    return weights.unflatten(axis, (4, -1)).transpose(axis, axis + 1).flatten(axis, axis + 1)


def article(gan, x: np.ndarray, seconds: float, workers: int, threads: int) -> float:
    """Steps per second of the tutorial's loop with the article's networks; `x` uint8 (n, 28, 28, 1)."""
    torch.set_num_threads(threads)
    netg, netd = layers(gan.generator), layers(gan.discriminator)
    images = torch.tensor(x).permute(0, 3, 1, 2).float() / 255
    batch = gan.settings.training.batch
    loader = DataLoader(
        TensorDataset(images), batch, shuffle=True, drop_last=True, num_workers=workers, persistent_workers=workers > 0
    )
    rate, betas = gan.settings.optimizer.learning_rate_generator, (gan.settings.optimizer.beta1, 0.999)
    optimizer_d, optimizer_g = (torch.optim.Adam(net.parameters(), rate, betas) for net in (netd, netg))
    criterion = nn.BCEWithLogitsLoss()
    ones, zeros = torch.ones(batch), torch.zeros(batch)

    def step(real):
        netd.zero_grad()
        loss_real = criterion(netd(real).view(-1), ones)
        loss_real.backward()
        fake = netg(torch.randn(batch, gan.settings.generator.latent_dim))
        loss_fake = criterion(netd(fake.detach()).view(-1), zeros)
        loss_fake.backward()
        optimizer_d.step()
        netg.zero_grad()
        criterion(netd(fake).view(-1), ones).backward()
        optimizer_g.step()

    def batches():
        while True:
            for (real,) in loader:
                yield real

    return _rate(step, batches(), seconds, warm=30)


def convolutional(gan, x: np.ndarray, seconds: float, channels_last: bool) -> float:
    """Steps per second of our convolutional recipe: relativistic pairs, R1 and R2 at every eighth step, two Adams."""
    form = torch.channels_last if channels_last else torch.contiguous_format
    netg, netd = (layers(net).to(memory_format=form) for net in (gan.generator, gan.discriminator))
    images, settings = torch.tensor(x).permute(0, 3, 1, 2).contiguous(), gan.settings
    batch, latent = settings.training.batch, settings.generator.latent_dim
    rate, betas = settings.optimizer.learning_rate_generator, (settings.optimizer.beta1, settings.optimizer.beta2)
    optimizer_d, optimizer_g = (torch.optim.Adam(net.parameters(), rate, betas) for net in (netd, netg))
    ema = [p.detach().clone() for p in netg.parameters()]
    fresh, every, number = settings.training.fresh_samples, settings.objective.penalty_every, [0]

    def batches():
        while True:
            picked = torch.randint(len(images), (batch,))
            yield (images[picked].float() / 255).contiguous(memory_format=form)

    source = batches()

    def step(real):
        fake = netg(torch.randn(batch, latent))
        both = torch.cat([real, fake.detach()]).requires_grad_()
        due = number[0] % every == 0
        logits = netd(both).view(-1)
        loss = F.softplus(logits[batch:] - logits[:batch]).mean()
        if due:
            (gradient,) = torch.autograd.grad(logits.sum(), both, create_graph=True)
            squared = gradient.square().sum((1, 2, 3))
            loss = loss + 0.5 * every * (squared[:batch].mean() + squared[batch:].mean())
        optimizer_d.zero_grad()
        loss.backward()
        optimizer_d.step()
        if fresh:
            real, fake = next(source), netg(torch.randn(batch, latent))
        logits = netd(torch.cat([real, fake])).view(-1)
        optimizer_g.zero_grad()
        F.softplus(logits[:batch] - logits[batch:]).mean().backward()
        optimizer_g.step()
        with torch.no_grad():
            torch._foreach_lerp_(ema, list(netg.parameters()), 0.001)
        number[0] += 1

    return _rate(step, source, seconds, warm=8)


def _rate(step, batches, seconds: float, warm: int) -> float:
    for _ in range(warm):
        step(next(batches))
    done, start = 0, time.perf_counter()
    while (took := time.perf_counter() - start) < seconds:
        step(next(batches))
        done += 1
    return done / took
