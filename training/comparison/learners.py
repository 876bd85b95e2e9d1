# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The two models of the controlled comparison, and VL-JEPA's variants of the ablation."""

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
from training.comparison.vlm import Cache, TokenVLM, VLMConfig, sequences
from training.comparison.vocabulary import Vocabulary
from training.decoder_training import DecoderConfig, DrawTexts, train_decoder
from training.objective import LOSSES, embed, embed_sorted
from training.sources import QueryAnswer
from training.trainer import Temperature, parameter_groups
from vljepa_ros.errors import ConfigurationError
from vljepa_ros.model.config import ModelConfig
from vljepa_ros.model.layers import masked_mean
from vljepa_ros.model.predictor import Predictor
from vljepa_ros.model.vl_jepa import VLJEPA

BATCH = 32
TEXTS = 256
VLM_DEPTH = 2  # times the blocks of the Predictor, as in the paper (16 to 8)


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


def parameters(vljepa: VLJEPA, vlm: TokenVLM) -> Mapping[str, int]:
    """Count what is trained, part by part.

    Tables of token embeddings stand apart: most of their rows are never read, and the paper's
    sizes (0.5B and 1B) leave them out as well.
    """

    def count(module: nn.Module) -> int:
        return sum(parameter.numel() for parameter in module.parameters())

    predictor = vljepa.network('predictor')
    assert isinstance(predictor, Predictor)
    table = count(predictor.embed_tokens)
    return {
        'vljepa.predictor': count(predictor) - table,
        'vljepa.query_table': table,
        'vljepa.y_encoder': count(vljepa.network('y_encoder')),
        'vljepa.y_decoder': count(vljepa.network('y_decoder')),
        'vlm.blocks': count(vlm) - count(vlm.embed_tokens),
        'vlm.token_table': count(vlm.embed_tokens),
    }
