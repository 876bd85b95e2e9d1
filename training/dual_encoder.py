# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
r"""The CLIP-style baseline: one embedding a clip, whatever is asked (arXiv 2103.00020).

    python -m training.dual_encoder --data build/data --run build/tiny --x-encoder tiny \
        --out build/dual_encoder

A video tower against a text tower, trained on (clip, caption) pairs alone with the same InfoNCE.
Its fairest form here shares all that it can with VL-JEPA: the frozen X-Encoder's features, the
first weights of the Y-Encoder, the batches, the schedule, and a pooling transformer of the
Predictor's size on top of the visual tokens. It never sees a question: the place of the query
holds one constant text, so it is a learned pooling token. The checkpoint has the form of any
other (without a Y-Decoder): `vljepa eval --dual-encoder FOLDER` loads it.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from vljepa_ros.inference.threads import wait_passively

wait_passively()
import numpy as np  # noqa: E402 (torch must find the environment variable set)
import torch  # noqa: E402

from training.clips import ClipIndex  # noqa: E402
from training.dataset import load  # noqa: E402
from training.features import FeatureStore, weights_fingerprint  # noqa: E402
from training.run_config import SimulatorData  # noqa: E402
from training.simulator_source import SimulatorSource, SourceSizes  # noqa: E402
from training.sources import ClipSource, QueryAnswer  # noqa: E402
from training.trainer import TrainingConfig, train  # noqa: E402
from training.validation import Validation  # noqa: E402
from vljepa_ros.model.checkpoint import save_checkpoint  # noqa: E402
from vljepa_ros.model.config import ModelConfig  # noqa: E402
from vljepa_ros.model.presets import tiny_config  # noqa: E402
from vljepa_ros.model.vl_jepa import VLJEPA  # noqa: E402

COMPONENTS = ('x_encoder', 'predictor', 'y_encoder')
POOLING_TEXT = 'video'
STEPS = 5500
VALIDATION_CLIPS = 700


class CaptionPairs:
    """The captioned clips of a source, each with its caption and nothing else.

    Clips keep their numbers, so the features of the whole source serve.
    """

    def __init__(self, source: ClipSource, *, count: int, hard_negatives: bool = True) -> None:
        """Take the first `count` clips of a source: those that show an action or an idle time.

        Args:
            source: its first question about such a clip asks for the caption.
            count: how many captioned clips it begins with.
            hard_negatives: keep the wrong captions of VL-JEPA's batches; CLIP has none.
        """
        self._source, self._count, self._hard = source, count, hard_negatives
        self.fingerprint = f'{source.fingerprint}-captions'
        self.skipped = source.skipped

    def __len__(self) -> int:
        """Return the number of clips."""
        return self._count

    def clip(self, index: int) -> np.ndarray:
        """Return a clip, uint8 [T, S, S, 3]."""
        return self._source.clip(index)

    def pairs(self, index: int, rng: np.random.Generator) -> list[QueryAnswer]:
        """Draw a caption of a clip."""
        caption = self._source.pairs(index, rng)[0]
        negatives = caption.negatives if self._hard else ()
        return [dataclasses.replace(caption, query=POOLING_TEXT, negatives=negatives)]


def dual_config(config: ModelConfig) -> ModelConfig:
    """Return the configuration of a dual encoder beside a VL-JEPA: every query is the same."""
    return dataclasses.replace(
        config,
        name=f'{config.name}-dual-encoder',
        queries=dict.fromkeys(config.queries, POOLING_TEXT),
        transition=None,
        inverse=None,
    )


def new_dual_encoder(model: VLJEPA, encoder: torch.nn.Module) -> VLJEPA:
    """Create a dual encoder from a fresh VL-JEPA and a pretrained X-Encoder."""
    dual = VLJEPA(dual_config(model.config), model.tokenizers, components=COMPONENTS)
    for name in ('predictor', 'y_encoder'):
        dual.network(name).load_state_dict(model.network(name).state_dict())
    dual.network('x_encoder').load_state_dict(encoder.state_dict())
    dual.network('x_encoder').eval().requires_grad_(False)
    return dual


def main() -> None:
    """Train a dual encoder from the command line."""
    # They need the whole trainer; a test of the classes above does not.
    from training.comparison.material import load_encoder
    from training.start_model import new_model
    from training.texts import SimulatorTexts

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--data', type=Path, default=Path('build/data'), help='rendered episodes')
    parser.add_argument('--run', type=Path, default=Path('build/tiny'), help='of a training')
    parser.add_argument(
        '--x-encoder',
        metavar='MODEL',
        help='take the X-Encoder of this model, such as tiny (default: that of RUN)',
    )
    parser.add_argument('--features', type=Path, help='folder of the features (default: RUN)')
    parser.add_argument('--out', type=Path, default=Path('build/dual_encoder'), help='checkpoint')
    parser.add_argument(
        '--episodes', type=int, default=SimulatorData.episodes, help='training episodes'
    )
    parser.add_argument('--val-episodes', type=int, default=200, help='validation episodes')
    parser.add_argument('--clips', type=int, default=SourceSizes.clips, help='clips with captions')
    parser.add_argument('--steps', type=int, default=STEPS, help='those of tiny.yaml (5500)')
    parser.add_argument('--no-hard-negatives', action='store_true', help='as CLIP itself')
    parser.add_argument('--seed', type=int, default=0, help='of weights and batches')
    arguments = parser.parse_args()
    episodes = load(arguments.data, split='train', episodes=arguments.episodes)
    texts = SimulatorTexts(episodes)
    encoder = load_encoder(arguments.run, tiny_config(), checkpoint=arguments.x_encoder)
    # What was trained on another X-Encoder's features is not gone on with.
    folder = arguments.run / f'dual_encoder-{weights_fingerprint(encoder)}'
    fresh = new_model(folder, texts, seed=arguments.seed)
    model = new_dual_encoder(fresh, encoder)
    index = ClipIndex(episodes, clip_frames=model.config.clip_frames)
    scale = arguments.clips / SourceSizes.clips
    sizes = SourceSizes(*(int(scale * size) for size in vars(SourceSizes()).values()))
    source = SimulatorSource(index, sizes=sizes, seed=arguments.seed)
    features = FeatureStore(arguments.features or arguments.run, source=source, encoder=encoder)
    features.build()
    hard = not arguments.no_hard_negatives
    pairs = CaptionPairs(source, count=sizes.clips, hard_negatives=hard)
    val = load(arguments.data, split='val', episodes=arguments.val_episodes)
    seen = SimulatorSource(
        ClipIndex(val, clip_frames=model.config.clip_frames),
        sizes=SourceSizes(clips=VALIDATION_CLIPS, transitions=0, stills=0, nexts=0),
        seed=1,
        reworded=0.0,
    )
    captions = CaptionPairs(seen, count=len(seen))
    validation = Validation.draw(captions, encoder, count=len(seen))
    config = TrainingConfig(steps=arguments.steps, seed=arguments.seed)
    train(model, pairs, features, validation, folder, config=config)
    model.eval()
    save_checkpoint(model, arguments.out, tokenizer_source=folder, dtype=torch.float16)
    print(f'Checkpoint written to {arguments.out}')


if __name__ == '__main__':
    main()
