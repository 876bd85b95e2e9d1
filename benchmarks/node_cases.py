# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The nodes with several cameras, sizes and transports: latency, processor, drops, overhead."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.arrivals import Arrival, percentile
from benchmarks.graph import process
from benchmarks.load import cpu_seconds
from benchmarks.node_setup import (
    SIZES,
    TRANSPORTS,
    Setup,
    listener,
    read_report,
    source,
    up,
    wait_until_active,
)
from training.evaluation.intervals import exact
from training.evaluation.results import Results
from vljepa_ros.errors import VljepaError
from vljepa_ros.model.checkpoint_folder import load_config

SETTLE_S = 3.0
DIAGNOSTICS_S = 1.5  # they come once a second
MOST_S = 120.0  # until every camera is seen
CAMERAS = ('front', 'rear', 'left', 'right')


@dataclass(frozen=True)
class Case:
    """So many cameras of a size, raw or as JPEG."""

    cameras: int
    size: str
    form: str

    def __str__(self) -> str:
        """Return it as the names of metrics hold it."""
        return f'{self.cameras}x{self.size}.{self.form}'


@dataclass(frozen=True)
class Observed:
    """What was seen of a case.

    Attributes:
        arrivals: within the measured time.
        seconds: how long that was.
        cpu_s: processor time that the pipeline took meanwhile.
        before: diagnostics of the node perception at its beginning.
        after: at its end.
        final: after the cameras have stopped.
        sent: images of all cameras in all.
        skipped: images that the cameras were too late for.
    """

    arrivals: list[Arrival]
    seconds: float
    cpu_s: float
    before: Mapping[str, str]
    after: Mapping[str, str]
    final: Mapping[str, str]
    sent: int
    skipped: int


def observe(
    case: Case, setup: Setup, *, camera_rate_hz: float, rate_hz: float, seconds: float
) -> Observed:
    """Start everything, measure for some seconds and stop it.

    Raises:
        EngineError: the nodes do not start, or a camera gives no embedding.
    """
    cameras, transport = CAMERAS[: case.cameras], TRANSPORTS[case.form]
    report = setup.folder / 'cameras.json'
    with (
        listener() as (client, arrivals),
        process(*up(setup, cameras, rate_hz=rate_hz, transport=transport)) as nodes,
    ):
        wait_until_active(client)
        play = source(
            cameras,
            size=SIZES[case.size],
            transport=transport,
            rate_hz=camera_rate_hz,
            seconds=2 * MOST_S + seconds,
            report=report,
        )
        with process(*play):
            arrivals.wait_for(
                lambda items: {item.camera for item in items} == set(cameras),
                f'{case}: an embedding of each of {cameras}',
                timeout_s=MOST_S,
            )
            time.sleep(SETTLE_S)
            before, cpu_s = client.diagnostics('perception'), cpu_seconds(nodes.pid)
            start_ns = time.time_ns()
            time.sleep(seconds)
            end_ns, cpu_s = time.time_ns(), cpu_seconds(nodes.pid) - cpu_s
            after = client.diagnostics('perception')
        time.sleep(DIAGNOSTICS_S)
        final = client.diagnostics('perception')
    played = read_report(report)
    return Observed(
        arrivals=arrivals.between(start_ns, end_ns),
        seconds=(end_ns - start_ns) / 1e9,
        cpu_s=cpu_s,
        before=before,
        after=after,
        final=final,
        sent=sum(played['sent'].values()),
        skipped=played['skipped'],
    )


def add_case(results: Results, case: Case, seen: Observed) -> None:
    """Add the metrics of a case, `node.<case>.*`."""
    name = f'node.{case}'
    latencies = [item.latency_ms for item in seen.arrivals]
    counts = [
        sum(item.camera == camera for item in seen.arrivals) for camera in CAMERAS[: case.cameras]
    ]
    count = len(latencies)
    raw = [[item.camera, item.at_ns, item.first_ns, item.last_ns] for item in seen.arrivals]
    results.raw[name] = raw
    results.add(f'{name}.latency_p50_ms', exact(percentile(latencies, 50), count))
    results.add(f'{name}.latency_p99_ms', exact(percentile(latencies, 99), count))
    results.add(f'{name}.min_hz', exact(min(counts) / seen.seconds, count))
    results.add(f'{name}.mean_hz', exact(sum(counts) / case.cameras / seen.seconds, count))
    results.add(f'{name}.cpu_share', exact(seen.cpu_s / seen.seconds))
    dropped = _difference(seen, 'frames_dropped')
    results.add(f'{name}.dropped_share', exact(dropped / max(1.0, dropped + sum(counts))))
    received = float(seen.final.get('frames_in', 'nan'))
    # One image may have left that the camera had no time to count when it was stopped.
    lost = max(0.0, 1.0 - received / seen.sent)
    results.add(f'{name}.images_lost_share', exact(lost, seen.sent))
    if seen.skipped:
        results.notes.append(f'{case}: the cameras were too late for {seen.skipped} images')
    for part in ('overhead_p50_ms', 'overhead_p99_ms'):
        if part in seen.after:
            results.add(f'{name}.{part}', exact(float(seen.after[part])))
        else:
            results.notes.append(f'{case}: /diagnostics of perception does not tell {part}')


def _difference(seen: Observed, counter: str) -> float:
    return float(seen.after.get(counter, 0)) - float(seen.before.get(counter, 0))


def measure_cases(results: Results, cases: Sequence[Case], setup: Setup, **timing: Any) -> None:
    """Measure all cases, and add those figures that stand for all."""
    for case in cases:
        print(f'{case}', flush=True)
        try:
            seen = observe(case, setup, **timing)
        except VljepaError as error:  # the other cases may be fine
            results.notes.append(f'left out: {case}: {error}')
            continue
        if not seen.arrivals:
            results.notes.append(f'left out: {case}: no embedding came in {seen.seconds:.0f} s')
            continue
        add_case(results, case, seen)
        _add_named(results, case, seen, setup)


def _add_named(results: Results, case: Case, seen: Observed, setup: Setup) -> None:
    """Add the figures that have a name of their own."""
    name = f'node.{case}'
    if case.form != 'raw':
        return
    if case.cameras == 1:
        overhead = results.scores.get(f'{name}.overhead_p50_ms')
        if overhead is not None:
            results.add(f'node.overhead_p50_ms.{case.size}', overhead)
    if case.cameras == 1 and case.size == '640x480':
        parts = [results.scores[f'{name}.latency_{part}_ms'].value for part in ('p99', 'p50')]
        results.add('node.latency_p99_over_p50', exact(parts[0] / parts[1]))
    if case.cameras == len(CAMERAS) and case.size == '640x480':
        config = load_config(setup.model)
        oldest = max(item.latency_ms for item in seen.arrivals)
        results.add('node.four_cameras.min_hz', results.scores[f'{name}.min_hz'])
        results.add('node.oldest_frame_ms', exact(oldest, len(seen.arrivals)))
        results.add('node.clip_period_ms', exact(1e3 * config.clip_frames / config.clip_fps))
