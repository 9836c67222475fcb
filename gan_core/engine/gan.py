"""The GAN as a Keras model: two networks that train each other, and one step of it.

gan = GAN(config, statistics(samples))
gan.update(step, dials, batch)          # discriminator_steps discriminator updates, then one of the generator
"""

from __future__ import annotations

import math
from functools import partial

import keras
import tensorflow as tf

from gan_core.config.run_config import RunConfig
from gan_core.engine import augment, distance_losses, objectives, penalties
from gan_core.engine.base_model import Batch, Dials, Trainable, adam
from gan_core.engine.layers import Spectral
from gan_core.engine.networks import DataStatistics, build_discriminator


class GAN(Trainable):
    """A generator and a discriminator that train each other."""

    ROW = ("loss_discriminator", "loss_generator", "score_real", "score_fake", "penalty")
    """`penalty` is what it added to the discriminator's loss, often 0."""

    def __init__(self, config: RunConfig, data: DataStatistics):
        super().__init__(config, data)
        self.objective = objectives.OBJECTIVES[config.objective.loss]
        self.discriminator = build_discriminator(config.discriminator, data, seed=config.seed + 1)
        self.discriminator_optimizer = adam(config, self.discriminator.trainable_variables)
        # Everything it sees in a sample: its last hidden layer, and its logit.
        outputs = [self.discriminator.get_layer("features").output, self.discriminator.output]
        self.eyes = keras.Model(self.discriminator.inputs, outputs)
        self._spectral = [x for x in self.discriminator.layers if isinstance(x, Spectral)]

    @property
    def networks(self):
        return super().networks | {"discriminator": self.discriminator}

    @property
    def optimizers(self):
        return super().optimizers | {"discriminator_optimizer": self.discriminator_optimizer}

    # ------------------------------------------------------------ one step

    def update(self, step, dials: Dials, batch: Batch):
        """`discriminator_steps` updates of the discriminator, then one of the generator, each on a batch of its own.

        Simultaneous: one of each from the same batch, and the generator learns from the discriminator as it was
        before; XLA then finds that both look at the same samples, and looks once. Each differentiates its own
        network's variables only and hands them to its own optimizer.
        """
        training = self.settings.training
        parts = [tuple(None if x is None else x[i] for x in batch) for i in range(batch.real.shape[0])]
        made = None if training.fresh_samples else self._make(*parts[-1][1:])
        for turn in range(training.discriminator_steps):
            fake = tf.stop_gradient(made[1]) if made and parts[turn] is parts[-1] else None
            gradients, *seen = self.judge(step, dials, *parts[turn], turn=turn, fake=fake)
            if not training.simultaneous:
                self.update_discriminator(step, dials, gradients)
        loss_g = self.update_generator(step, dials, *parts[-1], made=made)
        if training.simultaneous:
            self.update_discriminator(step, dials, gradients)
        self.update_ema(step)
        loss_d, score_real, score_fake, penalty = seen
        return loss_d, loss_g, score_real, score_fake, penalty

    def judge(self, step, dials: Dials, real, z, classes=None, turn: int = 0, fake=None):
        """The discriminator's gradients, its loss, its mean scores of real and generated samples, its penalty."""
        settings, variables = self.settings.objective, self.discriminator.trainable_variables
        # Generated before the tape opens, so no gradient of this step can reach the generator.
        fake = self.through(self.generator, self.with_classes(z, classes)) if fake is None else fake
        see = partial(self.see, step=step, dials=dials, turn=turn)
        for layer in self._spectral:
            layer.iterate()

        def plain():
            with tf.GradientTape() as tape:
                logits = self._both(see, real, fake, classes)
                loss = self._discriminator_loss(dials, *logits)
            return tape.gradient(loss, variables), loss, *logits, tf.constant(0.0)

        def penalised():
            with tf.GradientTape() as tape:
                *logits, penalty = self._penalise(step, dials, see, real, fake, classes, turn)
                loss = self._discriminator_loss(dials, *logits)
                total = loss + penalty
            return tape.gradient(total, variables), loss, *logits, penalty

        due = tf.equal(step % settings.penalty_every, 0)
        if settings.r1 == settings.r2 == 0 and settings.gradient_penalty == "none":
            found = plain()
        elif settings.penalty_every == 1:
            found = penalised()
        elif self.settings.training.simultaneous:
            # What a branch has seen nobody else can use, and the generator is to use it.
            found = plain()
            found = tf.cond(due, penalised, lambda: found)
        else:
            found = tf.cond(due, penalised, plain)
        gradients, loss, real_logits, fake_logits, penalty = found
        score_real, score_fake = objectives.scores(self.objective, real_logits=real_logits, fake_logits=fake_logits)
        return gradients, loss, score_real, score_fake, penalty

    def update_discriminator(self, step, dials: Dials, gradients) -> None:
        variables = self.discriminator.trainable_variables
        rate = dials.learning_rate_discriminator * self.rate_schedule(step, dials)
        self.learn(self.discriminator_optimizer, rate, gradients, variables)
        if limit := self.settings.discriminator.clip:
            for weight in variables:
                weight.assign(tf.clip_by_value(weight, -limit, limit))

    def update_generator(self, step, dials: Dials, real, z, classes=None, made=None):
        variables = self.generator.trainable_variables
        tape, fake = made or self._make(z, classes)
        with tape:
            loss = self.generator_loss(step, dials, real=real, fake=fake, z=z, classes=classes)
        rate = dials.learning_rate_generator * self.rate_schedule(step, dials)
        self.learn(self.generator_optimizer, rate, tape.gradient(loss, variables), variables)
        return loss

    def generator_loss(self, step, dials: Dials, *, real, fake, z, classes=None):
        """All that the generator minimises, of samples (n, *shape) that it made from `z`: a scalar."""
        settings = self.settings.objective
        see = partial(self.see, step=step, dials=dials, turn=self.settings.training.discriminator_steps)
        in_features = bool(settings.energy_weight) and settings.energy_space == "features"
        if self.objective.paired or settings.feature_matching or in_features:
            # Apart: nothing is differentiated through the real samples, and in one pass both would be.
            (real_features, fake_features), logits = self._apart(see, real, fake, classes)
        else:
            fake_features, logits = see(fake, classes, side=1)
            real_features, logits = None, (None, logits)
        loss = self.objective.generator(real_logits=logits[0], fake_logits=logits[1])
        if settings.energy_weight:
            seen = (real_features, fake_features) if in_features else (self._rows(real), self._rows(fake))
            loss += dials.energy_weight * distance_losses.relative_energy_distance(real=seen[0], fake=seen[1])
        if settings.feature_matching:
            gap = tf.reduce_mean(real_features, axis=0) - tf.reduce_mean(fake_features, axis=0)
            loss += dials.feature_matching * tf.reduce_sum(gap**2)
        if settings.diversity:
            spread = distance_losses.spread(fake=self._rows(fake), z=z, real=self._rows(real))
            loss += dials.diversity * (1.0 - spread)
        return loss

    def _make(self, z, classes):
        """Samples, and the tape that knows how they were made."""
        with tf.GradientTape() as tape:
            fake = self.through(self.generator, self.with_classes(z, classes))
        return tape, fake

    # ------------------------------------------------------------ what the discriminator sees

    def see(self, x, classes=None, *, step, dials: Dials, turn: int, side: int = 0):
        """Features (n, f) and logits (n,) of samples as the discriminator is shown them."""
        settings = self.settings.objective
        if settings.instance_noise:
            fade = self.data.scale * tf.maximum(0.0, 1.0 - self.progress(step, dials))
            x = augment.disturb(x, dials.instance_noise * fade, self.seed_of(step, turn, 0 + side))
        if settings.translation:
            x = augment.translate(x, settings.translation, self.seed_of(step, turn, 2 + side))
        x = augment.pack(x, self.settings.discriminator.packing)
        features, logits = self.through(self.eyes, x if classes is None else [x, classes])
        return features, logits[:, 0]

    def seed_of(self, step, turn: int, purpose: int):
        """Of the random numbers that only some settings need: a function of (seed, step) like all others."""
        return tf.stack([self.seed, tf.cast(step, tf.int64) * 128 + turn * 8 + purpose])

    def _apart(self, see, real, fake, classes):
        """((real features, fake features), (real logits, fake logits)), each side in a pass of its own."""
        return tuple(zip(*(see(x, classes, side=side) for side, x in enumerate((real, fake)))))

    def _both(self, see, real, fake, classes):
        """(real logits, fake logits) for the discriminator to learn from.

        In one pass, unless it normalises over a batch, or the generator is to learn from the very same pass of its
        samples: then real and generated samples are apart.
        """
        if self.settings.discriminator.batch_norm or self.settings.training.simultaneous:
            return self._apart(see, real, fake, classes)[1]
        twice = None if classes is None else tf.concat([classes, classes], axis=0)
        return tf.split(see(tf.concat([real, fake], axis=0), twice)[1], 2)

    def _penalise(self, step, dials: Dials, see, real, fake, classes, turn: int):
        """(real logits, fake logits, penalty): each penalty as its paper has it, in units of the data's spread."""
        settings, unit = self.settings.objective, self.data.scale
        penalty = tf.constant(0.0)
        if settings.r1 or settings.r2:
            twice = None if classes is None else tf.concat([classes, classes], axis=0)
            both = tf.concat([real, fake], axis=0)
            logits, squared = penalties.logits_and_squared_gradients(lambda x: see(x, twice)[1], both)
            on_real, on_fake = tf.split(squared, 2)
            penalty += penalties.zero_centred(on_real, dials.r1) + penalties.zero_centred(on_fake, dials.r2)
            penalty *= unit**2
            logits = tf.split(logits, 2)
        else:
            logits = self._both(see, real, fake, classes)
        if settings.gradient_penalty != "none":
            share = tf.random.stateless_uniform((tf.shape(real)[0],), self.seed_of(step, turn, 4), alg=augment.DRAWN_BY)
            if settings.gradient_penalty == "dragan":
                noise = tf.random.stateless_uniform(tf.shape(real), self.seed_of(step, turn, 5), alg=augment.DRAWN_BY)
                points = penalties.around(real=real, noise=noise, share=share)
            else:
                points = penalties.between(real=real, fake=fake, share=share)
            _, squared = penalties.logits_and_squared_gradients(lambda x: see(x, classes, side=1)[1], points)
            target = penalties.TARGET[settings.gradient_penalty]
            penalty += penalties.away_from(target, squared, dials.gradient_penalty_weight, unit)
        return *logits, settings.penalty_every * self._shrink(step, dials) * penalty

    def _shrink(self, step, dials: Dials):
        """From 1 to `penalty_end`: in equal ratios over the first half, or on half a cosine over the whole run."""
        settings, progress = self.settings.objective, self.progress(step, dials)
        if self.settings.optimizer.schedule == "cosine":
            return settings.penalty_end + (1.0 - settings.penalty_end) * (0.5 + 0.5 * tf.cos(math.pi * progress))
        return tf.pow(tf.constant(settings.penalty_end, tf.float32), tf.minimum(1.0, 2.0 * progress))

    def _discriminator_loss(self, dials: Dials, real_logits, fake_logits):
        loss = self.objective.discriminator(real_logits=real_logits, fake_logits=fake_logits)
        if self.settings.objective.label_smoothing:
            # (1 − s) softplus(−a) + s softplus(a) = softplus(−a) + s a: the target of real samples is 1 − s.
            loss += dials.label_smoothing * tf.reduce_mean(real_logits)
        return loss

    def _rows(self, x):
        """Centred first: distances do not change, and float32 keeps more of their digits."""
        return tf.reshape(x - self.data.mean, (tf.shape(x)[0], math.prod(self.data.shape)))
