# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What graphs in 8 bits are calibrated by: clips, queries and questions, as they run for clips."""

from __future__ import annotations

import numpy as np
import torch

from vljepa_ros.model.vl_jepa import VLJEPA

# Free questions reach further than the queries of a model: calibrated by those alone, a count of
# things came out wrong. No colour stands beside a thing, since test splits hold such pairs back.
CALIBRATION_QUESTIONS = (
    'How many cups, boxes and cans do you see?',
    'How many red objects are there?',
    'Is a blue object in the picture?',
    'Which colour does the box have?',
    'Where do you see the cup?',
    'Is the drawer open or closed?',
    'What is held by the robot arm?',
    'What is on the left of the table?',
    'Is there anything in the bowl?',
)


@torch.no_grad()
def calibration_samples(
    model: VLJEPA, component: str, clips: np.ndarray
) -> list[dict[str, np.ndarray]]:
    """Return the inputs of a graph by name, one sample a clip.

    Args:
        model: with X-Encoder and Predictor, on the CPU.
        component: 'x_encoder', or 'predictor', which is asked every query of the model and some
            free questions.
        clips: uint8 [N, T, S, S, 3].
    """
    if component == 'x_encoder':
        return [{'clip_frames': clip[None]} for clip in clips]
    asked = [*model.config.queries.values(), *CALIBRATION_QUESTIONS]
    ids, mask = model.tokenize('predictor', asked)
    queries = {'query_ids': ids.numpy(), 'query_mask': mask.numpy()}
    encoder = model.network('x_encoder')
    tokens = [encoder(torch.from_numpy(clip[None])).numpy() for clip in clips]
    return [{'tokens': of_clip, **queries} for of_clip in tokens]
