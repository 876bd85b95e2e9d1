# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Trains the Y-Decoder on text alone: the Y-Encoder's embedding of a sentence → the sentence.

Predicted embeddings lie beside those of texts; noise as large as their error makes the decoder
read them too. Whatever the phrasing, the canonical sentence is to be written, so equal meanings
are told in equal words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from training.journal import Journal
from training.objective import embed_sorted
from training.stage import Schedule, Stage
from vljepa_ros.errors import ConfigurationError
from vljepa_ros.model.vl_jepa import VLJEPA

SAVE_EVERY = 200
# Returns a sentence to embed and the sentence to write.
DrawTexts = Callable[[np.random.Generator], tuple[str, str]]


@dataclass(frozen=True)
class DecoderConfig:
    """Settings of the Y-Decoder's training.

    Attributes:
        steps: batches in all.
        texts: sentences a batch.
        learning_rate: peak of the cosine schedule.
        noise: largest length of the noise vector, relative to the unit embedding.
        word_dropout: share of the tokens read back that are hidden, in [0, 1).
        seed: of texts and noise.
    """

    steps: int = 4000
    texts: int = 128
    learning_rate: float = 1e-3
    noise: float = 0.9
    word_dropout: float = 0.3
    seed: int = 0

    def __post_init__(self) -> None:
        """Reject a share that is none."""
        if not 0.0 <= self.word_dropout < 1.0:
            raise ConfigurationError(
                f'decoder.word_dropout is {self.word_dropout}; it must lie in [0, 1)'
            )


def draw_sentences(
    draw: DrawTexts, step: int, *, config: DecoderConfig
) -> tuple[list[str], list[str]]:
    """Return the sentences to embed and those to write in a step; depends on (seed, step) only."""
    rng = np.random.default_rng([config.seed, step, 3])
    pairs = [draw(rng) for _ in range(config.texts)]
    return [read for read, _ in pairs], [written for _, written in pairs]


def train_decoder(
    model: VLJEPA,
    folder: Path,
    *,
    draw: DrawTexts,
    config: DecoderConfig,
    journal: Journal | None = None,
) -> None:
    """Train the Y-Decoder with everything else frozen; goes on where it was interrupted.

    Args:
        model: with a trained Y-Encoder.
        folder: holds the training state.
        draw: draws the sentences.
        config: settings; those of an interrupted training must not change.
        journal: is told the loss; None writes `log.jsonl` in `folder`.
    """
    journal = journal or Journal(folder)
    decoder = model.network('y_decoder').train()
    optimizer = torch.optim.AdamW(
        decoder.parameters(), lr=config.learning_rate, weight_decay=0.05, fused=True
    )
    stage = Stage(
        'decoder',
        {'decoder': decoder},
        optimizer,
        schedule=Schedule(config.steps, config.learning_rate),
        path=folder / 'decoder_state.safetensors',
        journal=journal,
        save_every=SAVE_EVERY,
    )
    tokenizer = model.tokenizers['y_decoder']
    for step in stage.steps():
        sources, targets = draw_sentences(draw, step, config=config)
        generator = torch.Generator().manual_seed(config.seed * 1_000_003 + step)
        with torch.no_grad(), stage.autocast():
            embeddings = embed_sorted(model, sources).float()
        noisy = add_noise(embeddings, config.noise, generator)
        ids, mask = model.tokenize('y_decoder', targets)
        bos = ids.new_full((len(targets), 1), tokenizer.bos)
        ended = torch.cat((ids, ids.new_full((len(targets), 1), tokenizer.pad)), dim=1)
        # [EOS] goes right behind each text; what follows is not scored.
        ended.scatter_(1, mask.sum(1, keepdim=True), tokenizer.eos)
        with stage.autocast():
            read = hide_tokens(ids, config.word_dropout, generator, hidden=tokenizer.pad)
            logits = decoder(noisy, torch.cat((bos, read), dim=1))
        loss = functional.cross_entropy(
            logits.float().transpose(1, 2), ended, ignore_index=tokenizer.pad
        )
        stage.descend(loss)
        stage.note(loss=loss.item())


def add_noise(
    embeddings: torch.Tensor, longest: float, generator: torch.Generator
) -> torch.Tensor:
    """Move unit vectors [N, D] towards and away from others; unit length again.

    A prediction misses in the directions in which texts differ, and these are few of the D: noise
    in all directions would hardly move along them, and the decoder would trust small differences
    that predictions do not hold.

    Args:
        embeddings: of different texts.
        longest: each moves by 0 .. `longest`.
        generator: of what is drawn.
    """
    count = len(embeddings)
    others = [embeddings[torch.randperm(count, generator=generator)] for _ in range(4)]
    apart = others[0] + others[1] - others[2] - others[3]
    direction = functional.normalize(apart, dim=-1, eps=1e-3)  # the same ones may have met
    length = longest * torch.rand(count, 1, generator=generator).to(embeddings)
    return functional.normalize(embeddings + length * direction, dim=-1)


def hide_tokens(
    ids: torch.Tensor, share: float, generator: torch.Generator, *, hidden: int
) -> torch.Tensor:
    """Put `hidden` in place of some tokens.

    A decoder that reads back all its words learns which of them follow each other; what it cannot
    read it must take from the embedding (Bowman et al. 2016, "Generating Sentences from a
    Continuous Space", section 3.1).

    Args:
        ids: int64 [N, L].
        share: how likely each is hidden, 0 .. 1.
        generator: of what is drawn, on the processor.
        hidden: the id that is read instead.
    """
    chosen = torch.rand(ids.shape, generator=generator).to(ids.device) < share
    return ids.masked_fill(chosen, hidden)
