# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""VL-JEPA as a model of the comparison, and its variants of the ablation."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.comparison.judging import Judged, JudgedClips, label_texts
from training.decoder_training import DecoderConfig, DrawTexts, train_decoder
from training.objective import LOSSES, embed, embed_sorted
from training.sources import QueryAnswer
from training.trainer import Temperature, parameter_groups
from vljepa_ros.errors import ConfigurationError
from vljepa_ros.model.layers import masked_mean
from vljepa_ros.model.predictor import Predictor
from vljepa_ros.model.vl_jepa import VLJEPA

BATCH = 32
TEXTS = 256


@dataclass(frozen=True)
class VLJEPAOptions:
    """What the ablation varies.

    Attributes:
        loss: one of `objective.LOSSES`.
        y_encoder: 'trained' at `y_encoder_scale` of the learning rate, or 'frozen'.
        y_encoder_scale: see there.
        start: of the Y-Encoder: 'pretrained' or 'random'. Where it is made, not here.
        causal: a language model's mask in the Predictor.
        temperature: first temperature of InfoNCE, which is learned.
        decoder_steps: steps of the Y-Decoder's text-only training at the first point of the curve;
            0 leaves the Y-Decoder out.
        decoder_follow: those at each later point: the Y-Encoder has moved a little.
    """

    loss: str = 'infonce'
    y_encoder: Literal['trained', 'frozen'] = 'trained'
    y_encoder_scale: float = 0.05
    start: Literal['pretrained', 'random'] = 'pretrained'
    causal: bool = False
    temperature: float = 0.07
    decoder_steps: int = 0
    decoder_follow: int = 0

    def __post_init__(self) -> None:
        """Reject a loss that would collapse."""
        if self.loss not in LOSSES:
            raise ConfigurationError(f'loss is {self.loss!r}; use one of {", ".join(LOSSES)}')
        if self.loss != 'infonce' and self.y_encoder == 'trained':
            raise ConfigurationError(
                f'The loss {self.loss!r} has no negatives: with a trained Y-Encoder everything '
                "becomes one point. Use y_encoder 'frozen'"
            )


class CausalPredictor(Predictor):
    """The Predictor with a language model's mask (arXiv 2512.10942, Tab. 7d)."""

    def forward(self, visual: Tensor, query_ids: Tensor, query_mask: Tensor) -> Tensor:
        """Predict as `Predictor`; each token sees only earlier ones, so padding needs no mask."""
        x = torch.cat((self.vision_proj(visual), self.text_proj(self.embed_tokens(query_ids))), 1)
        mask = torch.cat((query_mask.new_ones(visual.shape[:2]), query_mask), dim=1)
        out = self.blocks(x, causal=True)
        return functional.normalize(self.head(masked_mean(out, mask)).float(), dim=-1)


class VLJEPALearner:
    """Predictor and Y-Encoder; it is judged by texts near the prediction and by the Y-Decoder.

    Attributes:
        has_decoder: the Y-Decoder has been trained or restored since the start.
    """

    def __init__(
        self,
        name: str,
        model: VLJEPA,
        clips: JudgedClips,
        folder: Path,
        *,
        bank: Sequence[str],
        texts: DrawTexts,
        options: VLJEPAOptions,
    ) -> None:
        """Prepare a model.

        Args:
            name: in files and tables.
            model: with fresh Predictor and Y-Decoder; its X-Encoder is not used.
            clips: what it is judged on.
            folder: of the Y-Decoder's trainings.
            bank: sentences that the nearest decoder chooses from.
            texts: draws what the Y-Decoder learns from.
            options: the variant.
        """
        self.name = name
        self.settings: Mapping[str, object] = asdict(options)
        self._model, self._clips, self._folder = model, clips, folder
        self._bank, self._texts, self._options = list(bank), texts, options
        self.has_decoder = False
        if options.causal:
            predictor = CausalPredictor(model.config).to(model.device)
            predictor.load_state_dict(model.network('predictor').state_dict())
            model.networks['predictor'] = predictor
        temperature = Temperature(options.temperature).to(model.device)
        self._temperature = temperature
        self.modules: dict[str, nn.Module] = {
            'predictor': model.network('predictor'),
            'temperature': temperature,
        }
        groups = parameter_groups(model, temperature, options.y_encoder_scale)
        if options.y_encoder == 'trained':
            self.modules['y_encoder'] = model.network('y_encoder')
        else:
            model.network('y_encoder').eval().requires_grad_(False)
        kept = [{**g, 'params': [p for p in g['params'] if p.requires_grad]} for g in groups]
        self.groups: list[dict[str, Any]] = [group for group in kept if group['params']]

    @property
    def model(self) -> VLJEPA:
        """The model."""
        return self._model

    def loss(self, tokens: Tensor, asked: Sequence[tuple[int, QueryAnswer]]) -> Tensor:
        """Return the loss between predicted and target embeddings."""
        return LOSSES[self._options.loss](embed(self._model, tokens, asked), self._temperature())

    @torch.inference_mode()
    def predict(self) -> Tensor:
        """Return the caption embeddings of the judged clips [M, D]."""
        device = self._model.device
        parts = [part.to(device).float() for part in self._clips.tokens.split(BATCH)]
        return torch.cat([self._model.predict(part, ['caption'])[:, 0] for part in parts]).float()

    @torch.inference_mode()
    def _embed(self, texts: Sequence[str]) -> Tensor:
        parts = [texts[start : start + TEXTS] for start in range(0, len(texts), TEXTS)]
        return torch.cat([embed_sorted(self._model, part) for part in parts]).float()

    def judge(self, step: int) -> Judged:
        """Score the nearest phrases and sentences, and the Y-Decoder's where it is trained."""
        predicted = self.predict()
        judged = Judged()
        nearest = (predicted[self._clips.acting] @ self._embed(label_texts()).T).argmax(-1)
        judged.add_labels(self._clips, nearest.tolist())
        sentence = (predicted @ self._embed(self._bank).T).argmax(-1)
        chosen = [self._bank[number] for number in sentence.tolist()]
        judged.add_texts(self._clips, chosen, suffix='_nearest')
        if self._options.decoder_steps:
            self.follow(step)
            texts, _ = self._model.decode(predicted)
            judged.add_texts(self._clips, texts)
        return judged

    def follow(self, step: int) -> None:
        """Train the Y-Decoder on text alone, from where it was at the point before."""
        before = sorted(self._folder.glob('decoder-*'), key=_step_of)
        before = [folder for folder in before if _step_of(folder) < step]
        decoder = self._model.network('y_decoder').requires_grad_(True)
        if before:
            # Its own schedule is over, so this only brings its weights back.
            train_decoder(
                self._model, before[-1], draw=self._texts, config=self._decoding(before[-1])
            )
        folder = self._folder / f'decoder-{step:07d}'
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / 'steps').is_file():  # else it was interrupted
            steps = self._options.decoder_follow if before else self._options.decoder_steps
            (folder / 'steps').write_text(str(steps), encoding='utf-8')
        train_decoder(self._model, folder, draw=self._texts, config=self._decoding(folder))
        for old in before:
            shutil.rmtree(old)
        decoder.eval().requires_grad_(False)
        self.has_decoder = True

    def _decoding(self, folder: Path) -> DecoderConfig:
        steps = int((folder / 'steps').read_text(encoding='utf-8'))
        return DecoderConfig(steps=steps, seed=_step_of(folder))


def _step_of(folder: Path) -> int:
    return int(folder.name.rsplit('-', 1)[1])
