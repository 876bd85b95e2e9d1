# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The table of `vljepa bench memory`: searches, and what rows take."""

from __future__ import annotations

from training.report.markdown import MISSING, Values, table

SEARCHES = {
    'search': 'a search',
    'search_newest': 'the newest first',
    'search_of_a_camera': 'of one camera',
    'search_of_a_tenth': 'of a tenth of the time',
}
PARTS = ('_p50', '_p95', '_cpu_p50', '_cpu_p95')


def memory(results: Values) -> str:
    """Return the times of searches, and the costs of what is kept."""
    metrics, settings = results['metrics'], results['settings']
    about = (
        f'{settings["rows"]:,} embeddings of {settings["dim"]} numbers, '
        f'{settings["cores"]} cores; '
        f'recall@10 {_number(metrics, "recall10", 3)}.'
    )
    searches = [
        [shown, *(_number(metrics, f'{name}{part}_ms', 0, ' ms') for part in PARTS)]
        for name, shown in SEARCHES.items()
    ]
    head = ('search', 'p50', 'p95', 'processor time p50', 'p95')
    costs = [
        ['written by `vljepa index`, rows a second', _number(metrics, 'bulk_rows_per_s', 0)],
        ['written by the node, rows a second', _number(metrics, 'live_rows_per_s', 0)],
        ['on the disk, bytes a row', _number(metrics, 'bytes_per_row', 0)],
        ['the index, processor time', _number(metrics, 'index_cpu_s', 0, ' s')],
        ['largest memory of the process', _number(metrics, 'peak_rss_mb', 0, ' MB')],
    ]
    notes = [f'Note: {note}.' for note in results['notes']]
    return '\n\n'.join([about, table(head, searches), table(('what', 'value'), costs), *notes])


def _number(metrics: Values, name: str, digits: int, unit: str = '') -> str:
    value = metrics.get(f'memory.{name}')
    return MISSING if value is None else f'{value:,.{digits}f}{unit}'
