# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The settings of a whole training run, each with its default and checked once."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from training.decoder_training import DecoderConfig
from training.planning_training import PlanningConfig
from training.pretraining import PretrainingConfig
from training.simulator_source import SourceSizes
from training.trainer import TrainingConfig
from vljepa_ros.inference.graphs import GRAPH_PRECISIONS
from vljepa_ros.model.config_reading import require

STAGES = ('render', 'pretrain', 'train', 'decoder', 'planning')


@dataclass(frozen=True)
class SimulatorData:
    """Episodes of the simulated world.

    Attributes:
        folder: of the rendered episodes; missing ones are rendered.
        episodes: to train on.
        val_episodes: to choose the checkpoint by.
        clips: clips with captions; the other forms of clips in proportion.
        variety: of the pictures: 'narrow', or 'wide', where views turn, light is uneven and some
            clips lose their colours.
        seen_pairs: take only what the data shows together for negatives of each other
            (`training.pairings`).
    """

    folder: str = 'build/data'
    episodes: int = 3200
    val_episodes: int = 200
    clips: int = SourceSizes.clips
    variety: Literal['narrow', 'wide'] = 'narrow'
    seen_pairs: bool = False

    def __post_init__(self) -> None:
        """Reject empty data."""
        for name in ('episodes', 'val_episodes', 'clips'):
            value = getattr(self, name)
            require(value > 0, f'data.simulator.{name} is {value}; it must be 1 or more')


@dataclass(frozen=True, kw_only=True)
class RecordingSettings:
    """How clips are drawn from recordings.

    Attributes:
        clips: drawn from each recording, beside one of its first and its last image.
        sampling: 'rate' draws clips at the model's clip rate, as a node sees them; 'uniform'
            spreads the frames of a clip over the whole recording.
        val_share: of the recordings, to choose the checkpoint by.
        augment: vary crop and colours of the training clips.
    """

    clips: int = 4
    sampling: Literal['rate', 'uniform'] = 'rate'
    val_share: float = 0.1
    augment: bool = True

    def __post_init__(self) -> None:
        """Reject numbers that leave one of the splits empty."""
        require(self.clips > 0, f'data: clips is {self.clips}; it must be 1 or more')
        require(
            0.0 < self.val_share < 1.0,
            f'data: val_share is {self.val_share}; it must be between 0 and 1',
        )


@dataclass(frozen=True, kw_only=True)
class ManifestData(RecordingSettings):
    """Videos listed in a JSONL file (`training.manifest_source`)."""

    file: str


@dataclass(frozen=True, kw_only=True)
class LeRobotData(RecordingSettings):
    """A LeRobot v3 data set (`training.lerobot_source`).

    Attributes:
        folder: that holds `meta`, `data` and `videos`.
        cameras: keys of its videos; none takes all colour cameras.
    """

    folder: str
    cameras: tuple[str, ...] = ()


@dataclass(frozen=True)
class DataConfig:
    """Where the data comes from: exactly one of the three."""

    simulator: SimulatorData | None = None
    manifest: ManifestData | None = None
    lerobot: LeRobotData | None = None

    def __post_init__(self) -> None:
        """Reject none and several."""
        given = [item.name for item in dataclasses.fields(self) if getattr(self, item.name)]
        require(
            len(given) == 1,
            f'data names {given or "no source"}; it must name exactly one of '
            f'{[item.name for item in dataclasses.fields(self)]}',
        )


@dataclass(frozen=True)
class ClipConfig:
    """Clips of another shape than those of the checkpoint named by `init`; None keeps its own.

    Attributes:
        frames: of a clip.
        fps: frames a second.
    """

    frames: int | None = None
    fps: float | None = None


@dataclass(frozen=True)
class FeatureConfig:
    """Where the X-Encoder's features are kept.

    Attributes:
        cache: keep them on disk; otherwise they are computed in each step.
        folder: of the cache; None is the folder of the run.
    """

    cache: bool = True
    folder: str | None = None


