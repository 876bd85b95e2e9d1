# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Tables of `vljepa bench`: engines by ratios within one run, and the nodes end to end."""

from __future__ import annotations

from training.report.markdown import MISSING, Values, table

LARGE_PACKAGE_MB = 5.0


def engines(results: Values) -> str:
    """Return a table for each model: every choice beside the classes of transformers."""
    parts = [_machine(results)]
    for model, identity in results['settings']['models'].items():
        chosen = results['settings']['chosen'][model]
        parts.append(f'{_about(results, model, identity, chosen)}\n\n{_choices(results, model)}')
    return '\n\n'.join(parts)


def _machine(results: Values) -> str:
    machine, settings = results['machine'], results['settings']
    return (
        f'{machine["processor"]}, {machine["cores"]} cores; device {settings["device"]}, '
        f'{settings["threads"]} compute threads.'
    )


def _about(results: Values, model: str, identity: str, chosen: str) -> str:
    name = f'engines.{model}'
    text = (
        f'`{identity}`: `auto` takes {chosen}, {_times(results, f"{name}.speedup")} as fast as '
        'transformers'
    )
    busy = f'{name}.busy_over_quiet'
    if busy in results['metrics']:
        text += f'; with all cores kept busy a clip takes {_times(results, busy)} as long'
    return f'{text}.'


def _choices(results: Values, model: str) -> str:
    start, end = f'engines.{model}.', '.latency_ms'
    names = [
        name.removeprefix(start).removesuffix(end)
        for name in results['metrics']
        if name.startswith(start) and name.endswith(end)
    ]
    head = (
        'backend and precision',
        *('a clip', 'X-Encoder', 'Predictor', f'{results["settings"]["batch"]} clips at once'),
        *('least cosine', 'memory', 'first call'),
    )
    rows = []
    for name in names:
        own = f'{start}{name}'
        is_base = name.startswith('transformers')
        speeds = ('speedup', 'x_encoder_speedup', 'predictor_speedup', 'batch_speedup')
        rows.append(
            [
                name,
                *('1 ×' if is_base else _times(results, f'{own}.{part}', '×') for part in speeds),
                MISSING if is_base else _value(results, f'{own}.cosine', 5),
                _value(results, f'{own}.peak_rss_mb', 0, ' MB'),
                _value(results, f'{own}.first_call_ms', 0, ' ms'),
            ]
        )
    return table(head, rows)


def node(results: Values) -> str:
    """Return the tables of the cases, of the start, and of the plain node."""
    tables = [_machine_of_nodes(results), _cases(results), _named(results), _baseline(results)]
    return '\n\n'.join((*tables, _packages(results)))


def _machine_of_nodes(results: Values) -> str:
    machine, settings = results['machine'], results['settings']
    return (
        f'{machine["processor"]}, {machine["cores"]} cores, `{settings["model"]}`; cameras at '
        f'{settings["camera_rate_hz"]:g} Hz, {settings["embedding_rate_hz"]:g} embeddings a '
        f'second asked for of each, {settings["seconds"]:g} s a case.'
    )


def _cases(results: Values) -> str:
    end = '.latency_p50_ms'
    names = [
        name.removesuffix(end)
        for name in results['metrics']
        if name.endswith(end) and name.split('.')[1][0].isdigit()
    ]
    head = (
        'cameras',
        *('embeddings a second, least', 'latency p50', 'p99', 'overhead p50', 'p99'),
        *('processor, cores', 'samples dropped', 'images lost'),
    )
    rows = [
        [
            name.removeprefix('node.').replace('x', ' × ', 1).replace('.', ', '),
            _value(results, f'{name}.min_hz', 2),
            _value(results, f'{name}.latency_p50_ms', 1, ' ms'),
            _value(results, f'{name}.latency_p99_ms', 1, ' ms'),
            _value(results, f'{name}.overhead_p50_ms', 1, ' ms'),
            _value(results, f'{name}.overhead_p99_ms', 1, ' ms'),
            _value(results, f'{name}.cpu_share', 2),
            _share(results, f'{name}.dropped_share'),
            _share(results, f'{name}.images_lost_share'),
        ]
        for name in names
    ]
    return table(head, rows)


def _named(results: Values) -> str:
    rows = {
        'latency p99 / p50, one camera': ('node.latency_p99_over_p50', 2, ''),
        'four cameras: oldest newest image of a clip': ('node.oldest_frame_ms', 0, ' ms'),
        'length of a clip': ('node.clip_period_ms', 0, ' ms'),
        'start of the process → first embedding': ('start.first_embedding_s', 2, ' s'),
        'of which the clip itself takes': ('start.clip_s', 2, ' s'),
        'memory of the whole pipeline': ('start.rss_mb', 0, ' MB'),
        'packages beside ROS': ('start.env_mb', 0, ' MB'),
    }
    return table(('', ''), [[title, _value(results, *what)] for title, what in rows.items()])


def _baseline(results: Values) -> str:
    name = 'node.vs_baseline'
    parts = {
        'embeddings a second': ('hz', (1, '')),
        'latency p50': ('latency_p50_ms', (0, ' ms')),
        'latency p99': ('latency_p99_ms', (0, ' ms')),
        'p50 in the first third of each turn': ('first_third_p50_ms', (0, ' ms')),
        'p50 in the last third': ('last_third_p50_ms', (0, ' ms')),
    }
    rows = [
        [
            title,
            *(_value(results, f'{name}.{who}.{part}', *form) for who in ('ours', 'baseline')),
        ]
        for title, (part, form) in parts.items()
    ]
    text = (
        f'At {_value(results, f"{name}.offered_hz", 0)} images a second the pipeline gives '
        f'{_times(results, f"{name}.speedup")} as many embeddings as the plain node:'
    )
    return f'{text}\n\n{table(("", "pipeline", "plain node"), rows)}'


def _packages(results: Values) -> str:
    sizes = results['raw'].get('start.env_mb', {})
    large = [f'{name} {size:.0f}' for name, size in sizes.items() if size >= LARGE_PACKAGE_MB]
    return f'Packages of {LARGE_PACKAGE_MB:.0f} MB or more, in MB: {", ".join(large) or MISSING}.'


def _value(results: Values, name: str, digits: int, unit: str = '') -> str:
    value = results['metrics'].get(name)
    return MISSING if value is None else f'{value:.{digits}f}{unit}'


def _times(results: Values, name: str, word: str = 'times') -> str:
    return _value(results, name, 2, f' {word}')


def _share(results: Values, name: str) -> str:
    value = results['metrics'].get(name)
    return MISSING if value is None else f'{100.0 * value:.1f} %'
