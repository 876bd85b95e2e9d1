# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The pipeline beside a plain node that runs the classes of transformers, with equal input."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.alternation import alternate, median_ratio
from benchmarks.arrivals import Arrival, Arrivals, percentile
from benchmarks.graph import process
from benchmarks.node_setup import (
    SIZES,
    START_TIMEOUT_S,
    Setup,
    listener,
    read_report,
    source,
    topic_of,
    up,
    wait_until_active,
)
from training.evaluation.intervals import exact
from training.evaluation.results import Results
from vljepa_ros.errors import EngineError
from vljepa_ros.inference.threads import usable_cores
from vljepa_ros.model.checkpoint_folder import load_config

OURS, BASELINE = 'ours', 'baseline'
SATURATED = 0.95  # of the offered rate; who reaches that could do more
QUIET_S = 1.0


@dataclass(frozen=True)
class Turn:
    """What one of the two did with some seconds of a camera.

    Attributes:
        arrivals: of the embeddings that came while the camera ran.
        start_ns: when the first clip can have been complete.
        end_ns: when the camera ended.
        sent: images.
    """

    arrivals: list[Arrival]
    start_ns: int
    end_ns: int
    sent: int

    @property
    def rate_hz(self) -> float:
        """Embeddings a second."""
        return len(self.arrivals) / ((self.end_ns - self.start_ns) / 1e9)

    def latencies_ms(self, first: float = 0.0, last: float = 1.0) -> list[float]:
        """Return the latencies within a part of the time."""
        length_ns = self.end_ns - self.start_ns
        return [
            item.latency_ms
            for item in self.arrivals
            if first <= (item.at_ns - self.start_ns) / length_ns <= last
        ]


def baseline(setup: Setup, *, rate_hz: float) -> Sequence[str]:
    """Return module and arguments of the plain node."""
    values = {
        'model': setup.model,
        'threads': setup.threads or usable_cores(),
        'rate_hz': rate_hz,
        'image': topic_of(BASELINE),
    }
    arguments = ['--ros-args', '-r', '__ns:=/baseline', '--log-level', 'warn']
    for name, value in values.items():
        arguments += ['-p', f'{name}:={value}']
    return ('benchmarks.baseline_node', *arguments)


def measure_baseline(
    results: Results, setup: Setup, *, offered_hz: float, rounds: int, seconds: float
) -> None:
    """Feed both in turns as many images as they can take and more; add `node.vs_baseline.*`."""
    report = setup.folder / 'baseline.json'
    config = load_config(setup.model)
    clip_ns = round((config.clip_frames - 1) / config.clip_fps * 1e9)

    def turn(name: str, arrivals: Arrivals) -> Callable[[], Turn]:
        play = source(
            [name],
            size=SIZES['640x480'],
            transport='raw',
            rate_hz=offered_hz,
            seconds=seconds + clip_ns / 1e9,
            report=report,
        )

        def measure() -> Turn:
            arrivals.clear()
            with process(*play) as camera:
                try:
                    camera.wait(2 * START_TIMEOUT_S + seconds)
                except subprocess.TimeoutExpired:
                    raise EngineError(f'The camera of {name} has not ended') from None
            played = read_report(report)
            start_ns, end_ns = played['first_stamp_ns'] + clip_ns, played['last_stamp_ns']
            seen = arrivals.between(start_ns, end_ns)
            return Turn(seen, start_ns, end_ns, sum(played['sent'].values()))

        return measure

    with (
        listener() as (client, ours),
        listener('/baseline') as (_, theirs),
        process(*up(setup, [OURS], rate_hz=offered_hz)),
        process(*baseline(setup, rate_hz=offered_hz)),
    ):
        wait_until_active(client)
        turns = {OURS: turn(OURS, ours), BASELINE: turn(BASELINE, theirs)}
        for warm_up in turns.values():  # it also waits until the plain node has subscribed
            warm_up()
        samples = alternate(turns, rounds=rounds)
    add_turns(results, samples[OURS], samples[BASELINE], offered_hz=offered_hz)


def add_turns(
    results: Results, ours: Sequence[Turn], theirs: Sequence[Turn], *, offered_hz: float
) -> None:
    """Add the rates of both, their ratio, and how their latencies go."""
    name = 'node.vs_baseline'
    rates = {OURS: [turn.rate_hz for turn in ours], BASELINE: [turn.rate_hz for turn in theirs]}
    if all(rates[BASELINE]):
        ratio = median_ratio(rates[OURS], rates[BASELINE])
        results.add(f'{name}.speedup', exact(ratio, len(ours)))
    else:
        results.notes.append('The plain node gave no embedding in some turns: there is no speedup')
    results.add(f'{name}.offered_hz', exact(offered_hz))
    for who, turns in ((OURS, ours), (BASELINE, theirs)):
        own = f'{name}.{who}'
        every = [latency for turn in turns for latency in turn.latencies_ms()]
        results.add(f'{own}.hz', exact(percentile(rates[who], 50), len(turns)), raw=rates[who])
        results.add(f'{own}.latency_p50_ms', exact(percentile(every, 50), len(every)))
        results.add(f'{own}.latency_p99_ms', exact(percentile(every, 99), len(every)))
        for part, bounds in (('first', (0.0, 1 / 3)), ('last', (2 / 3, 1.0))):
            third = [latency for turn in turns for latency in turn.latencies_ms(*bounds)]
            results.add(f'{own}.{part}_third_p50_ms', exact(percentile(third, 50), len(third)))
            results.add(f'{own}.{part}_third_p99_ms', exact(percentile(third, 99), len(third)))
        results.raw[f'{own}.latency_ms'] = [
            [[(item.at_ns - turn.start_ns) / 1e9, item.latency_ms] for item in turn.arrivals]
            for turn in turns
        ]
        if percentile(rates[who], 50) >= SATURATED * offered_hz:
            results.notes.append(
                f'{who} kept up with {offered_hz:g} images a second: it can do more, and the '
                'speedup says too little. Give a higher --offered-rate'
            )
