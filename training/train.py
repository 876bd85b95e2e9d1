# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Trains `models/tiny`: render, pretrain the X-Encoder, train the rest on its frozen features.

    python -m training.train --data build/data --run build/tiny --out models/tiny

Every stage shows its progress and goes on where it was interrupted.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

from vljepa_ros.inference.threads import wait_passively

wait_passively()
import numpy as np  # noqa: E402 (torch must find the environment variable set)
import torch  # noqa: E402

from training.batches import BatchSampler  # noqa: E402
from training.clips import ClipIndex  # noqa: E402
from training.dataset import FPS, build, load  # noqa: E402
from training.decoder_training import DecoderConfig, train_decoder  # noqa: E402
from training.features import FeatureStore  # noqa: E402
from training.manifest import MANIFEST_FILE  # noqa: E402
from training.minilm import find_minilm  # noqa: E402
from training.planning_training import (  # noqa: E402
    PlanningConfig,
    embed_transitions,
    train_planning,
)
from training.pretraining import PretrainingConfig, pretrain  # noqa: E402
from training.simulator_source import SimulatorSource, SourceSizes  # noqa: E402
from training.texts import SimulatorTexts  # noqa: E402
from training.tokenizer_training import train_tokenizer  # noqa: E402
from training.trainer import TrainingConfig, train  # noqa: E402
from training.validation import Validation  # noqa: E402
from vljepa_ros.model.checkpoint import save_checkpoint, tokenizer_file  # noqa: E402
from vljepa_ros.model.presets import tiny_config  # noqa: E402
from vljepa_ros.model.pretrained import init_query_table, load_pretrained_bert  # noqa: E402
from vljepa_ros.model.tokenizer import Tokenizer  # noqa: E402
from vljepa_ros.model.vl_jepa import TOKENIZED, VLJEPA  # noqa: E402

MAX_VOCABULARY = 1024
CORPUS = 20_000
VALIDATION_SIZES = SourceSizes(clips=700, transitions=300, stills=200, nexts=200)
STAGES = ('render', 'pretrain', 'train', 'decoder', 'planning')


def new_model(folder: Path, texts: SimulatorTexts, *, seed: int) -> VLJEPA:
    """Create the tiny model: MiniLM's words, all else fresh; tokenizers go to `folder`."""
    minilm = find_minilm()
    folder.mkdir(parents=True, exist_ok=True)
    vocab_size = train_tokenizer(
        texts.corpus(CORPUS, seed=seed),
        folder / tokenizer_file('y_decoder'),
        vocab_size=MAX_VOCABULARY,
    )
    for name in ('predictor', 'y_encoder'):
        shutil.copyfile(minilm / 'tokenizer.json', folder / tokenizer_file(name))
    torch.manual_seed(seed)
    tokenizers = {name: Tokenizer(folder / tokenizer_file(name)) for name in TOKENIZED}
    model = VLJEPA(tiny_config(vocab_size=vocab_size), tokenizers)
    y_encoder = model.network('y_encoder')
    load_pretrained_bert(y_encoder, minilm / 'model.safetensors')  # type: ignore[arg-type]
    words = y_encoder.get_parameter('embeddings.word_embeddings.weight')
    init_query_table(model.network('predictor'), words)  # type: ignore[arg-type]
    return model


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--data', type=Path, default=Path('build/data'), help='rendered episodes')
    parser.add_argument('--run', type=Path, default=Path('build/tiny'), help='training state')
    parser.add_argument('--out', type=Path, help='checkpoint to write (default: RUN/checkpoint)')
    parser.add_argument('--episodes', type=int, default=4000, help='training episodes')
    parser.add_argument('--val-episodes', type=int, default=200, help='validation episodes')
    parser.add_argument('--stop-after', choices=STAGES, default=STAGES[-1], help='last stage')
    parser.add_argument('--tubelet-steps', type=int, default=PretrainingConfig.tubelet_steps)
    parser.add_argument('--clip-steps', type=int, default=PretrainingConfig.clip_steps)
    parser.add_argument('--steps', type=int, default=TrainingConfig.steps)
    parser.add_argument('--decoder-steps', type=int, default=DecoderConfig.steps)
    parser.add_argument('--planning-steps', type=int, default=PlanningConfig.steps)
    parser.add_argument('--clips', type=int, default=SourceSizes.clips, help='clips with captions')
    parser.add_argument('--seed', type=int, default=0, help='of weights and batches')
    return parser.parse_args()


