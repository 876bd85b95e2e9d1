# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`backend: auto`: measures once what runs a model fastest on this machine, and remembers it."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from vljepa_ros.errors import EngineError, VljepaError
from vljepa_ros.inference.backend import Backend
from vljepa_ros.inference.cache import VARIABLE, cache_folder, write_atomically
from vljepa_ros.model.config import ModelConfig

MEASURED = ('x_encoder', 'predictor')  # what runs for every clip
ROUNDS = 5
LEAST_COSINE = 0.99
QUERY_LENGTH = 12
LIBRARIES = ('onnxruntime', 'openvino', 'torch', 'numpy')


@dataclass(frozen=True)
class Choice:
    """A backend and the precision that it runs in."""

    backend: str
    precision: str

    def __str__(self) -> str:
        """Return it as a log shows it."""
        return f'{self.backend} {self.precision}'


Load = Callable[[Choice, tuple[str, ...]], Backend]


@dataclass(frozen=True)
class Measured:
    """What a choice took.

    Attributes:
        choice: backend and precision.
        milliseconds: median of a clip with one query.
        cosine: least one with the first choice's answers.
    """

    choice: Choice
    milliseconds: float
    cosine: float


def choose(
    choices: Sequence[Choice],
    load: Load,
    config: ModelConfig,
    *,
    key: str,
    say: Callable[[str], None],
) -> Choice:
    """Return the fastest of the choices that gives the right answers.

    Args:
        choices: the first one that loads is the reference for the others.
        load: loads components on a backend; what raises is left out.
        config: of the checkpoint.
        key: what the result depends on, see `machine_key`.
        say: is told the result, and what was left out and why.

    Raises:
        EngineError: none of them runs the model.
    """
    path = cache_folder() / f'choice-{key}.json'
    remembered = _remembered(path, choices)
    if remembered is not None:
        return remembered
    results, problems = measure(choices, load, config)
    if not results:
        raise EngineError(f'No backend can run the model: {in_words(problems)}')
    right = [result for result in results if result.cosine >= LEAST_COSINE]
    problems += [
        f'{result.choice}: it answers differently, cosine {result.cosine:.3f} with '
        f'{results[0].choice}'
        for result in results
        if result not in right
    ]
    best = min(right, key=lambda result: result.milliseconds)
    shown = ', '.join(f'{item.choice} {item.milliseconds:.1f} ms' for item in results)
    say(f'Measured once for this machine and model: {shown}. Taken is {best.choice}')
    if problems:
        say(f'Left out: {in_words(problems)}')
    report = {'choice': asdict(best.choice), 'measured': [asdict(item) for item in results]}
    try:
        write_atomically(path, json.dumps(report, indent=2).encode())
    except OSError as error:
        say(
            f'The choice cannot be remembered, it is measured at each start: {error}. Make room '
            f'in {path.parent} or make it writable, or set {VARIABLE}'
        )
    return best.choice


def measure(
    choices: Sequence[Choice], load: Load, config: ModelConfig
) -> tuple[list[Measured], list[str]]:
    """Run all choices in turns, so that a busy moment strikes them alike.

    Returns:
        The results, and why the others are not among them. The first result is the reference.
    """
    clip, ids, mask = _inputs(config)
    loaded: list[tuple[Choice, Backend]] = []
    problems = []
    for choice in choices:
        try:
            backend = load(choice, MEASURED)
            _answer(backend, clip, ids, mask)
        except VljepaError as error:
            problems.append(f'{choice}: {error}')
        else:
            loaded.append((choice, backend))
    times: dict[Choice, list[float]] = {choice: [] for choice, _ in loaded}
    answers = {}
    for _ in range(ROUNDS):
        for choice, backend in loaded:
            start = time.perf_counter()
            answers[choice] = _answer(backend, clip, ids, mask)
            times[choice].append(time.perf_counter() - start)
    results: list[Measured] = []
    for choice, backend in loaded:
        backend.close()
        if not np.isfinite(answers[choice]).all():
            problems.append(f'{choice}: its answers are no numbers')
            continue
        reference = answers[results[0].choice] if results else answers[choice]
        cosine = float((answers[choice] * reference).sum(-1).min())
        results.append(Measured(choice, 1000.0 * statistics.median(times[choice]), cosine))
    return results, problems


def in_words(problems: Sequence[str]) -> str:
    """Join problems, each '<choice>: <reason>'; choices of one reason are named together."""
    choices: dict[str, list[str]] = {}
    for problem in problems:
        choice, _, reason = problem.partition(': ')
        choices.setdefault(reason, []).append(choice)
    return '; '.join(f'{", ".join(names)}: {reason}' for reason, names in choices.items())


def machine_key(model: str, *, threads: int, libraries: Sequence[str] = LIBRARIES) -> str:
    """Return 16 hexadecimal digits for all that the fastest backend depends on.

    Args:
        model: identity of the checkpoint.
        threads: compute threads.
        libraries: whose versions count.
    """
    parts = [model, str(threads), platform.machine(), _processor()]
    for name in libraries:
        try:
            parts.append(f'{name} {importlib.metadata.version(name)}')
        except importlib.metadata.PackageNotFoundError:
            parts.append(f'no {name}')
    return hashlib.sha256('\n'.join(parts).encode()).hexdigest()[:16]


def _processor() -> str:
    """Return the processor's name and abilities."""
    try:
        lines = Path('/proc/cpuinfo').read_text().splitlines()
    except OSError:
        return platform.processor()
    wanted = ('model name', 'flags', 'Features', 'CPU part')
    return '\n'.join(sorted({line for line in lines if line.startswith(wanted)}))


def _inputs(config: ModelConfig) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a clip of coloured fields with a square that moves, and ids and mask of one query.

    It resembles what a camera sees, which graphs in 8 bits were calibrated for; noise does not.
    """
    rng = np.random.default_rng(0)
    frames, size = config.clip_frames, config.image_size
    fields = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
    places = np.arange(size) * 4 // size
    clip = np.repeat(fields[places][:, places][None, None], frames, axis=1)  # [1, T, S, S, 3]
    side = size // 8
    for step in range(frames):
        left = step * (size - side) // frames
        clip[0, step, 3 * side : 4 * side, left : left + side] = (255, 0, 0)
    ids = np.full((1, min(QUERY_LENGTH, config.predictor.max_query_tokens)), 1, dtype=np.int64)
    return clip, ids, np.ones(ids.shape, dtype=bool)


def _answer(backend: Backend, clip: np.ndarray, ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
    return backend.to_numpy(backend.run('predictor', backend.run('x_encoder', clip), ids, mask))


def _remembered(path: Path, choices: Sequence[Choice]) -> Choice | None:
    """Return what was chosen before, if it is still among the choices."""
    try:
        choice = Choice(**json.loads(path.read_text())['choice'])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return choice if choice in choices else None
