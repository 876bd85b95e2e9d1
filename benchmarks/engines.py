# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`vljepa bench engines`: every backend and precision beside the classes of transformers."""

from __future__ import annotations

import argparse
import contextlib
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.alternation import alternate
from benchmarks.engine_scores import Turn, add_parity, add_times, key
from benchmarks.engine_worker import AUTO, TRANSFORMERS, Job, Worker, noise
from benchmarks.load import busy_cores
from benchmarks.models import VITL, real_clips, with_graphs
from training.evaluation.intervals import exact
from training.evaluation.results import Results
from vljepa_ros.errors import ConfigurationError, VljepaError
from vljepa_ros.inference.choices import ON_CPU, ON_GPU, REFERENCE
from vljepa_ros.inference.cuda_driver import cuda_driver
from vljepa_ros.inference.selection import MEASURED, Choice
from vljepa_ros.inference.threads import usable_cores
from vljepa_ros.model.checkpoint_folder import load_config, model_id

QUICK = 'tiny alone, 4 rounds, 4 clips'
PACKAGES = ('transformers', 'onnxruntime', 'openvino', 'tensorrt', 'tensorrt-rtx')
BATCH = 4
TURN_S = 0.3  # about how long a turn lasts
MOST_CALLS = 20
ROUNDS, VITL_ROUNDS, QUICK_ROUNDS = 30, 5, 4
CLIPS, VITL_CLIPS, QUICK_CLIPS = 16, 2, 4
NOISE_CLIPS = 2
IDLE_SHARE = 0.02  # of a core; more than that by waiting workers is worth a note


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the suite."""
    parser.add_argument(
        '--model',
        nargs='+',
        metavar='NAME',
        help=f"shipped models' names, folders, or {VITL}: an X-Encoder of full size with random "
        f'weights (tiny and {VITL})',
    )
    parser.add_argument(
        '--backend', nargs='+', metavar='NAME', help='only these backends (all that are there)'
    )
    parser.add_argument('--device', default='auto', help='auto, cpu, cuda or cuda:N (auto)')
    parser.add_argument(
        '--threads', type=int, default=0, metavar='N', help='compute threads (one a core)'
    )
    parser.add_argument(
        '--rounds', type=int, default=0, metavar='N', help=f'({ROUNDS}; {VITL}: {VITL_ROUNDS})'
    )
    parser.add_argument(
        '--busy',
        action='store_true',
        help='also measure beside processes that keep all cores busy',
    )


@dataclass(frozen=True)
class Plan:
    """How one model is measured."""

    choices: tuple[Choice, ...]
    device: str
    threads: int
    rounds: int
    clips: int
    busy: bool


def run(options: argparse.Namespace) -> Results:
    """Measure all models.

    Raises:
        VljepaError: a wrong argument or model, or nothing that runs it.
    """
    models = options.model or (['tiny'] if options.quick else ['tiny', VITL])
    device = _device(options.device)
    threads = options.threads or usable_cores()
    if options.threads < 0 or options.rounds < 0:
        raise ConfigurationError(
            f'--threads is {options.threads}, --rounds {options.rounds}; use 1 or more'
        )
    results = Results(
        'engines',
        quick=options.quick,
        seeds={'noise': 0},
        settings={
            'device': device,
            'threads': threads,
            'batch': BATCH,
            'models': {},
            'chosen': {},
        },
        packages=PACKAGES,
    )
    choices = _choices(device, options.backend)
    for model in models:
        full_size = model == VITL
        rounds, clips = (VITL_ROUNDS, VITL_CLIPS) if full_size else (ROUNDS, CLIPS)
        if options.quick:
            rounds, clips = min(rounds, QUICK_ROUNDS), min(clips, QUICK_CLIPS)
        folder = with_graphs(model, components=MEASURED)
        plan = Plan(choices, device, threads, options.rounds or rounds, clips, options.busy)
        measure_model(results, folder, plan)
    return results


def _device(name: str) -> str:
    if name != 'auto':
        return name
    return 'cuda' if cuda_driver().gpus else 'cpu'


def _choices(device: str, backends: Sequence[str] | None) -> tuple[Choice, ...]:
    known = (*(ON_CPU if device == 'cpu' else ON_GPU), REFERENCE)
    chosen = tuple(item for item in known if not backends or item.backend in backends)
    if not chosen:
        raise ConfigurationError(
            f'--backend is {backends}; on {device} there are '
            f'{sorted({item.backend for item in known})}'
        )
    return chosen


def measure_model(results: Results, folder: Path, plan: Plan) -> None:
    """Measure a checkpoint with graphs, and add its metrics `engines.<name>.*`."""
    config = load_config(folder)
    prefix = f'engines.{config.name}'
    if config.name in results.settings['models']:
        raise ConfigurationError(f'Two models are called {config.name!r}; measure them apart')
    results.settings['models'][config.name] = model_id(folder, config)
    print(f'{config.name}: {plan.rounds} rounds', flush=True)
    chosen = _chosen(results, config.name, folder, plan)
    real = real_clips(config, plan.clips)
    random = noise(config, max(NOISE_CLIPS, BATCH))
    with _workers(results, folder, plan) as workers:
        for choice, worker in workers.items():
            loaded = worker.loaded
            results.add(f'{prefix}.{key(choice)}.load_s', exact(loaded.load_s))
            results.add(f'{prefix}.{key(choice)}.first_call_ms', exact(1e3 * loaded.first_call_s))
            results.add(f'{prefix}.{key(choice)}.peak_rss_mb', exact(loaded.peak_mb))
        add_parity(results, prefix, workers, real, random[:NOISE_CLIPS])
        calls = _calls(workers[TRANSFORMERS], real[:1])
        idle = _Idle(workers)

        def turn(choice: Choice) -> Callable[[], Turn]:
            return lambda: idle.beside(
                choice, lambda: _turn(workers[choice], real[:1], random[:BATCH], calls)
            )

        samples = alternate({choice: turn(choice) for choice in workers}, rounds=plan.rounds)
        add_times(results, prefix, samples, chosen)
        if plan.busy and chosen in workers:
            _add_busy(results, prefix, workers[chosen], real[:1], calls, plan)
        idle.add(results, prefix)


def _chosen(results: Results, name: str, folder: Path, plan: Plan) -> Choice:
    """Return what `backend: auto` takes."""
    worker = Worker(Job(folder, AUTO, plan.device, plan.threads))
    loaded = worker.loaded
    worker.close()
    chosen = Choice(loaded.info.backend, loaded.info.precision)
    results.settings['chosen'][name] = key(chosen)
    results.notes += [f'{name}: {sentence}' for sentence in loaded.said]
    if chosen not in plan.choices:
        results.notes.append(f'{name}: auto takes {chosen}, which --backend leaves out')
    return chosen


@contextlib.contextmanager
def _workers(results: Results, folder: Path, plan: Plan) -> Iterator[dict[Choice, Worker]]:
    """Start a process for each choice that can be loaded; the others become notes."""
    workers: dict[Choice, Worker] = {}
    try:
        for choice in (TRANSFORMERS, *plan.choices):
            try:
                workers[choice] = Worker(Job(folder, choice, plan.device, plan.threads))
            except VljepaError as error:
                if choice == TRANSFORMERS:
                    raise
                results.notes.append(f'left out: {choice}: {error}')
        yield workers
    finally:
        for worker in workers.values():
            worker.close()


def _calls(worker: Worker, clip: np.ndarray) -> int:
    """Return how many calls make a turn."""
    seconds = min(sum(times) for times in worker.times(clip, 3))
    return max(1, min(MOST_CALLS, round(TURN_S / seconds)))


def _turn(worker: Worker, clip: np.ndarray, batch: np.ndarray, calls: int) -> Turn:
    single = np.array(worker.times(clip, calls)) * 1e3  # [calls, 2]
    several = np.array(worker.times(batch, max(1, calls // len(batch)))) * 1e3
    x_encoder, predictor = np.median(single, axis=0)
    return Turn(
        clip=float(np.median(single.sum(1))),
        x_encoder=float(x_encoder),
        predictor=float(predictor),
        batch=float(np.median(several.sum(1))),
    )


def _add_busy(
    results: Results, prefix: str, worker: Worker, clip: np.ndarray, calls: int, plan: Plan
) -> None:
    """Add how much longer a clip takes while other processes keep all cores busy."""
    with busy_cores(usable_cores()) as cores:

        def quiet() -> float:
            return float(np.median(np.array(worker.times(clip, calls)).sum(1)) * 1e3)

        def busy() -> float:
            cores.run()
            try:
                return quiet()
            finally:
                cores.pause()

        samples = alternate({'busy': busy, 'quiet': quiet}, rounds=plan.rounds)
    for name, values in samples.items():
        results.raw[f'{prefix}.{name}_ms'] = values
    ratio = statistics.median(samples['busy']) / statistics.median(samples['quiet'])
    results.add(f'{prefix}.busy_over_quiet', exact(ratio, plan.rounds))


class _Idle:
    """Watches that those who wait do not compute."""

    def __init__(self, workers: Mapping[Choice, Worker]) -> None:
        self._workers = workers
        self._own_s = self._others_s = 0.0

    def beside(self, choice: Choice, measure: Callable[[], Turn]) -> Turn:
        """Measure one while the others wait."""
        before = {other: worker.cpu_seconds() for other, worker in self._workers.items()}
        turn = measure()
        for other, worker in self._workers.items():
            taken_s = worker.cpu_seconds() - before[other]
            if other == choice:
                self._own_s += taken_s
            else:
                self._others_s += taken_s
        return turn

    def add(self, results: Results, prefix: str) -> None:
        """Add their share of the processor time."""
        share = self._others_s / max(self._own_s, 1e-9)
        results.add(f'{prefix}.waiting_cpu_share', exact(share))
        if share > IDLE_SHARE:
            results.notes.append(
                f'{prefix}: the workers that waited took {100.0 * share:.0f} % of the processor '
                'time of the measured ones; some library does not wait in peace'
            )
