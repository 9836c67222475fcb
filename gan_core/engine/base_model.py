"""What every model shares: a generator and its moving average, the learning rate schedule, the compiled training steps.

`train_step` serves plain `model.fit(samples)`. `chunk` runs the very same step many times inside one compiled call;
the training loop uses it. A subclass says what one step does (`update`) and what a step reports (`STEP_METRICS`).
"""

from __future__ import annotations

import math
from typing import Any, ClassVar, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from gan_core.config.run_config import LIVE_HYPERPARAMETERS, RunConfig, flatten_config
from gan_core.config.sections import ADVERSARIAL_LOSSES
from gan_core.engine import cpu_threads
from gan_core.engine.networks import DataStatistics, build_generator, is_convolutional
from gan_core.engine.optimizers import adam

BLOCK = 64
"""The most steps in one compiled call. The random draws of a run come in blocks of this many steps."""


class LiveHyperparameters(NamedTuple):
    """The settings that can change during a run without a new compilation: scalar float32 tensors."""

    learning_rate_generator: tf.Tensor
    learning_rate_discriminator: tf.Tensor
    r1: tf.Tensor
    r2: tf.Tensor
    gradient_penalty_weight: tf.Tensor
    energy_weight: tf.Tensor
    feature_matching: tf.Tensor
    diversity: tf.Tensor
    label_smoothing: tf.Tensor
    instance_noise: tf.Tensor
    total_steps: tf.Tensor

    @staticmethod
    def of(config: RunConfig) -> LiveHyperparameters:
        """Their values in a configuration."""
        flat = flatten_config(config)
        values = {key.split(".")[1]: flat[key] for key in LIVE_HYPERPARAMETERS} | {"total_steps": config.training.steps}
        return LiveHyperparameters(**{name: tf.constant(value, tf.float32) for name, value in values.items()})


class Batch(NamedTuple):
    """The inputs of one step: the first axis counts the updates of the step, the second the samples of an update.

    `real` (updates, n, *shape) in measured form, `z` (updates, n, latent), `classes` (updates, n, classes) one-hot, or
    None for networks without class labels. The real and the generated samples of an update have the same classes.
    """

    real: tf.Tensor
    z: tf.Tensor
    classes: tf.Tensor | None = None


