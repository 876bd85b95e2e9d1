# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What all models of a comparison share: clips, features, val clips, words, first weights."""

from __future__ import annotations

import argparse
import dataclasses
import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from torch import nn

from training.clips import ClipIndex, may_mirror, mirror_segment
from training.comparison.judging import JudgedClips
from training.dataset import load
from training.features import FeatureStore, weights_fingerprint
from training.minilm import find_minilm
from training.run_config import SimulatorData
from training.simulator_source import SimulatorSource, SourceSizes
from training.start_model import new_model
from training.texts import SimulatorTexts
from training.world.language.captions import caption
from vljepa_ros.errors import ConfigurationError
from vljepa_ros.model.checkpoint import load_checkpoint
from vljepa_ros.model.config import ModelConfig
from vljepa_ros.model.pretrained import init_query_table, load_pretrained_bert
from vljepa_ros.model.tokenizer import Tokenizer
from vljepa_ros.model.vl_jepa import VLJEPA
from vljepa_ros.model.x_encoder import XEncoder
from vljepa_ros.resources import resolve_model

ENCODER_FILE = 'pretraining_clips.safetensors'
BANK_SIZE = 3000


@dataclass(frozen=True)
class Material:
    """What all models of a comparison share.

    Attributes:
        config: sizes of VL-JEPA.
        encoder: the frozen X-Encoder.
        index: the clips of the training episodes.
        source: the training clips with questions.
        features: their visual tokens.
        clips: what the models are judged on, of the val split.
        texts: sentences for text-only training.
        bank: canonical captions of training episodes.
        tokenizers: of VL-JEPA.
        device: where the models are trained.
    """

    config: ModelConfig
    encoder: nn.Module
    index: ClipIndex
    source: SimulatorSource
    features: FeatureStore
    clips: JudgedClips
    texts: SimulatorTexts
    bank: tuple[str, ...]
    tokenizers: dict[str, Tokenizer]
    device: torch.device

    @functools.cached_property
    def x_encoder(self) -> str:
        """Fingerprint of the X-Encoder's weights."""
        return weights_fingerprint(self.encoder)

    def fresh_model(
        self, *, seed: int, start: str = 'pretrained', projection: bool = True
    ) -> VLJEPA:
        """Create VL-JEPA with fresh weights.

        Args:
            seed: of the weights.
            start: of the Y-Encoder: 'pretrained' (all-MiniLM-L6-v2) or 'random'.
            projection: False makes the Y-Encoder's own vectors the shared space, as the paper's
                Tab. 7c does for its losses.
        """
        config = self.config
        if not projection:
            config = dataclasses.replace(config, embedding_dim=config.y_encoder.hidden_size)
        torch.manual_seed(seed)
        model = VLJEPA(config, self.tokenizers, components=('predictor', 'y_encoder', 'y_decoder'))
        # The Predictor reads MiniLM's words in every variant.
        weights = find_minilm() / 'model.safetensors'
        with safe_open(weights, framework='pt') as file:
            words = file.get_tensor('embeddings.word_embeddings.weight')
        init_query_table(model.network('predictor'), words)  # type: ignore[arg-type]
        y_encoder = model.network('y_encoder')
        if start == 'pretrained':
            load_pretrained_bert(y_encoder, weights)  # type: ignore[arg-type]
        if not projection:
            with torch.no_grad():
                y_encoder.get_parameter('head.weight').copy_(torch.eye(config.embedding_dim))
                y_encoder.get_parameter('head.bias').zero_()
        return model.to(self.device)