def main() -> None:
    """Run all stages from the command line."""
    arguments = _arguments()
    last = STAGES.index(arguments.stop_after)
    build(arguments.data, split='val', episodes=arguments.val_episodes)
    build(arguments.data, split='train', episodes=arguments.episodes)
    if last == 0:
        return
    run, seed = arguments.run, arguments.seed
    episodes = load(arguments.data, split='train', episodes=arguments.episodes)
    texts = SimulatorTexts(episodes)
    model = new_model(run, texts, seed=seed)
    if model.config.clip_fps != FPS:
        raise SystemExit(f'The data has {FPS} frames a second, the model {model.config.clip_fps}')
    index = ClipIndex(episodes, clip_frames=model.config.clip_frames)
    pretraining = PretrainingConfig(
        tubelet_steps=arguments.tubelet_steps, clip_steps=arguments.clip_steps, seed=seed
    )
    sampler = BatchSampler(index, seed=seed)
    encoder = model.network('x_encoder')
    pretrain(encoder, model.config.vision, sampler, run, config=pretraining)
    encoder.eval().requires_grad_(False)
    if last == 1:
        return
    scale = arguments.clips / SourceSizes.clips
    sizes = SourceSizes(*(int(scale * size) for size in vars(SourceSizes()).values()))
    source = SimulatorSource(index, sizes=sizes, seed=seed)
    features = FeatureStore(run, source=source, encoder=encoder)
    features.build()
    validation = _validation(arguments.data, model, episodes=arguments.val_episodes)
    training = TrainingConfig(steps=arguments.steps, seed=seed)
    train(model, source, features, validation, run, config=training)
    model.eval().requires_grad_(False)
    if last >= STAGES.index('decoder'):
        model.network('y_decoder').requires_grad_(True)
        decoding = DecoderConfig(steps=arguments.decoder_steps, seed=seed)
        train_decoder(model, run, draw=texts.draw, config=decoding)
    if last >= STAGES.index('planning'):
        planning = PlanningConfig(steps=arguments.planning_steps, seed=seed)
        for name in ('transition', 'inverse'):
            model.network(name).requires_grad_(True)
        pairs = embed_transitions(model, index, count=planning.transitions, seed=seed)
        train_planning(model, pairs, run, config=planning)
    out = arguments.out or run / 'checkpoint'
    save_checkpoint(model, out, tokenizer_source=run, dtype=torch.float16)
    _write_provenance(out, arguments)
    print(f'Checkpoint written to {out}')


def _validation(data: Path, model: VLJEPA, *, episodes: int) -> Validation:
    index = ClipIndex(
        load(data, split='val', episodes=episodes), clip_frames=model.config.clip_frames
    )
    source = SimulatorSource(index, sizes=VALIDATION_SIZES, seed=1)
    return Validation.draw(source, model.network('x_encoder'), count=len(source))


def _write_provenance(out: Path, arguments: argparse.Namespace) -> None:
    """Write beside the weights what the training data showed, and the settings."""
    seen = json.loads((arguments.data / 'train' / MANIFEST_FILE).read_text(encoding='utf-8'))
    settings = {name: value for name, value in vars(arguments).items() if np.isscalar(value)}
    text = json.dumps({'settings': settings, 'data': seen}, indent=1)
    (out / 'training.json').write_text(text + '\n', encoding='utf-8')


if __name__ == '__main__':
    main()
