# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Vectors like those that cameras leave in a memory, and what somebody looks for among them.

Each camera is at a place, looks at one of its scenes for a while (lognormal, median 20 samples),
then at another one; now and then it moves to another place, and it comes back to scenes that it
has seen. Within a visit the vectors drift and are noisy; scenes of a place are alike, and all
share a direction, as the embeddings of a trained model do. Nothing is thinned out: neighbours have
a median cosine of 0.98, which is harder to rank than what a memory keeps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

PLACES, SCENES = 400, 50
MOVES = 0.05  # how often a change of scene is a change of place
DWELL, DWELL_SPREAD = 20.0, 1.2
TEXT_NOISE, IMAGE_NOISE = 1.0, 0.3


@dataclass(frozen=True)
class World:
    """Scenes, and how vectors spread around them.

    Attributes:
        dim: D.
        seed: of all that is drawn.
        scenes: unit vectors [PLACES, SCENES, D].
        spectrum: standard deviations [D] of noise: some directions vary more than others.
    """

    dim: int
    seed: int
    scenes: np.ndarray
    spectrum: np.ndarray

    @classmethod
    def draw(cls, *, dim: int, seed: int) -> World:
        """Draw the scenes."""
        generator = np.random.default_rng((seed, 0))
        spectrum = (np.arange(1, dim + 1) ** -0.5).astype(np.float32)
        world = cls(dim, seed, np.empty(0), spectrum)
        everywhere = world.noise(generator, 1)[0]
        places = world.noise(generator, PLACES)[:, None]
        own = world.noise(generator, PLACES * SCENES).reshape(PLACES, SCENES, dim)
        scenes = unit(0.5 * everywhere + 0.6 * places + 0.62 * own)
        return cls(dim, seed, scenes, spectrum)

    def noise(self, generator: np.random.Generator, count: int) -> np.ndarray:
        """Return random unit vectors [count, D]."""
        return unit(generator.standard_normal((count, self.dim), dtype=np.float32) * self.spectrum)

    def stream(self, camera: int, count: int) -> Iterator[np.ndarray]:
        """Yield the unit vectors [n, D] of a camera's visits, `count` in all."""
        generator = np.random.default_rng((self.seed, 1, camera))
        place = int(generator.integers(PLACES))
        left = count
        while left:
            if generator.random() < MOVES:
                place = int(generator.integers(PLACES))
            length = 1 + int(generator.lognormal(np.log(DWELL), DWELL_SPREAD))
            length = min(left, length)
            seen = self.scenes[place, generator.integers(SCENES)]
            seen = seen + 0.25 * self.noise(generator, 1)[0]
            steps = generator.standard_normal((length, self.dim), dtype=np.float32) * self.spectrum
            drift = 0.02 / np.linalg.norm(self.spectrum) * np.cumsum(steps, axis=0)
            yield unit(seen + drift + 0.15 * self.noise(generator, length))
            left -= length

    def searches(self, count: int) -> np.ndarray:
        """Return what is looked for, [count, D]: texts and images of scenes in turns.

        A text's vector is about as far from what it means (cosine 0.7) as those of a trained model
        are; an image's is nearer.
        """
        generator = np.random.default_rng((self.seed, 2))
        every = self.scenes.reshape(-1, self.dim)
        scenes = every[generator.integers(len(every), size=count)]
        amounts = np.where(np.arange(count) % 2, IMAGE_NOISE, TEXT_NOISE)
        return unit(scenes + amounts[:, None] * self.noise(generator, count)).astype(np.float32)


def unit(vectors: np.ndarray) -> np.ndarray:
    """Return vectors [..., D] with length 1."""
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
