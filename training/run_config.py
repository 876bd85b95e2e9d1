# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The settings of a whole training run, read from a YAML file and checked once."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

from training.decoder_training import DecoderConfig
from training.planning_training import PlanningConfig
from training.pretraining import PretrainingConfig
from training.simulator_source import SourceSizes
from training.trainer import TrainingConfig
from vljepa_ros.errors import ConfigurationError, ResourceNotFoundError
from vljepa_ros.model.config_reading import read_dataclass, require

STAGES = ('render', 'pretrain', 'train', 'decoder', 'planning')
SEEDED = ('pretraining', 'training', 'decoder', 'planning')


@dataclass(frozen=True)
class SimulatorData:
    """Episodes of the simulated world.

    Attributes:
        folder: of the rendered episodes; missing ones are rendered.
        episodes: to train on.
        val_episodes: to choose the checkpoint by.
        clips: clips with captions; the other forms of clips in proportion.
    """

    folder: str = 'build/data'
    episodes: int = 4000
    val_episodes: int = 200
    clips: int = SourceSizes.clips

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
class RunConfig:
    """Everything that a training needs to know.

    Attributes:
        name: of the model.
        run: folder of the training's state, caches and logs.
        out: folder of the checkpoint; None is `<run>/checkpoint`.
        init: checkpoint to start from, by name or folder; its X-Encoder stays frozen. None begins
            a new model of the size of `models/tiny`, for which the data must be the simulator's.
        device: 'auto' takes a GPU where there is one.
        seed: of weights, clips, texts and batches.
        stop_after: last stage of `STAGES`.
        tensorboard: write scalars to `<run>/tensorboard`.
        data: what is learned.
        clip: shape of the clips.
        pretraining: of a new X-Encoder.
        features: of the frozen X-Encoder.
        training: of Predictor and Y-Encoder.
        decoder: of the Y-Decoder.
        planning: of the planning heads.
    """

    data: DataConfig
    name: str = 'tiny'
    run: str = 'build/tiny'
    out: str | None = None
    init: str | None = None
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

    def __post_init__(self) -> None:
        """Reject a new model that nothing could teach to see, and clips of a new shape for it."""
        require(bool(self.name), 'name is empty; it names the model')
        require(
            self.init is not None or self.data.simulator is not None,
            'init is missing: only the simulator can teach a new X-Encoder. Name a checkpoint to '
            "start from, for instance 'init: models/tiny'",
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


class _Loader(yaml.SafeLoader):
    """Reads 5e-5 as a number, as YAML 1.2 does."""


_Loader.add_implicit_resolver(
    'tag:yaml.org,2002:float', re.compile(r'^[-+]?\d+(\.\d*)?[eE][-+]?\d+$'), list('-+0123456789')
)


def read_run_config(path: Path, changes: Mapping[str, Any] | None = None) -> RunConfig:
    """Read and check a configuration.

    Args:
        path: of the YAML file.
        changes: values by dotted key, such as `training.steps`, that replace those of the file.

    Raises:
        ResourceNotFoundError: there is no such file.
        ConfigurationError: it is no YAML, or a key or a value is wrong.
    """
    if not path.is_file():
        raise ResourceNotFoundError(
            f'There is no configuration {str(path)!r}. Examples are in training/configs'
        )
    try:
        values = yaml.load(path.read_text(encoding='utf-8'), Loader=_Loader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError(f'{path} is not YAML: {error}') from error
    try:
        require(isinstance(values, dict), 'the file must hold a mapping of keys to values')
        for key, value in (changes or {}).items():
            _change(values, key.split('.'), value)
        return _checked(values)
    except ConfigurationError as error:
        raise ConfigurationError(f'{path}: {error}') from error


def parse_value(text: str) -> Any:
    """Read a value as the YAML file would hold it."""
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise ConfigurationError(f'{text!r} is not a YAML value: {error}') from error


def _change(values: dict[str, Any], keys: list[str], value: Any) -> None:
    for number, key in enumerate(keys[:-1]):
        values = values.setdefault(key, {})
        require(
            isinstance(values, dict), f'{".".join(keys[: number + 1])} must be a mapping of keys'
        )
    values[keys[-1]] = value


def _checked(values: dict[str, Any]) -> RunConfig:
    for name in SEEDED:
        section = values.get(name)
        require(
            not (isinstance(section, dict) and 'seed' in section),
            f'{name}.seed is not allowed; the one seed stands at the top',
        )
    config = read_dataclass(RunConfig, values, 'config', defaults=True)
    seeded = {
        name: dataclasses.replace(getattr(config, name), seed=config.seed) for name in SEEDED
    }
    return dataclasses.replace(config, **seeded)
