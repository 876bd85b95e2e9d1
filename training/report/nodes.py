# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The table of what was measured through real nodes and topics."""

from __future__ import annotations

from itertools import combinations

from training.report.markdown import Values, score, table


def nodes(events: Values, streaming: Values, camera_rates: Values) -> str:
    """Return the table of `benchmarks/events_on_samples.py`, `streaming.py`, `camera_rates.py`."""
    rows = [*_events(events), _streaming(streaming), _camera_rates(camera_rates)]
    return table(('what', 'score', 'command'), rows).replace('---:', '---')


def _command(suite: str) -> str:
    return f'`python -m benchmarks.{suite} --json OUT`'


def _events(results: Values) -> list[list[str]]:
    first, last = results['seeds']['iid']
    samples = results['samples']

    def named(phase: str) -> str:
        some, every = (f'object.{which}.{phase}' for which in ('actions', 'all'))
        return (
            f'{score(results, some)} of {samples[some]} actions; {score(results, every)} of all '
            f'{samples[every]} segments, the idle ones included'
        )

    count = int(results['metrics']['still_events'])
    return [
        [
            "through a real camera topic: the event's final text names action and object, "
            f'{last - first + 1} fresh episodes (95 % intervals in brackets)',
            named('ended'),
            _command('events_on_samples'),
        ],
        [
            'the same for the first text, given as soon as the change is sure',
            named('started'),
            'the same',
        ],
        [
            f'{results["settings"]["still_seconds"]} s of a still camera',
            f'{count} event{"" if count == 1 else "s"}',
            'the same',
        ],
    ]


def _streaming(results: Values) -> list[str]:
    metrics, settings = results['metrics'], results['settings']
    return [
        f'{settings["minutes"]:g} minutes of one 640×480 camera at {settings["rate_hz"]:g} Hz, '
        f'{settings["embedding_rate_hz"]:g} embeddings a second asked for',
        f'{metrics["embeddings_per_s"]:.1f} a second; age of the frame used p50 '
        f'{metrics["age_p50_ms"]:.0f} ms, p99 {metrics["age_p99_first_minute_ms"]:.0f} ms in the '
        f'first and {metrics["age_p99_last_minute_ms"]:.0f} ms in the last minute; memory '
        f'{100.0 * metrics["memory_growth"]:+.1f} % from minute 1 to '
        f'{settings["minutes"]:g}',
        _command('streaming'),
    ]


def _camera_rates(results: Values) -> list[str]:
    rates = [f'{rate:g}' for rate in results['settings']['rates_hz']]
    medians = [
        f'{results["metrics"][f"cosine_median.{one}_{two}"]:.2f}'
        for one, two in combinations(rates, 2)
    ]
    return [
        f'the same video at {", ".join(rates[:-1])} and {rates[-1]} Hz',
        'median cosine of embeddings of the same moment, for each pair of rates: '
        f'{", ".join(medians)}',
        _command('camera_rates'),
    ]