def add_material_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `load_material`."""
    parser.add_argument('--data', type=Path, default=Path('build/data'), help='rendered episodes')
    parser.add_argument(
        '--run',
        type=Path,
        default=Path('build/tiny'),
        help='folder of what is computed, or of a training whose X-Encoder and features serve',
    )
    parser.add_argument(
        '--x-encoder',
        metavar='MODEL',
        help='take the X-Encoder of this model, such as tiny (default: that of RUN)',
    )
    parser.add_argument('--features', type=Path, help='folder of the features (default: RUN)')
    parser.add_argument(
        '--episodes', type=int, default=SimulatorData.episodes, help='training episodes'
    )
    parser.add_argument('--val-episodes', type=int, default=200, help='validation episodes')
    parser.add_argument('--clips', type=int, default=SourceSizes.clips, help='clips with captions')
    parser.add_argument(
        '--val-clips', type=int, default=300, help='clips that models are judged on'
    )
    parser.add_argument('--seed', type=int, default=0, help='of weights and batches')
    parser.add_argument('--device', default='cpu', help="where to train: 'cpu' or 'cuda'")


def load_encoder(run: Path, config: ModelConfig, *, checkpoint: str | None = None) -> XEncoder:
    """Return a frozen X-Encoder: that of a training run, or that of a checkpoint.

    Args:
        run: folder of a training whose X-Encoder is pretrained.
        config: what it is to fit.
        checkpoint: name or folder of a model whose X-Encoder is taken instead.

    Raises:
        ConfigurationError: the run has none yet, or the checkpoint's has another shape.
        ResourceNotFoundError: there is no such checkpoint.
        CheckpointError: it is not complete.
    """
    if checkpoint is not None:
        return _checkpoint_encoder(checkpoint, config)
    path = run / ENCODER_FILE
    if not path.is_file():
        raise ConfigurationError(
            f'{path} is missing: the X-Encoder is not pretrained yet. Take that of a model that '
            f'is there (--x-encoder tiny), or run: python -m training.train --run {run} '
            '--stop-after pretrain'
        )
    prefix = 'x_encoder/'
    with safe_open(path, framework='pt') as file:
        state = {
            key.removeprefix(prefix): file.get_tensor(key)
            for key in file.keys()  # noqa: SIM118 (not a mapping)
            if key.startswith(prefix)
        }
    encoder = XEncoder(config)
    encoder.load_state_dict(state)
    return encoder.eval().requires_grad_(False)


def _checkpoint_encoder(name: str, config: ModelConfig) -> XEncoder:
    model = load_checkpoint(resolve_model(name), components=('x_encoder',))
    own = model.config
    if (own.vision, own.clip_frames) != (config.vision, config.clip_frames):
        raise ConfigurationError(
            f'The X-Encoder of {name!r} has another shape than a new model of the size tiny: '
            f'{_differences(own, config)}'
        )
    encoder = XEncoder(config)
    encoder.load_state_dict(model.network('x_encoder').state_dict())
    return encoder.eval().requires_grad_(False)


def _differences(own: ModelConfig, wanted: ModelConfig) -> str:
    sizes = [
        {'clip_frames': config.clip_frames, **dataclasses.asdict(config.vision)}
        for config in (own, wanted)
    ]
    return ', '.join(
        f'{name} is {value}, not {sizes[1][name]}'
        for name, value in sizes[0].items()
        if value != sizes[1][name]
    )


def load_material(arguments: argparse.Namespace, folder: Path) -> Material:
    """Load and prepare everything; features that are not there yet are computed.

    Args:
        arguments: of `add_material_arguments`. To use the features of a training again, give its
            numbers of episodes and clips, and its seed.
        folder: gets the tokenizers.
    """
    device = torch.device(arguments.device)
    episodes = load(arguments.data, split='train', episodes=arguments.episodes)
    texts = SimulatorTexts(episodes, reworded=0.0)
    model = new_model(folder, texts, seed=arguments.seed)
    config = model.config
    encoder = load_encoder(arguments.run, config, checkpoint=arguments.x_encoder).to(device)
    index = ClipIndex(episodes, clip_frames=config.clip_frames)
    scale = arguments.clips / SourceSizes.clips
    sizes = SourceSizes(*(int(scale * size) for size in vars(SourceSizes()).values()))
    source = SimulatorSource(index, sizes=sizes, seed=arguments.seed, reworded=0.0)
    features = FeatureStore(arguments.features or arguments.run, source=source, encoder=encoder)
    features.build()
    val = load(arguments.data, split='val', episodes=arguments.val_episodes)
    clips = JudgedClips.draw(
        ClipIndex(val, clip_frames=config.clip_frames),
        encoder,
        count=arguments.val_clips,
        seed=arguments.seed,
    )
    return Material(
        config=config,
        encoder=encoder,
        index=index,
        source=source,
        features=features,
        clips=clips,
        texts=texts,
        bank=caption_bank(index, seed=arguments.seed),
        tokenizers=model.tokenizers,
        device=device,
    )


def caption_bank(index: ClipIndex, *, seed: int) -> tuple[str, ...]:
    """Return up to `BANK_SIZE` different canonical captions of the episodes and their mirrors."""
    segments = [index.episodes.segment(row) for row in range(len(index.episodes.segment_facts))]
    texts = {caption(segment) for segment in segments}
    texts |= {caption(mirror_segment(segment)) for segment in segments if may_mirror(segment)}
    ordered = sorted(texts)
    if len(ordered) <= BANK_SIZE:
        return tuple(ordered)
    chosen = np.random.default_rng([seed, 15]).choice(len(ordered), BANK_SIZE, replace=False)
    return tuple(ordered[number] for number in sorted(chosen))
