# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The tables of `vljepa bench events`: decodings saved at equal quality, and borders."""

from __future__ import annotations

from training.report.markdown import MISSING, Values, table


def events(results: Values) -> str:
    """Return what decoding selectively saves, how well borders are found, and what it costs."""
    return '\n\n'.join((_streams(results), _decodes(results), _curves(results), _borders(results)))


def _streams(results: Values) -> str:
    metrics, settings = results['metrics'], results['settings']
    return (
        f'{metrics["events.streams"]:.0f} streams of {settings["seconds"] / 60:g} minutes, '
        f'{_number(metrics, "events.annotations_per_active_s", 2)} annotations in an active '
        f'second, {100 * metrics["events.idle_share"]:.0f} % idle; model `{settings["model"]}`, '
        f'detector `{settings["detector"]}`.'
    )


def _decodes(results: Values) -> str:
    metrics = results['metrics']
    saved = 'events.decode_reduction'
    rows = [
        ['uniform, 1 Hz', *_point(metrics, 'uniform_1hz'), '1', MISSING],
        ['uniform at the knee', *_point(metrics, 'knee'), MISSING, '1'],
        [
            'causal: every segment found once, when it ends (`started_text: nearest`)',
            *_point(metrics, 'causal'),
            _number(metrics, f'{saved}.causal', 2),
            _number(metrics, f'{saved}.knee', 2),
        ],
        [
            'causal: when it starts, too (`started_text: decoder`)',
            *_point(metrics, 'both_texts'),
            _number(metrics, f'{saved}.both_texts', 2),
            MISSING,
        ],
        [
            'offline: Ward on the whole stream',
            *(MISSING, MISSING, _number(metrics, f'{saved}.offline', 2), MISSING),
        ],
        [
            'oracle: every true segment once',
            *_point(metrics, 'oracle'),
            _number(metrics, f'{saved}.oracle', 2),
            MISSING,
        ],
    ]
    head = (
        'when the decoder is called',
        *('decodes a second', 'CIDEr', 'fewer than uniform at equal CIDEr, 1 Hz', 'knee'),
    )
    return table(head, rows)


def _curves(results: Values) -> str:
    metrics = results['metrics']
    start = 'events.decode_reduction.curve.'
    rows = [
        [name.removeprefix(start), _number(metrics, name, 2)]
        for name in metrics
        if name.startswith(start)
    ]
    return table(('at the CIDEr of uniform 1 Hz, whatever the sensitivity', 'fewer'), rows)


def _borders(results: Values) -> str:
    metrics = results['metrics']
    cost = 'events.compute_s_per_hour'
    rows = [
        ['borders within 0.5 s: F1', _number(metrics, 'events.boundary_f1', 3)],
        ['precision', _number(metrics, 'events.boundary_precision', 3)],
        ['recall', _number(metrics, 'events.boundary_recall', 3)],
        [
            'a border is sure after, median and 90 %',
            f'{_number(metrics, "events.delay_p50_s", 2)} s, '
            f'{_number(metrics, "events.delay_p90_s", 2)} s',
        ],
        [
            'false events an hour: still camera, swaying camera',
            f'{_number(metrics, "events.false_per_hour.still", 1)}, '
            f'{_number(metrics, "events.false_per_hour.moving", 1)}',
        ],
        [
            'a real video: borders within 1 s of those read by eye; F1, precision, recall, and F1 '
            'of evenly spaced ones',
            ', '.join(
                _number(metrics, f'events.real.boundary_{part}', 2)
                for part in ('f1', 'precision', 'recall', 'f1:blind')
            ),
        ],
        ['the detector takes for a sample', f'{_number(metrics, "events.detector_us", 0)} µs'],
        [
            'an hour of a stream: embedding, decoding at starts and ends, at uniform 1 Hz',
            ', '.join(
                f'{_number(metrics, f"{cost}.{part}", 0)} s'
                for part in ('embedding', 'decoding', 'decoding_uniform_1hz')
            ),
        ],
    ]
    return table(('what', 'value'), rows)


def _point(metrics: Values, name: str) -> tuple[str, str]:
    return (
        _number(metrics, f'events.rate_hz.{name}', 3),
        _number(metrics, f'events.cider.{name}', 2),
    )


def _number(metrics: Values, name: str, digits: int) -> str:
    value = metrics.get(name)
    return MISSING if value is None else f'{value:.{digits}f}'
