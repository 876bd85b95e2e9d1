# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Scores with 95 % intervals that know that samples of one episode are not independent.

Samples of one episode share its objects, its light and its camera, so they are right or wrong
together more often than chance. Both intervals below therefore count episodes, not samples:

* a rate has the Wilson interval of its effective sample size (Korn and Graubard 1998), which is
  the number of samples divided by the design effect, the ratio of the variance between episodes
  to the one that independent samples would have;
* a mean has the percentile interval of a bootstrap that draws whole episodes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Z95 = 1.959964
BOOTSTRAP_DRAWS = 2000


def wilson(share: float, samples: float) -> tuple[float, float]:
    """Return the Wilson score interval at 95 % (Wilson 1927) of a share in [0, 1]."""
    if samples <= 0:
        return math.nan, math.nan
    square = Z95 * Z95
    middle = (share + square / (2 * samples)) / (1 + square / samples)
    spread = math.sqrt(share * (1 - share) / samples + square / (4 * samples * samples))
    half = Z95 / (1 + square / samples) * spread
    # Rounding may put the bound of 0 or 1 a hair beside the share itself.
    return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))


@dataclass(frozen=True)
class Score:
    """A measured number.

    Attributes:
        value: the mean of the samples; NaN where there is none.
        interval: its 95 % interval; None for a number that is no estimate.
        samples: how many.
        episodes: how many episodes they come from.
    """

    value: float
    interval: tuple[float, float] | None
    samples: int
    episodes: int


def rate_score(right: Sequence[float] | np.ndarray, episodes: Sequence[int] | np.ndarray) -> Score:
    """Return a rate with the Wilson interval of its effective sample size.

    Args:
        right: [N], 1 for right and 0 for wrong; a share of repeated draws may lie between.
        episodes: [N], the episode that each sample comes from.
    """
    values, groups = np.asarray(right, float), np.asarray(episodes)
    if not len(values):
        return Score(math.nan, (math.nan, math.nan), 0, 0)
    share = float(values.mean())
    _, member = np.unique(groups, return_inverse=True)
    count = int(member.max()) + 1
    size = float(len(values))
    # Variance of a mean over clusters, linearised (Cochran 1977, §11.7).
    residuals = np.bincount(member, weights=values - share, minlength=count)
    between = float((residuals**2).sum()) / size**2 * count / max(count - 1, 1)
    independent = share * (1 - share) / size
    if independent > 0:
        size /= max(1.0, between / independent)
    else:
        # All right or all wrong: nothing tells how alike the samples of an episode are.
        size = float(count)
    return Score(share, wilson(share, size), len(values), count)


def mean_score(
    values: Sequence[float] | np.ndarray, episodes: Sequence[int] | np.ndarray
) -> Score:
    """Return a mean with the 95 % interval of a bootstrap over episodes; always the same draws.

    Args:
        values: [N].
        episodes: [N], the episode that each sample comes from.
    """
    samples, groups = np.asarray(values, float), np.asarray(episodes)
    if not len(samples):
        return Score(math.nan, (math.nan, math.nan), 0, 0)
    _, member = np.unique(groups, return_inverse=True)
    sums = np.bincount(member, weights=samples)
    sizes = np.bincount(member)
    count = len(sums)
    drawn = np.random.default_rng(0).integers(count, size=(BOOTSTRAP_DRAWS, count))
    means = sums[drawn].sum(1) / sizes[drawn].sum(1)
    low, high = (float(bound) for bound in np.quantile(means, (0.025, 0.975)))
    return Score(float(samples.mean()), (low, high), len(samples), count)


def exact(value: float, samples: int = 0) -> Score:
    """Return a number that is known, not estimated, such as chance."""
    return Score(float(value), None, samples, 0)
