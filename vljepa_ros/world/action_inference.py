# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which action leads from an initial to a goal state?

Protocol of WorldPrediction-WM (arXiv 2512.10942, §4.3): the two images become one clip, the
Predictor turns it into an embedding, the nearest candidate wins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vljepa_ros.errors import ConfigurationError
from vljepa_ros.inference import Engine
from vljepa_ros.stream.image_ops import to_model_view

ACTION_QUERY = 'action'


@dataclass(frozen=True)
class ScoredCandidate:
    """A candidate action and its cosine, in [-1, 1], to the predicted action embedding."""

    text: str
    score: float


def transition_clip(
    initial: np.ndarray, goal: np.ndarray, *, clip_frames: int, image_size: int
) -> np.ndarray:
    """Return a clip uint8 [T, S, S, 3]: the initial image for one half, the goal for the other.

    Args:
        initial: RGB uint8 [H, W, 3].
        goal: RGB uint8 [H, W, 3]; its size may differ.
        clip_frames: T; of an odd number the initial image gets the larger half.
        image_size: S.

    Raises:
        ImageError: an array is not a picture.
    """
    views = [to_model_view(image, image_size) for image in (initial, goal)]
    later = clip_frames // 2
    return np.repeat(np.stack(views), (clip_frames - later, later), axis=0)


def predict_action(engine: Engine, initial: np.ndarray, goal: np.ndarray) -> np.ndarray:
    """Return the embedding of the action that leads from one state to another.

    Args:
        engine: with X-Encoder and Predictor.
        initial: RGB uint8 [H, W, 3], the state before.
        goal: RGB uint8 [H, W, 3], the state after.

    Returns:
        A unit vector float32 [D].

    Raises:
        ConfigurationError: the model was trained without an action query.
        ImageError: an array is not a picture.
    """
    if ACTION_QUERY not in engine.config.queries:
        raise ConfigurationError(
            f'The model {engine.model_id} has no query {ACTION_QUERY!r}, only '
            f'{sorted(engine.config.queries)}; load one that was trained on actions'
        )
    clip = transition_clip(
        initial,
        goal,
        clip_frames=engine.config.clip_frames,
        image_size=engine.config.image_size,
    )
    action: np.ndarray = engine.predict(engine.encode(clip[None]), [ACTION_QUERY])[0, 0]
    return action


def rank(
    candidates: Sequence[str], embeddings: np.ndarray, action: np.ndarray
) -> list[ScoredCandidate]:
    """Sort candidates by their cosine to an action, best first.

    Args:
        candidates: N texts.
        embeddings: their unit vectors [N, D].
        action: unit vector [D].
    """
    scores = (embeddings @ action).clip(-1.0, 1.0)  # [N]
    order = np.argsort(-scores, kind='stable')
    return [ScoredCandidate(candidates[index], float(scores[index])) for index in order]


def infer_action(
    engine: Engine, initial: np.ndarray, goal: np.ndarray, candidates: Sequence[str]
) -> list[ScoredCandidate]:
    """Rank candidate actions, best first.

    Args:
        engine: with X-Encoder, Predictor and Y-Encoder.
        initial: RGB uint8 [H, W, 3], the state before.
        goal: RGB uint8 [H, W, 3], the state after.
        candidates: at least one text, none of them empty.

    Raises:
        ConfigurationError: no candidate, an empty or too long one, or a model that was trained
            without an action query.
        ImageError: an array is not a picture.
    """
    if not candidates:
        raise ConfigurationError('No candidate action was given; give at least one text')
    action = predict_action(engine, initial, goal)
    return rank(candidates, engine.embed_text(candidates), action)