@dataclass(frozen=True)
class CheckpointConfig:
    """How the checkpoint is written; its weights are stored in half precision.

    Attributes:
        int8_tables: store large tables of words in 8 bits a number.
        graphs: precisions of the ONNX graphs, which run it without PyTorch; none writes none.
            'int8' is calibrated on clips of the training data.
    """

    int8_tables: bool = False
    graphs: tuple[str, ...] = ('fp32', 'fp16')

    def __post_init__(self) -> None:
        """Reject an unknown precision."""
        require(
            set(self.graphs) <= set(GRAPH_PRECISIONS),
            f'checkpoint.graphs are {list(self.graphs)}; allowed are {list(GRAPH_PRECISIONS)}',
        )


@dataclass(frozen=True)
class RunConfig:
    """Everything that a training needs to know.

    Attributes:
        name: of the model.
        run: folder of the training's state, caches and logs.
        out: folder of the checkpoint; None is `<run>/checkpoint`.
        init: checkpoint to start from, by name or folder; its X-Encoder stays frozen unless
            `pretrain` says otherwise. None begins a new model of the size of `models/tiny`, for
            which the data must be the simulator's.
        pretrain: teach the X-Encoder of `init` further first; a new one is always taught.
        device: 'auto' takes a GPU where there is one.
        seed: of weights, clips, texts and batches.
        stop_after: last stage of `STAGES`.
        tensorboard: write scalars to `<run>/tensorboard`.
        data: what is learned.
        clip: shape of the clips.
        pretraining: of the X-Encoder.
        features: of the frozen X-Encoder.
        training: of Predictor and Y-Encoder.
        decoder: of the Y-Decoder.
        planning: of the planning heads.
        checkpoint: how it is written.
    """

    data: DataConfig
    name: str = 'tiny'
    run: str = 'build/tiny'
    out: str | None = None
    init: str | None = None
    pretrain: bool = False
    device: Literal['auto', 'cpu', 'cuda'] = 'auto'
    seed: int = 0
    stop_after: Literal['render', 'pretrain', 'train', 'decoder', 'planning'] = 'planning'
    tensorboard: bool = False
    clip: ClipConfig = field(default_factory=ClipConfig)
    pretraining: PretrainingConfig = field(default_factory=PretrainingConfig)
    features: FeatureConfig = field(default_factory=FeatureConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    decoder: DecoderConfig = field(default_factory=DecoderConfig)
    planning: PlanningConfig = field(default_factory=PlanningConfig)
    checkpoint: CheckpointConfig = field(default_factory=CheckpointConfig)

    def __post_init__(self) -> None:
        """Reject a new model that nothing could teach to see, and clips of a new shape for it."""
        require(bool(self.name), 'name is empty; it names the model')
        require(
            self.init is not None or self.data.simulator is not None,
            'init is missing: only the simulator can teach a new X-Encoder. Name a checkpoint to '
            "start from, for instance 'init: models/tiny'",
        )
        require(
            not self.pretrain or self.data.simulator is not None,
            'pretrain is true: only the simulator can teach the X-Encoder; name it under data, or '
            'leave pretrain out',
        )
        require(
            self.init is not None or self.clip == ClipConfig(),
            "clip is for a model that 'init' names; a new one has clips of a fixed shape",
        )

    def reaches(self, stage: str) -> bool:
        """Whether a stage is to be run."""
        return STAGES.index(stage) <= STAGES.index(self.stop_after)

    @property
    def out_folder(self) -> Path:
        """Where the checkpoint is written."""
        return Path(self.out).expanduser() if self.out else self.run_folder / 'checkpoint'

    @property
    def feature_folder(self) -> Path:
        """Where the features are kept."""
        folder = self.features.folder
        return Path(folder).expanduser() if folder else self.run_folder

    @property
    def run_folder(self) -> Path:
        """Where the state is kept."""
        return Path(self.run).expanduser()
