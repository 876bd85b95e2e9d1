# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Trains `models/tiny`: render, pretrain, train jointly, train the decoder, write it.

    python -m training.train --data build/data --run build/tiny --out models/tiny

Every stage shows its progress and goes on where it was interrupted.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from vljepa_ros.inference.threads import wait_passively

wait_passively()
import numpy as np  # noqa: E402 (torch must find the environment variable set)
import torch  # noqa: E402

from training.batches import Batch, BatchSampler, check_rate  # noqa: E402
from training.dataset import build, load  # noqa: E402
from training.decoder_training import train_decoder  # noqa: E402
from training.pretraining import pretrain  # noqa: E402
from training.state_head import StateHead  # noqa: E402
from training.texts import draw_state, phrasings  # noqa: E402
from training.tokenizer_training import train_tokenizer  # noqa: E402
from training.trainer import TrainingConfig, train  # noqa: E402
from vljepa_ros.model.checkpoint import save_checkpoint, tokenizer_file  # noqa: E402
from vljepa_ros.model.presets import TINY_QUERIES, tiny_config  # noqa: E402
from vljepa_ros.model.tokenizer import Tokenizer  # noqa: E402
from vljepa_ros.model.vl_jepa import TOKENIZED, VLJEPA  # noqa: E402

MAX_VOCABULARY = 512
VALIDATION_CLIPS = 256
VALIDATION_PAIRS = 64


def new_model(folder: Path, *, seed: int) -> VLJEPA:
    """Create the tiny model with fresh weights; its tokenizers go to `folder`."""
    rng = np.random.default_rng([seed, 4])
    texts = [text for row in phrasings() for text in row]
    texts += [draw_state(rng) for _ in range(500)] + list(TINY_QUERIES.values())
    vocab_size = train_tokenizer(texts, folder, vocab_size=MAX_VOCABULARY)
    config = tiny_config(vocab_size=vocab_size)
    check_rate(config.clip_fps)
    torch.manual_seed(seed)
    tokenizers = {name: Tokenizer(folder / tokenizer_file(name)) for name in TOKENIZED}
    return VLJEPA(config, tokenizers)


def validation_batch(data: Path, *, episodes: int, clip_frames: int) -> Batch:
    """Draw the fixed clips and transitions of the val split that training is watched with."""
    sampler = BatchSampler(
        load(data, split='val', episodes=episodes),
        clip_frames=clip_frames,
        clips=VALIDATION_CLIPS,
        transitions=VALIDATION_PAIRS,
        seed=1,
        augment=False,
    )
    return sampler.batch(0)


def main() -> None:
    """Run all stages from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--data', type=Path, default=Path('build/data'), help='rendered episodes')
    parser.add_argument('--run', type=Path, default=Path('build/tiny'), help='training state')
    parser.add_argument('--out', type=Path, help='checkpoint to write (default: RUN/checkpoint)')
    parser.add_argument('--episodes', type=int, default=1300, help='training episodes')
    parser.add_argument('--val-episodes', type=int, default=75, help='validation episodes')
    parser.add_argument(
        '--pretrain-steps', type=int, default=1000, help='steps of the first stage'
    )
    parser.add_argument('--steps', type=int, default=TrainingConfig.steps, help='joint steps')
    parser.add_argument('--decoder-steps', type=int, default=600, help='decoder steps')
    parser.add_argument('--seed', type=int, default=0, help='of weights and batches')
    arguments = parser.parse_args()

    build(arguments.data, split='val', episodes=arguments.val_episodes)
    build(arguments.data, split='train', episodes=arguments.episodes)
    config = TrainingConfig(steps=arguments.steps, seed=arguments.seed)
    model = new_model(arguments.run, seed=arguments.seed)
    sampler = BatchSampler(
        load(arguments.data, split='train', episodes=arguments.episodes),
        clip_frames=model.config.clip_frames,
        clips=config.clips,
        transitions=config.transitions,
        seed=config.seed,
    )
    validation = validation_batch(
        arguments.data,
        episodes=arguments.val_episodes,
        clip_frames=model.config.clip_frames,
    )
    head = StateHead(model.config.vision.hidden_size)
    pretrain(
        model,
        head,
        sampler,
        arguments.run,
        steps=arguments.pretrain_steps,
        seed=arguments.seed,
    )
    train(
        model,
        head,
        sampler,
        validation,
        arguments.run,
        config=config,
        validation_pairs=VALIDATION_PAIRS,
    )
    train_decoder(model, arguments.run, steps=arguments.decoder_steps, seed=arguments.seed)
    # Half precision halves the files; the scores of the card are measured with them.
    out = arguments.out or arguments.run / 'checkpoint'
    save_checkpoint(model.half(), out, tokenizer_source=arguments.run)
    print(f'Checkpoint written to {out}')


if __name__ == '__main__':
    main()
