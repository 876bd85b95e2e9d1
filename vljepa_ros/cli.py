# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The `vljepa` command."""

from __future__ import annotations

import argparse
import importlib
import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vljepa_ros import __version__
from vljepa_ros.errors import MissingDependencyError, VljepaError
from vljepa_ros.inference.graphs import FLOAT_PRECISIONS, GRAPH_PRECISIONS
from vljepa_ros.launch_arguments import ARGUMENTS, description_of, pipeline_arguments
from vljepa_ros.process_environment import missing_environment
from vljepa_ros.resources import find_resource, resolve_model
from vljepa_ros.rviz import rviz_command

if TYPE_CHECKING:
    import numpy as np

SAMPLE_VIDEO = 'samples/tabletop.mp4'
CALIBRATION_CLIPS = 128
RVIZ_TIMEOUT_S = 5.0
# What a model is run with, and what that is by default.
MODEL_OPTIONS: dict[str, Any] = {
    'backend': 'auto',
    'device': 'auto',
    'precision': 'auto',
    'threads': 0,
}
# Commands of the source tree, which robots do not have: module and what it does. Each module has
# main(argv), parses its own arguments and explains them.
SOURCE_TREE_COMMANDS = {
    'bench': ('benchmarks.command', 'measure how fast it is and what it takes'),
    'eval': ('training.evaluation.command', 'measure what a model understands'),
    'train': ('training.train', 'train a model on the simulated world or on your recordings'),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a subcommand; return the exit status."""
    parser = _parser()
    options, rest = parser.parse_known_args(argv)
    if rest and options.command not in SOURCE_TREE_COMMANDS:
        parser.error(f'unrecognized arguments: {" ".join(rest)}')
    try:
        if options.command in SOURCE_TREE_COMMANDS:
            return _source_tree_command(options.command, rest)
        return int(options.run(options))
    except VljepaError as error:
        print(f'vljepa: {error}', file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='vljepa', description='VL-JEPA for ROS 2')
    commands = parser.add_subparsers(dest='command', required=True, metavar='COMMAND')

    up = commands.add_parser('up', help='start the nodes, as perception.launch.py does')
    for argument in ARGUMENTS:
        up.add_argument(
            f'--{argument.name.replace("_", "-")}',
            dest=argument.name,
            default=argument.default,
            choices=argument.choices or None,
            metavar=None if argument.choices else argument.name.upper(),
            help=description_of(argument),
        )
    up.set_defaults(run=_up)

    demo = commands.add_parser('demo', help='play a video as a camera and print the events')
    demo.add_argument(
        '--video', type=Path, help='video file or folder of images (default: a shipped sample)'
    )
    demo.add_argument('--json', type=Path, metavar='OUT', help='write events and figures to OUT')
    demo.add_argument('--no-loop', action='store_true', help='end with the video')
    demo.add_argument(
        '--rate', type=float, default=0.0, metavar='HZ', help='images a second (default: its own)'
    )
    demo.add_argument('--model', default='', help='model name or checkpoint folder')
    demo.add_argument('--params-file', default='', help='YAML file with the node parameters')
    demo.set_defaults(run=_demo)

    export = commands.add_parser('export', help="write a checkpoint's ONNX graphs")
    export.add_argument('model', help='model name or checkpoint folder')
    export.add_argument(
        '--out', type=Path, metavar='DIR', help='write a copy of the checkpoint with its graphs'
    )
    export.add_argument(
        '--precision',
        action='append',
        choices=GRAPH_PRECISIONS,
        help='of the graphs, can be given several times (default: fp32 and fp16)',
    )
    export.add_argument(
        '--calibration',
        type=Path,
        action='append',
        default=[],
        metavar='VIDEO',
        help='for int8: a video or a folder of images like what the model will see, several times '
        'if you like',
    )
    export.set_defaults(run=_export)

    engine = commands.add_parser('build-engine', help="build a checkpoint's TensorRT engines")
    engine.add_argument('model', help='model name or checkpoint folder')
    engine.add_argument(
        '--precision', default='fp16', choices=FLOAT_PRECISIONS, help='(default: fp16)'
    )
    engine.add_argument('--device', default='auto', help='cuda or cuda:N (default: the first GPU)')
    engine.add_argument(
        '--compute-capability',
        nargs='+',
        default=(),
        metavar='X.Y',
        help='build for RTX GPUs that are elsewhere, as 8.9; needs no GPU (tensorrt-rtx)',
    )
    engine.add_argument(
        '--out', type=Path, metavar='DIR', help='write them there instead of the cache'
    )
    engine.set_defaults(run=_build_engine)

    doctor = commands.add_parser('doctor', help='say what this machine has, and what is missing')
    doctor.add_argument(
        '--model',
        action='append',
        default=[],
        help='model name or checkpoint folder, can be given several times (default: the shipped)',
    )
    doctor.add_argument(
        '--gpu', action='store_true', help='try what only a GPU can show, instead of all else'
    )
    doctor.add_argument('--json', type=Path, metavar='FILE', help='write the findings to FILE')
    _add_model_options(doctor)
    doctor.set_defaults(run=_doctor)

    warmup = commands.add_parser('warmup', help='do now what the first start would do once')
    warmup.add_argument(
        'model', nargs='?', default='tiny', help='model name or checkpoint folder (default: tiny)'
    )
    _add_model_options(warmup)
    warmup.set_defaults(run=_warmup)

    report = commands.add_parser('report', help='write a page about what a recording shows')
    report.add_argument(
        'recording',
        type=Path,
        help='a folder of `ros2 bag record`, an MCAP or db3 file, a folder of clips, a video or a '
        'folder of images',
    )
    report.add_argument(
        '--out', type=Path, metavar='FILE', help='the page (default: RECORDING_report.html here)'
    )
    report.add_argument(
        '--model',
        default='tiny',
        help='for a recording without events: model name or checkpoint folder (default: tiny)',
    )
    _add_model_options(report)
    report.set_defaults(run=_report)

    index = commands.add_parser('index', help='fill a memory from recordings')
    index.add_argument(
        'recordings',
        type=Path,
        nargs='+',
        metavar='RECORDING',
        help='as for report, or a folder that holds recordings at any depth',
    )
    index.add_argument(
        '--memory',
        default='~/.ros/vljepa_memory',
        metavar='URI',
        help='a folder, s3://…, gs://…, az://… or db://… (default: ~/.ros/vljepa_memory)',
    )
    index.add_argument(
        '--model',
        default='tiny',
        help='looks at recordings without embeddings of it: name or checkpoint folder '
        '(default: tiny)',
    )
    index.add_argument(
        '--query',
        action='append',
        help='what is asked about each clip, can be given several times (default: caption)',
    )
    index.add_argument(
        '--jobs',
        type=int,
        default=0,
        help='recordings read at once (default: one a core)',
    )
    index.add_argument(
        '--ray', default='', metavar='ADDRESS', help='read them on a Ray cluster; auto finds it'
    )
    _add_model_options(index)
    index.set_defaults(run=_index)

    for name, (_, description) in SOURCE_TREE_COMMANDS.items():
        commands.add_parser(name, help=description, add_help=False)

    docs = commands.add_parser('docs', help='print the page of all node parameters')
    docs.set_defaults(run=_docs)
    version = commands.add_parser('version', help='print the version')
    version.set_defaults(run=_version)
    return parser


def _add_model_options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `up` that decide what a model is run with."""
    for argument in ARGUMENTS:
        if argument.name in MODEL_OPTIONS:
            parser.add_argument(
                f'--{argument.name}',
                default=MODEL_OPTIONS[argument.name],
                choices=[choice for choice in argument.choices if choice] or None,
                type=argument.parse,
                help=f'{argument.description} (default: {MODEL_OPTIONS[argument.name]})',
            )


def _up(options: argparse.Namespace) -> int:
    values = {item.name: getattr(options, item.name) for item in ARGUMENTS}
    arguments, viewer = pipeline_arguments(values), rviz_command(values)
    os.environ.update(missing_environment())  # before ROS and PyTorch are loaded
    from vljepa_ros.nodes.pipeline import main as pipeline

    # What it prints about graphics would hide what the nodes say.
    log = subprocess.DEVNULL
    window = subprocess.Popen(viewer, stdout=log, stderr=log) if viewer else None
    try:
        pipeline(arguments)
    finally:
        if window is not None:
            window.terminate()
            try:
                window.wait(RVIZ_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                window.kill()
    return 0


def _demo(options: argparse.Namespace) -> int:
    video = options.video or find_resource(SAMPLE_VIDEO)
    from vljepa_ros.stream.video_source import VideoSource

    VideoSource(video, rate_hz=options.rate)  # a wrong file is better said before all else
    from vljepa_ros.demo import DemoOptions, run_demo

    up = ['--log-level', 'warn']
    if options.model:
        up += ['--model', options.model]
    if options.params_file:
        up += ['--params-file', options.params_file]
    return run_demo(
        DemoOptions(
            video=video,
            up=up,
            rate_hz=options.rate,
            loop=not options.no_loop,
            json=options.json,
        )
    )


def _export(options: argparse.Namespace) -> int:
    from vljepa_ros.inference.torch_export import export_graphs  # needs PyTorch

    folder = resolve_model(options.model)
    written = export_graphs(
        folder,
        out=options.out,
        precisions=options.precision or ('fp32', 'fp16'),
        calibration=_calibration(folder, options.calibration),
        on_graph=lambda path: print(f'{path} ({path.stat().st_size / 1e3:.0f} kB)', flush=True),
    )
    print(f'{len(written)} graphs; the weights stay in their files')
    return 0


def _calibration(folder: Path, videos: Sequence[Path]) -> np.ndarray | None:
    """Return the clips by which an export in int8 is calibrated."""
    if not videos:
        return None
    from vljepa_ros.model.checkpoint_folder import load_config
    from vljepa_ros.stream.video_clips import clips_of

    config = load_config(folder)
    return clips_of(
        videos,
        clip_frames=config.clip_frames,
        clip_fps=config.clip_fps,
        image_size=config.image_size,
        count=CALIBRATION_CLIPS,
    )


def _build_engine(options: argparse.Namespace) -> int:
    from vljepa_ros.inference.tensorrt.command import run

    return run(
        resolve_model(options.model),
        precision=options.precision,
        device=options.device,
        capabilities=options.compute_capability,
        out=options.out,
    )


def _doctor(options: argparse.Namespace) -> int:
    from vljepa_ros.doctor.command import run
    from vljepa_ros.doctor.models import RunOptions

    chosen = RunOptions(**{name: getattr(options, name) for name in MODEL_OPTIONS})
    return run(options.model, chosen, on_gpu=options.gpu, json=options.json)


def _warmup(options: argparse.Namespace) -> int:
    from vljepa_ros.inference.warmup import run

    return run(options.model, **{name: getattr(options, name) for name in MODEL_OPTIONS})


def _report(options: argparse.Namespace) -> int:
    from vljepa_ros.report.command import ReportOptions, run

    chosen = {name: getattr(options, name) for name in MODEL_OPTIONS}
    return run(ReportOptions(options.recording, options.out, options.model, **chosen))


def _index(options: argparse.Namespace) -> int:
    from vljepa_ros.indexing.command import IndexOptions, run  # needs lancedb

    chosen = {name: getattr(options, name) for name in MODEL_OPTIONS}
    return run(
        IndexOptions(
            options.recordings,
            options.memory,
            options.model,
            tuple(options.query or ('caption',)),
            options.jobs,
            options.ray,
            **chosen,
        )
    )


def _source_tree_command(name: str, arguments: list[str]) -> int:
    module = SOURCE_TREE_COMMANDS[name][0]
    # An installed `vljepa` does not have the working folder on its path.
    root = Path(__file__).resolve().parents[1]
    if (root / Path(*module.split('.'))).with_suffix('.py').is_file():
        sys.path.insert(0, str(root))
    try:
        there = find_spec(module) is not None
    except ModuleNotFoundError:  # no such package, or another one of that name
        there = False
    if not there:
        raise MissingDependencyError(
            f'vljepa {name} needs the folder {module.partition(".")[0]}/ of the source tree, '
            'which is not installed on robots. Clone the repository and run there: '
            f'python3 scripts/run.py --test vljepa {name}'
        )
    return int(importlib.import_module(module).main(arguments))


def _docs(options: argparse.Namespace) -> int:
    from vljepa_ros.nodes.tables import parameters_page

    print(parameters_page(), end='')
    return 0


def _version(options: argparse.Namespace) -> int:
    print(f'vljepa_ros {__version__}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