class BaseModel(keras.Model):
    """A generator, its moving average, and in subclasses whatever trains it.

    `data` gives the networks the shape and the statistics of the samples, which are in measured form (float32, images
    in [0, 1]). All initial weights follow from `config.seed`.
    """

    STEP_METRICS: ClassVar[tuple[str, ...]]
    """The names of the values that every step reports, in order."""

    def __init__(self, config: RunConfig, data: DataStatistics):
        super().__init__(name=type(self).__name__.lower())
        self.settings, self.data = config, data
        self.generator = build_generator(config.generator, data, seed=config.seed)
        self.ema_generator = build_generator(config.generator, data, seed=config.seed)
        self.ema_generator.trainable = False
        self.generator_optimizer = adam(config, self.generator.trainable_variables)
        self.step = tf.Variable(tf.constant(0, tf.int64), trainable=False, name="step")
        self.seed = tf.Variable(tf.constant(config.seed, tf.int64), trainable=False, name="seed")
        # Convolutions under XLA are a hundred times slower on a CPU; dense layers become twice as fast.
        self.uses_xla = not is_convolutional(config.generator, config.discriminator)
        self.halves_batches = cpu_threads.halves_batches(config)
        self._compiled = tf.function(self._chunk, jit_compile=self.uses_xla, autograph=False)
        # Keras annotates these from their defaults, but None is documented: every network has an optimizer of its own.
        self.compile(optimizer=None, loss=None)  # pyright: ignore[reportArgumentType]

    # ------------------------------------------------------------ networks, optimizers, state

    @property
    def networks(self) -> dict[str, keras.Model]:
        """Every network, the averaged generator included, by the name its weights are stored under."""
        return {"generator": self.generator, "ema": self.ema_generator}

    @property
    def optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        """Every optimizer by the name its state is stored under."""
        return {"generator_optimizer": self.generator_optimizer}

    @property
    def state(self) -> dict[str, keras.Variable]:
        """Everything that training changes, by the name it is stored under: weights, optimizer moments and counts."""
        parts = {name: network.weights for name, network in self.networks.items()}
        parts |= {name: optimizer.variables for name, optimizer in self.optimizers.items()}
        return {f"{part}.{i}": variable for part, variables in parts.items() for i, variable in enumerate(variables)}

    @property
    def is_compiled(self) -> bool:
        """Whether the training steps have been compiled."""
        return self._compiled.experimental_get_tracing_count() > 0

    def copy_state(self, other: BaseModel) -> None:
        """Take over the settings and the state of a model of the same structure; what was compiled stays."""
        self.settings = other.settings
        self.step.assign(other.step)
        self.seed.assign(other.seed)
        for mine, new in zip(self.state.values(), other.state.values(), strict=True):
            mine.assign(new)

    def update(self, step: tf.Tensor, live: LiveHyperparameters, batch: Batch) -> tuple[tf.Tensor, ...]:
        """Train one step; returns one scalar for each name of STEP_METRICS."""
        raise NotImplementedError

    # ------------------------------------------------------------ one step

    def call(self, z: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Latents (n, latent) -> samples (n, *shape) in measured form."""
        return self.generator(z, training=training)

    def train_step(self, data: tf.Tensor | tuple[tf.Tensor, ...]) -> dict[str, tf.Tensor]:
        """One step on real samples (n, *shape) with new latents, for `fit`; without class labels.

        Keras may put the samples into a tuple. Returns the values of STEP_METRICS by name.
        """
        real = tf.cast(data[0] if isinstance(data, tuple) else data, tf.float32)
        n = batches_per_step(self.settings)
        z = tf.random.normal((n, tf.shape(real)[0], self.settings.generator.latent_dim))
        values = self.update(self.step, LiveHyperparameters.of(self.settings), Batch(tf.stack([real] * n), z))
        self.step.assign_add(1)
        return dict(zip(self.STEP_METRICS, values))

    # ------------------------------------------------------------ many steps

    def chunk(
        self,
        samples: tf.Tensor,
        draws: Draws,
        first: int,
        n: int,
        step: int,
        live: LiveHyperparameters,
        labels: tf.Tensor | None = None,
    ) -> np.ndarray:
        """Train steps `step` ... `step + n − 1` with rows first ... first + n − 1 of `draws`; gives (n, STEP_METRICS).

        `samples` are the training rows (m, *shape) in storage form, `labels` (m,) int32 their class numbers, or None
        for networks without class labels. The bits of the result do not depend on how steps are divided into chunks.
        n = 0 compiles and changes nothing. Raises ValueError past the end of the block.
        """
        if first + n > BLOCK:
            raise ValueError(f"{n} steps from row {first} pass the end of a block of {BLOCK}; take the next block")
        # Plain numbers would be constants of the compiled program, and another value would compile it again.
        live = LiveHyperparameters(*(tf.convert_to_tensor(value, tf.float32) for value in live))
        where = tf.constant(first), tf.constant(n), tf.constant(step, tf.int64)
        return self._compiled(samples, labels, draws.rows, draws.z, *where, live).numpy()[:n]

    def _chunk(
        self,
        samples: tf.Tensor,
        labels: tf.Tensor | None,
        indices: tf.Tensor,
        z: tf.Tensor,
        first: tf.Tensor,
        n: tf.Tensor,
        step: tf.Tensor,
        live: LiveHyperparameters,
    ) -> tf.Tensor:
        def body(k: tf.Tensor, values: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            # gather, not z[i]: XLA requires the start of a slice to be a constant and would compile for each value.
            picked, latents = tf.gather(indices, first + k), tf.gather(z, first + k)
            real = tf.cast(tf.gather(samples, picked), tf.float32)
            if samples.dtype == tf.uint8:
                real = real / 255.0
            classes = None if labels is None else tf.one_hot(tf.gather(labels, picked), self.data.classes)
            row = self.update(step + tf.cast(k, tf.int64), live, Batch(real, latents, classes))
            return k + 1, tf.tensor_scatter_nd_update(values, [[k]], [tf.stack(row)])

        values = tf.zeros((BLOCK, len(self.STEP_METRICS)))
        _, values = tf.while_loop(lambda k, _: k < n, body, (tf.constant(0), values))
        return values

    # ------------------------------------------------------------ parts of a step

    def progress(self, step: tf.Tensor, live: LiveHyperparameters) -> tf.Tensor:
        """The fraction of the run that is done, in [0, 1]; 1 for every step past the end."""
        return tf.minimum(1.0, tf.cast(step, tf.float32) / live.total_steps)

    def learning_rate_factor(self, step: tf.Tensor, live: LiveHyperparameters) -> tf.Tensor:
        """The schedule, a factor in [0, 1]: linear warm-up, constant, then linear or cosine decay to `decay_to`."""
        settings, done = self.settings.optimizer, self.progress(step, live)
        factor = tf.constant(1.0)
        if settings.decay_from < 1:
            left = tf.clip_by_value((1.0 - done) / (1.0 - settings.decay_from), 0.0, 1.0)
            if settings.schedule == "cosine":
                left = 0.5 - 0.5 * tf.cos(math.pi * left)
            factor = settings.decay_to + (1.0 - settings.decay_to) * left
        if settings.warmup_steps:
            factor *= tf.minimum(1.0, (tf.cast(step, tf.float32) + 1.0) / settings.warmup_steps)
        return factor

    def generator_inputs(self, z: tf.Tensor, classes: tf.Tensor | None) -> tf.Tensor:
        """Latents (n, latent) with one-hot classes (n, classes) behind them, or the latents alone."""
        return z if classes is None else tf.concat([z, classes], axis=1)

    def forward(self, network: keras.Model, x: Any) -> Any:
        """The outputs of a network for a batch; in two halves at once where cpu_threads says so.

        Both ways give the same outputs up to rounding, since no layer of such a network mixes samples.
        """
        if not self.halves_batches:
            return network(x, training=True)
        first = tf.nest.flatten(x)[0]
        half = (first.shape[0] or tf.shape(first)[0]) // 2
        parts = (tf.nest.map_structure(lambda t, at=at: t[at], x) for at in (slice(half), slice(half, None)))
        outputs = [network(part, training=True) for part in parts]
        return tf.nest.map_structure(lambda *both: tf.concat(both, axis=0), *outputs)

    def update_ema(self, step: tf.Tensor) -> None:
        """w̄ ← β w̄ + (1 − β) w, with β growing from .1 so that the initial weights are soon forgotten.

        Weights that no optimizer trains are copied: the moments of batch normalization are moving averages already.
        """
        step = tf.cast(step, tf.float32)
        beta = tf.minimum(self.settings.generator.ema, (1.0 + step) / (10.0 + step))
        for average, weight in zip(self.ema_generator.weights, self.generator.weights):
            average.assign(weight + beta * (average - weight) if weight.trainable else weight)


class Draws(NamedTuple):
    """The random draws of a block of steps: indices of training rows `rows` (BLOCK, updates, batch) int32, and latents
    `z` (BLOCK, updates, batch, latent) float32."""

    rows: tf.Tensor
    z: tf.Tensor


def batches_per_step(config: RunConfig) -> int:
    """How many batches of real samples one step takes."""
    training = config.training
    return training.discriminator_steps + training.fresh_samples if config.objective.loss in ADVERSARIAL_LOSSES else 1


def draw_block(config: RunConfig, n_rows: int, block: int) -> Draws:
    """Batch indices into `n_rows` training rows, and latents, of steps block · BLOCK ...; they depend on (seed, block).

    Made by NumPy outside the compiled loop: XLA draws random numbers slowly on a CPU.
    """
    rng = np.random.Generator(np.random.Philox(np.random.SeedSequence([config.seed, 0, block])))
    size = BLOCK, batches_per_step(config), config.training.batch
    rows = rng.integers(0, n_rows, size, dtype=np.int32)
    z = rng.standard_normal((*size, config.generator.latent_dim), dtype=np.float32)
    return Draws(tf.constant(rows), tf.constant(z))
