# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The token-writing model as a model of the comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.comparison.judging import Judged, JudgedClips, label_texts
from training.comparison.vlm import Cache, TokenVLM, VLMConfig, sequences
from training.comparison.vocabulary import Vocabulary
from training.sources import QueryAnswer
from vljepa_ros.model.config import ModelConfig

BATCH = 32
VLM_DEPTH = 2  # times the blocks of the Predictor, as in the paper (16 to 8)


class VLMLearner:
    """The token-writing model; it is judged by what it writes and by the likeliest phrase."""

    def __init__(
        self, name: str, model: TokenVLM, clips: JudgedClips, *, words: Vocabulary, caption: str
    ) -> None:
        """Prepare a model.

        Args:
            name: in files and tables.
            model: with fresh weights.
            clips: what it is judged on.
            words: its vocabulary.
            caption: the query that asks for a caption.
        """
        self.name = name
        self.settings: Mapping[str, object] = {'blocks': model.config.llama.num_layers}
        self._model, self._clips, self._words, self._caption = model, clips, words, caption
        self.modules: dict[str, nn.Module] = {'vlm': model}
        self.groups: list[dict[str, Any]] = [{'params': list(model.parameters()), 'scale': 1.0}]

    @property
    def model(self) -> TokenVLM:
        """The model."""
        return self._model

    @property
    def _device(self) -> torch.device:
        return self._model.embed_tokens.weight.device

    @property
    def special(self) -> dict[str, int]:
        """The special tokens that `TokenVLM.generate` asks for."""
        return {'bos': self._words.bos, 'eos': self._words.eos, 'pad': self._words.pad}

    def read(self, tokens: Tensor) -> Cache:
        """Read visual tokens [B, N, D] and the caption query."""
        row = self._rows([self._caption])[0]
        query = torch.tensor([row] * len(tokens), device=self._device)
        return self._model.prefill(tokens.to(self._device).float(), query)

    def _rows(self, queries: Sequence[str]) -> list[list[int]]:
        return self._words.rows(queries, max_tokens=self._model.config.max_query_tokens)

    def _answers(self, texts: Sequence[str]) -> list[list[int]]:
        return self._words.rows(texts, max_tokens=self._model.config.max_answer_tokens - 1)

    def _lay(self, queries: list[list[int]], answers: list[list[int]]) -> tuple[Tensor, Tensor]:
        ids, targets = sequences(queries, answers, **self.special)
        return ids.to(self._device), targets.to(self._device)

    def loss(self, tokens: Tensor, asked: Sequence[tuple[int, QueryAnswer]]) -> Tensor:
        """Return the cross-entropy of the answers' tokens."""
        ids, targets = self._lay(
            self._rows([pair.query for _, pair in asked]),
            self._answers([pair.answer for _, pair in asked]),
        )
        rows = torch.tensor([row for row, _ in asked], device=self._device)
        logits = self._model(tokens[rows], ids)
        return functional.cross_entropy(
            logits.float().transpose(1, 2), targets, ignore_index=self._words.pad
        )

    @torch.inference_mode()
    def write(self, tokens: Tensor) -> list[str]:
        """Write a caption of each clip from visual tokens [B, N, D]."""
        rows = self._model.generate(self.read(tokens), **self.special)
        return [self._words.text(row) for row in rows]

    @torch.inference_mode()
    def judge(self, step: int) -> Judged:
        """Score written captions, and the phrase of least perplexity or greatest probability."""
        judged = Judged()
        texts = [text for part in self._clips.tokens.split(BATCH) for text in self.write(part)]
        judged.add_texts(self._clips, texts)
        answers = self._answers(label_texts())
        ids, targets = self._lay([[]] * len(answers), answers)
        lengths = (targets != self._words.pad).sum(-1)
        best: list[int] = []
        likeliest: list[int] = []
        for number in self._clips.acting:
            cache = self.read(self._clips.tokens[number : number + 1])
            total = self._model.log_likelihood(cache, ids, targets, pad=self._words.pad)
            best.append(int((total / lengths).argmax()))
            likeliest.append(int(total.argmax()))
        judged.add_labels(self._clips, best)
        judged.add_labels(self._clips, likeliest, name='classification_sum')
        return judged


def vlm_for(config: ModelConfig, words: Vocabulary, *, seed: int) -> TokenVLM:
    """Create the token-writing model beside a Predictor: its blocks, twice as many."""
    blocks = config.predictor.llama
    torch.manual_seed(seed)
    llama = type(blocks)(
        **{**vars(blocks), 'vocab_size': words.size, 'num_layers': VLM_DEPTH * blocks.num_layers}
    )
    return TokenVLM(
        VLMConfig(
            llama=llama,
            vision_width=config.vision.hidden_size,
            visual_tokens=config.num_visual_tokens,
        )
    )
