"""The GAN as a Keras model: a generator and a discriminator, and one training step of both.

gan = GAN(config, statistics(samples))
gan.update(step, live, batch)          # discriminator_steps discriminator updates, then one of the generator
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any, Callable

import keras
import tensorflow as tf

from gan_core.config.run_config import RunConfig
from gan_core.engine import augment, distance_losses, objectives, penalties
from gan_core.engine.base_model import BaseModel, Batch, LiveHyperparameters
from gan_core.engine.layers import SpectralNormalization
from gan_core.engine.networks import DataStatistics, build_discriminator
from gan_core.engine.optimizers import Gradients, adam, apply_gradients

Discriminate = Callable[..., tuple[tf.Tensor, tf.Tensor]]
"""`GAN.discriminate` with everything but the samples, their classes and their side filled in."""
Both = Sequence[tf.Tensor]
"""Two tensors: that of the real samples and that of the generated ones."""
Generated = tuple[tf.GradientTape, tf.Tensor]
"""Samples, and the tape on which they were generated."""


class GAN(BaseModel):
    """A generator and a discriminator, each trained with its own optimizer."""

    STEP_METRICS = ("loss_discriminator", "loss_generator", "score_real", "score_fake", "penalty")
    """`penalty` is the sum of the gradient penalties in the discriminator's loss, 0 in steps without any."""

    def __init__(self, config: RunConfig, data: DataStatistics):
        super().__init__(config, data)
        self.objective = objectives.OBJECTIVES[config.objective.loss]
        self.discriminator = build_discriminator(config.discriminator, data, seed=config.seed + 1)
        self.discriminator_optimizer = adam(config, self.discriminator.trainable_variables)
        # The discriminator with two outputs: its last hidden layer and its logit.
        outputs = [self.discriminator.get_layer("features").output, self.discriminator.output]
        self.feature_model = keras.Model(self.discriminator.inputs, outputs)
        self._spectral_layers = [x for x in self.discriminator.layers if isinstance(x, SpectralNormalization)]

    @property
    def networks(self) -> dict[str, keras.Model]:
        """Every network, the averaged generator included, by the name its weights are stored under."""
        return super().networks | {"discriminator": self.discriminator}

    @property
    def optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        """Every optimizer by the name its state is stored under."""
        return super().optimizers | {"discriminator_optimizer": self.discriminator_optimizer}

    # ------------------------------------------------------------ one step

    def update(self, step: tf.Tensor, live: LiveHyperparameters, batch: Batch) -> tuple[tf.Tensor, ...]:
        """`discriminator_steps` updates of the discriminator, then one of the generator, each on a batch of its own.

        With `simultaneous` there is one update of each from the same batch, and the generator's gradient is that of the
        discriminator before its update; XLA then evaluates the discriminator on these samples only once. Each update
        differentiates the variables of its own network only. Returns the scalars of STEP_METRICS.
        """
        training = self.settings.training
        updates: Any = batch.real.shape[0]
        parts: list[Any] = [tuple(None if x is None else x[i] for x in batch) for i in range(updates)]
        generated = None if training.fresh_samples else self._generate(*parts[-1][1:])
        gradients: Gradients = ()
        reported: list[tf.Tensor] = []
        for turn in range(training.discriminator_steps):
            fake = tf.stop_gradient(generated[1]) if generated and parts[turn] is parts[-1] else None
            gradients, *reported = self.discriminator_gradients(step, live, *parts[turn], turn=turn, fake=fake)
            if not training.simultaneous:
                self.update_discriminator(step, live, gradients)
        generator_loss = self.update_generator(step, live, *parts[-1], generated=generated)
        if training.simultaneous:
            self.update_discriminator(step, live, gradients)
        self.update_ema(step)
        discriminator_loss, score_real, score_fake, penalty = reported
        return discriminator_loss, generator_loss, score_real, score_fake, penalty

    def discriminator_gradients(
        self,
        step: tf.Tensor,
        live: LiveHyperparameters,
        real: tf.Tensor,
        z: tf.Tensor,
        classes: tf.Tensor | None = None,
        turn: int = 0,
        fake: tf.Tensor | None = None,
    ) -> tuple[Gradients, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
        """The gradients of the discriminator's variables, then four scalars: its loss without the penalty, its mean
        scores of real and of generated samples, and the penalty.

        `real` is (n, *shape), `z` (n, latent), `classes` (n, classes) one-hot; `turn` numbers the discriminator updates
        of a step. `fake` (n, *shape) is generated from `z` unless it is given.
        """
        settings, variables = self.settings.objective, self.discriminator.trainable_variables
        # Generated outside the tape, so that no gradient of this update can reach the generator.
        made: tf.Tensor = self.forward(self.generator, self.generator_inputs(z, classes)) if fake is None else fake
        discriminate = partial(self.discriminate, step=step, live=live, turn=turn)
        for layer in self._spectral_layers:
            layer.power_iteration()

        def without_penalty() -> tuple[Any, ...]:
            with tf.GradientTape() as tape:
                logits = self._logits_of_both(discriminate, real, made, classes)
                loss = self._discriminator_loss(live, *logits)
            return tape.gradient(loss, variables), loss, *logits, tf.constant(0.0)

        def with_penalty() -> tuple[Any, ...]:
            with tf.GradientTape() as tape:
                *logits, penalty = self._logits_and_penalty(step, live, discriminate, real, made, classes, turn)
                loss = self._discriminator_loss(live, *logits)
                total = loss + penalty
            return tape.gradient(total, variables), loss, *logits, penalty

        is_due = tf.equal(tf.math.floormod(step, settings.penalty_every), 0)
        if settings.r1 == settings.r2 == 0 and settings.gradient_penalty == "none":
            found = without_penalty()
        elif settings.penalty_every == 1:
            found = with_penalty()
        elif self.settings.training.simultaneous:
            # Outside the branch, because the generator's update uses the same evaluation of the discriminator.
            found = without_penalty()
            found = tf.cond(is_due, with_penalty, lambda: found)
        else:
            found = tf.cond(is_due, with_penalty, without_penalty)
        gradients, loss, real_logits, fake_logits, penalty = found
        score_real, score_fake = objectives.scores(self.objective, real_logits=real_logits, fake_logits=fake_logits)
        return gradients, loss, score_real, score_fake, penalty

    def update_discriminator(self, step: tf.Tensor, live: LiveHyperparameters, gradients: Gradients) -> None:
        """One optimizer step of the discriminator, then weight clipping if the settings ask for it."""
        variables = self.discriminator.trainable_variables
        rate = live.learning_rate_discriminator * self.learning_rate_factor(step, live)
        apply_gradients(self.discriminator_optimizer, rate, gradients, variables)
        if limit := self.settings.discriminator.clip:
            for weight in variables:
                weight.assign(tf.clip_by_value(weight, -limit, limit))

    def update_generator(
        self,
        step: tf.Tensor,
        live: LiveHyperparameters,
        real: tf.Tensor,
        z: tf.Tensor,
        classes: tf.Tensor | None = None,
        generated: Generated | None = None,
    ) -> tf.Tensor:
        """One optimizer step of the generator; returns its loss. Samples are generated from `z` unless given."""
        variables = self.generator.trainable_variables
        tape, fake = generated or self._generate(z, classes)
        with tape:
            loss = self.generator_loss(step, live, real=real, fake=fake, z=z, classes=classes)
        rate = live.learning_rate_generator * self.learning_rate_factor(step, live)
        apply_gradients(self.generator_optimizer, rate, tape.gradient(loss, variables), variables)
        return loss

    def generator_loss(
        self,
        step: tf.Tensor,
        live: LiveHyperparameters,
        *,
        real: tf.Tensor,
        fake: tf.Tensor,
        z: tf.Tensor,
        classes: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Everything that the generator minimises, a scalar, for samples `fake` (n, *shape) generated from `z`."""
        settings = self.settings.objective
        turn = self.settings.training.discriminator_steps
        discriminate = partial(self.discriminate, step=step, live=live, turn=turn)
        in_features = bool(settings.energy_weight) and settings.energy_space == "features"
        real_features: Any = None
        real_logits: tf.Tensor | None = None
        if self.objective.paired or settings.feature_matching or in_features:
            # In passes of their own: the real samples need no gradient, and one pass would compute it for both.
            separate = self._in_separate_passes(discriminate, real, fake, classes)
            (real_features, fake_features), (real_logits, fake_logits) = separate
        else:
            fake_features, fake_logits = discriminate(fake, classes, side=1)
        loss = self.objective.generator(real_logits=real_logits, fake_logits=fake_logits)
        if settings.energy_weight:
            compared = (real_features, fake_features) if in_features else (self._rows(real), self._rows(fake))
            loss += live.energy_weight * distance_losses.relative_energy_distance(real=compared[0], fake=compared[1])
        if settings.feature_matching:
            gap = tf.reduce_mean(real_features, axis=0) - tf.reduce_mean(fake_features, axis=0)
            loss += live.feature_matching * tf.reduce_sum(gap**2)
        if settings.diversity:
            spread = distance_losses.spread(fake=self._rows(fake), z=z, real=self._rows(real))
            loss += live.diversity * (1.0 - spread)
        return loss

    def _generate(self, z: tf.Tensor, classes: tf.Tensor | None) -> Generated:
        with tf.GradientTape() as tape:
            fake = self.forward(self.generator, self.generator_inputs(z, classes))
        return tape, fake

    # ------------------------------------------------------------ the discriminator on a batch

    def discriminate(
        self,
        x: tf.Tensor,
        classes: tf.Tensor | None = None,
        *,
        step: tf.Tensor,
        live: LiveHyperparameters,
        turn: int,
        side: int = 0,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Features (n, f) and logits (n,) of samples (n, *shape) after augmentation; `side` is 1 for generated ones.

        With packing there is one row for every `packing` samples.
        """
        settings = self.settings.objective
        if settings.instance_noise:
            fade = self.data.scale * tf.maximum(0.0, 1.0 - self.progress(step, live))
            x = augment.add_noise(x, live.instance_noise * fade, self.random_seed(step, turn, 0 + side))
        if settings.translation:
            x = augment.translate(x, settings.translation, self.random_seed(step, turn, 2 + side))
        x = augment.pack(x, self.settings.discriminator.packing)
        features, logits = self.forward(self.feature_model, x if classes is None else [x, classes])
        return features, logits[:, 0]

    def random_seed(self, step: tf.Tensor, turn: int, purpose: int) -> tf.Tensor:
        """The seed (2,) int64 of random numbers drawn inside a step: a function of (run seed, step, turn, purpose)."""
        return tf.stack([self.seed, tf.cast(step, tf.int64) * 128 + turn * 8 + purpose])

    def _in_separate_passes(
        self, discriminate: Discriminate, real: tf.Tensor, fake: tf.Tensor, classes: tf.Tensor | None
    ) -> tuple[Both, ...]:
        """((real features, fake features), (real logits, fake logits)), each side in a pass of its own."""
        return tuple(zip(*(discriminate(x, classes, side=side) for side, x in enumerate((real, fake)))))

    def _logits_of_both(
        self, discriminate: Discriminate, real: tf.Tensor, fake: tf.Tensor, classes: tf.Tensor | None
    ) -> Both:
        """(real logits, fake logits) for the discriminator's loss.

        In one pass, except with batch normalization, and except where the generator's update is to use the pass of the
        generated samples.
        """
        if self.settings.discriminator.batch_norm or self.settings.training.simultaneous:
            return self._in_separate_passes(discriminate, real, fake, classes)[1]
        twice = None if classes is None else tf.concat([classes, classes], axis=0)
        return tf.split(discriminate(tf.concat([real, fake], axis=0), twice)[1], 2)

    def _logits_and_penalty(
        self,
        step: tf.Tensor,
        live: LiveHyperparameters,
        discriminate: Discriminate,
        real: tf.Tensor,
        fake: tf.Tensor,
        classes: tf.Tensor | None,
        turn: int,
    ) -> tuple[tf.Tensor, ...]:
        """(real logits, fake logits, penalty): penalties as in their papers, gradients in units of the data's scale."""
        settings, unit = self.settings.objective, self.data.scale
        penalty = tf.constant(0.0)
        if settings.r1 or settings.r2:
            twice = None if classes is None else tf.concat([classes, classes], axis=0)
            both = tf.concat([real, fake], axis=0)
            logits, squared = penalties.logits_and_squared_gradients(lambda x: discriminate(x, twice)[1], both)
            on_real, on_fake = tf.split(squared, 2)
            penalty += penalties.zero_centred(on_real, live.r1) + penalties.zero_centred(on_fake, live.r2)
            penalty *= unit**2
            logits = tf.split(logits, 2)
        else:
            logits = self._logits_of_both(discriminate, real, fake, classes)
        if settings.gradient_penalty != "none":
            uniform = partial(tf.random.stateless_uniform, alg=augment.RANDOM_ALGORITHM)
            fraction = uniform(tf.shape(real)[:1], self.random_seed(step, turn, 4))
            if settings.gradient_penalty == "dragan":
                noise = uniform(tf.shape(real), self.random_seed(step, turn, 5))
                points = penalties.perturb(real=real, noise=noise, fraction=fraction)
            else:
                points = penalties.interpolate(real=real, fake=fake, fraction=fraction)
            _, squared = penalties.logits_and_squared_gradients(lambda x: discriminate(x, classes, side=1)[1], points)
            target = penalties.TARGET[settings.gradient_penalty]
            penalty += penalties.norm_penalty(target, squared, live.gradient_penalty_weight, unit)
        return *logits, settings.penalty_every * self._penalty_factor(step, live) * penalty

    def _penalty_factor(self, step: tf.Tensor, live: LiveHyperparameters) -> tf.Tensor:
        """From 1 to `penalty_end`: exponentially over the first half of the run, or as a cosine over all of it."""
        settings, progress = self.settings.objective, self.progress(step, live)
        if self.settings.optimizer.schedule == "cosine":
            return settings.penalty_end + (1.0 - settings.penalty_end) * (0.5 + 0.5 * tf.cos(math.pi * progress))
        return tf.pow(tf.constant(settings.penalty_end, tf.float32), tf.minimum(1.0, 2.0 * progress))

    def _discriminator_loss(
        self, live: LiveHyperparameters, real_logits: tf.Tensor, fake_logits: tf.Tensor
    ) -> tf.Tensor:
        loss = self.objective.discriminator(real_logits=real_logits, fake_logits=fake_logits)
        if self.settings.objective.label_smoothing:
            # (1 − s) softplus(−a) + s softplus(a) = softplus(−a) + s a: the target of real samples is 1 − s.
            loss += live.label_smoothing * tf.reduce_mean(real_logits)
        return loss

    def _rows(self, x: tf.Tensor) -> tf.Tensor:
        """Centred vectors (n, d): the distances are the same, and float32 loses fewer of their digits."""
        return tf.reshape(x - self.data.mean, (tf.shape(x)[0], math.prod(self.data.shape)))
