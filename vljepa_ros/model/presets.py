# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The two sizes of the model: the paper's, and `tiny` for two CPU cores."""

from __future__ import annotations

import dataclasses

from vljepa_ros.model.config import (
    LlamaConfig,
    ModelConfig,
    PlanningConfig,
    PredictorConfig,
    RopeScaling,
    VisionConfig,
    YDecoderConfig,
)
from vljepa_ros.model.y_encoder_config import BertConfig


def paper_config() -> ModelConfig:
    """Return the sizes of the paper: ViT-L/16, 8 of 16 Llama-3.2-1B layers, EmbeddingGemma-300M.

    Source: arXiv 2512.10942 v2, sections 2 and 3.1. The paper leaves the Y-Decoder open; here it
    is a causal stack of the same Llama blocks.
    """
    llama = LlamaConfig(rope_scaling=RopeScaling())
    return ModelConfig(
        predictor=PredictorConfig(llama=llama), y_decoder=YDecoderConfig(llama=llama)
    )


TINY_QUERIES = {
    'caption': 'Describe what happens in the video.',
    'action': 'Which action leads from the first image to the last one?',
    'state': 'What does the scene look like now?',
    'next': 'What will the robot do next?',
}


def tiny_config(*, vocab_size: int = 512) -> ModelConfig:
    """Return the sizes of `models/tiny`, which two CPU cores train in a few hours.

    Eight frames at 5 Hz: 5 divides the usual camera rates (10, 15, 25, 30, 60 Hz), so a clip holds
    the same moments whatever the camera's rate. Y-Encoder and Predictor read the words of
    all-MiniLM-L6-v2.

    Args:
        vocab_size: tokens of the Y-Decoder's own small vocabulary.
    """
    y_encoder = BertConfig(max_tokens=128)
    blocks = LlamaConfig(
        vocab_size=vocab_size,
        hidden_size=256,
        num_layers=4,
        num_heads=4,
        num_kv_heads=4,
        intermediate_size=640,
        rope_theta=10000.0,
    )
    return ModelConfig(
        name='tiny',
        clip_frames=8,
        clip_fps=5.0,
        embedding_dim=256,
        vision=VisionConfig(image_size=128, hidden_size=256, num_layers=6, num_heads=4),
        predictor=PredictorConfig(
            llama=dataclasses.replace(blocks, vocab_size=y_encoder.vocab_size, num_layers=3),
            max_query_tokens=48,
            query_width=128,
        ),
        y_encoder=y_encoder,
        y_decoder=YDecoderConfig(llama=blocks, max_tokens=64),
        queries=dict(TINY_QUERIES),
        transition=PlanningConfig(hidden_size=384),
        inverse=PlanningConfig(hidden_size=384),
    )
