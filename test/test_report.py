# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the pages quote is what was measured."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

pytest.importorskip('torch', reason='the comparisons need PyTorch: make setup')

from training import run_card
from training.comparison.ablation import VARIANTS
from training.report import benchmarks, evaluation
from training.report.__main__ import main
from training.report.comparison import plot
from training.report.markdown import number, score, table
from training.report.pages import NOT_MEASURED, empty_section, filled, sections
from training.report.sections import RESULTS, SECTIONS, body, changed_pages, pages, read
from training.world.splits import TEST_SPLITS
from vljepa_ros.errors import ConfigurationError
from vljepa_ros.inference import load_engine

ROOT = Path(__file__).parents[1]
# A table row with a share or a time in it, outside every section.
QUOTED = re.compile(r'^\|.*\d\s?%.*\|$', re.MULTILINE)
WITHOUT_SECTIONS = re.compile(r'^<!-- results: .*?^<!-- end -->$', re.MULTILINE | re.DOTALL)


# ---- the pages of this repository ---------------------------------------------------------------


def test_every_page_quotes_the_results():
    assert changed_pages() == {}, 'run: python -m training.report'


def test_no_page_has_scores_outside_its_sections():
    for page in (ROOT / 'README.md', *ROOT.glob('docs/*.md')):
        text = WITHOUT_SECTIONS.sub('', page.read_text(encoding='utf-8'))
        assert not QUOTED.findall(text), page


def test_every_section_stands_on_a_page():
    found = {name for page in pages() for name in sections(page.read_text(encoding='utf-8'))}
    assert found == set(SECTIONS)


def test_the_card_of_the_shipped_model_quotes_its_own_results():
    folder = ROOT / 'models' / 'tiny'
    engine = load_engine(folder, components=('y_encoder',))
    assert 'eval' in sections((folder / 'card.md').read_text(encoding='utf-8'))
    for suite in ('eval', 'events_on_samples'):
        results = read(RESULTS, suite)
        assert results is not None, f'{suite}.json is missing'
        assert results['settings']['model'] == engine.model_id, suite


def test_the_card_of_a_simulated_training_awaits_its_results():
    assert sections(run_card.TESTS) == {'eval': NOT_MEASURED}


# ---- tables -------------------------------------------------------------------------------------


def made_up(metrics: dict[str, float], **others: object) -> dict:
    """Return a results file."""
    return {
        'quick': False,
        'metrics': metrics,
        'intervals': {name: [0.1, 0.9] for name in metrics},
        'samples': dict.fromkeys(metrics, 50),
        'seeds': {'iid': [5, 24]},
        'settings': {},
        'raw': {},
        'notes': [],
    } | others


def made_up_evaluation() -> dict:
    metrics: dict[str, float] = {'triplets': 0.9, 'triplets:chance': 1 / 3, 'triplets:blind': 0.3}
    names = [*evaluation.TASKS, *evaluation.MORE_TASKS]
    for place, split in enumerate(TEST_SPLITS):
        for number_, name in enumerate(names):
            metrics[f'{name}.{split}'] = 0.5 + 0.03 * number_ - 0.01 * place
            metrics[f'{name}.{split}:chance'] = 0.01
            metrics[f'{name}.{split}:blind'] = 0.2
    metrics['vqa.iid'], metrics['vqa.iid:blind'] = 0.912, 0.551
    del metrics['facts_nearest.scene']
    return made_up(metrics, settings={'model': 'tiny@0123456789ab', 'episodes': 120})


def made_up_nodes(suite: str) -> dict:
    if suite == 'events_on_samples':
        names = [f'object.{w}.{p}' for w in ('all', 'actions') for p in ('started', 'ended')]
        metrics = dict.fromkeys(names, 0.5) | {'still_events': 2.0}
        return made_up(metrics, settings={'still_seconds': 60})
    if suite == 'streaming':
        names = ['embeddings_per_s', 'age_p50_ms', 'age_p99_first_minute_ms', 'memory_growth']
        metrics = dict.fromkeys([*names, 'age_p99_last_minute_ms'], 7.0)
        return made_up(
            metrics, settings={'minutes': 5.0, 'rate_hz': 30.0, 'embedding_rate_hz': 7.5}
        )
    pairs = ('10_15', '10_30', '15_30')
    return made_up(
        {f'cosine_median.{pair}': 0.97 for pair in pairs}, settings={'rates_hz': [10, 15, 30]}
    )


def made_up_events() -> dict:
    metrics = {
        'events.streams': 100.0,
        'events.annotations_per_active_s': 0.405,
        'events.idle_share': 0.517,
        'events.decode_reduction.causal': 4.25,
        'events.decode_reduction.curve.ward': 3.5,
        'events.cider.causal': 6.5,
        'events.rate_hz.causal': 0.235,
        'events.decode_reduction.both_texts': 2.2,
        'events.cider.both_texts': 6.6,
        'events.rate_hz.both_texts': 0.46,
        'events.boundary_f1': 0.81,
        'events.compute_s_per_hour.embedding': 412.3,
    }
    settings = {'seconds': 300.0, 'model': 'tiny@0123456789ab', 'detector': 'drift'}
    return made_up(metrics, settings=settings)


def made_up_memory() -> dict:
    metrics = {
        'memory.recall10': 0.966,
        'memory.search_p50_ms': 31.2,
        'memory.search_p95_ms': 44.4,
        'memory.bytes_per_row': 1090.2,
    }
    return made_up(metrics, settings={'rows': 1_000_000, 'dim': 256, 'cores': 2})


def made_up_comparison(suite: str) -> dict:
    metrics: dict[str, float] = {}
    if suite == 'comparison':
        for name in ('vljepa', 'vlm'):
            for part in ('classification', 'classification_sum', 'cider', 'facts'):
                metrics[f'{part}.{name}'] = 0.25
            for part in ('caption', 'predictor', 'prefill', 'decoding', 'tokens'):
                metrics[f'latency_ms.{name}.{part}'] = 12.0
                metrics[f'{name}.{part}'] = 12.0
        metrics |= {'cider_nearest.vljepa': 0.5, 'facts_nearest.vljepa': 0.5}
        metrics |= {'latency_ms.encoder': 9.0, 'parameters.ratio': 1.9}
        for part in ('vljepa.predictor', 'vljepa.query_table', 'vljepa.y_encoder'):
            metrics[f'parameters.{part}'] = 2e6
        for part in ('vljepa.y_decoder', 'vlm.blocks', 'vlm.token_table'):
            metrics[f'parameters.{part}'] = 2e6
    elif suite == 'ablation':
        for variant in VARIANTS:
            for part in ('classification', 'cider_nearest', 'facts_nearest'):
                metrics[f'{part}.{variant.name}'] = 0.5
    else:
        for name in ('exact_state', 'vjepa', 'distilled', 'untrained'):
            for part in ('kind', 'colour', 'action', 'all_facts'):
                metrics[f'{part}.{name}'] = 0.5
    curve = [
        {'samples': 32, 'seconds': 3.0, 'classification': 0.1, 'cider': 0.2},
        {'samples': 64, 'seconds': 6.0, 'classification': 0.2, 'cider': 0.4},
    ]
    settings = {'learning': {'steps': 2, 'clips': 32}, 'minutes': 60, 'probe': {'steps': 4}}
    raw = {'vljepa': {'curve': curve}, 'vlm': {'curve': curve}}
    return made_up(metrics, settings=settings, raw=raw)


def made_up_benchmark(suite: str) -> dict:
    machine = {'processor': 'a processor', 'cores': 2}
    if suite == 'engines':
        name = 'engines.tiny'
        metrics = {
            f'{name}.transformers-fp32.latency_ms': 20.0,
            f'{name}.transformers-fp32.peak_rss_mb': 700.4,
            f'{name}.openvino-bf16.latency_ms': 5.0,
            f'{name}.openvino-bf16.speedup': 4.0,
            f'{name}.openvino-bf16.cosine': 0.99987,
            f'{name}.speedup': 4.0,
            f'{name}.busy_over_quiet': 2.25,
        }
        settings = {
            'device': 'cpu',
            'threads': 2,
            'batch': 4,
            'models': {'tiny': 'tiny@0123456789ab'},
            'chosen': {'tiny': 'openvino-bf16'},
        }
        return made_up(metrics, settings=settings, machine=machine)
    metrics = {
        'node.4x640x480.raw.latency_p50_ms': 30.0,
        'node.4x640x480.raw.min_hz': 4.9,
        'node.4x640x480.raw.dropped_share': 0.021,
        'node.vs_baseline.speedup': 3.0,
        'node.vs_baseline.ours.latency_p50_ms': 31.0,
        'node.vs_baseline.baseline.latency_p50_ms': 310.0,
        'start.first_embedding_s': 4.5,
    }
    settings = {
        'model': 'tiny@0123456789ab',
        'camera_rate_hz': 15.0,
        'embedding_rate_hz': 5.0,
        'seconds': 30.0,
    }
    raw = {'start.env_mb': {'numpy': 71.4, 'filelock': 0.1}}
    return made_up(metrics, settings=settings, machine=machine, raw=raw)


def made_up_results(suite: str) -> dict:
    if suite == 'eval':
        return made_up_evaluation()
    if suite == 'events':
        return made_up_events()
    if suite == 'memory':
        return made_up_memory()
    if suite in ('events_on_samples', 'streaming', 'camera_rates'):
        return made_up_nodes(suite)
    if suite in ('engines', 'node'):
        return made_up_benchmark(suite)
    return made_up_comparison(suite)


def write_results(folder: Path, *suites: str) -> Path:
    for suite in suites:
        text = json.dumps(made_up_results(suite))
        (folder / f'{suite}.json').write_text(text, encoding='utf-8')
    return folder


@pytest.mark.parametrize('name', SECTIONS)
def test_every_section_is_a_table_once_it_is_measured(name, tmp_path):
    assert body(name, tmp_path) == NOT_MEASURED
    text = body(name, write_results(tmp_path, *SECTIONS[name].suites))
    assert text.count('|') > 10
    assert '<!--' not in text
    assert text == text.strip()


def test_events_tell_what_is_saved_and_leave_out_what_was_not_measured(tmp_path):
    text = body('events', write_results(tmp_path, 'events'))
    assert '100 streams of 5 minutes, 0.41 annotations in an active second, 52 % idle' in text
    assert '(`started_text: nearest`) | 0.235 | 6.50 | 4.25 | – |' in text
    assert '(`started_text: decoder`) | 0.460 | 6.60 | 2.20 | – |' in text
    assert '| ward | 3.50 |' in text
    assert '| borders within 0.5 s: F1 | 0.810 |' in text
    assert 'at uniform 1 Hz | 412 s, – s, – s |' in text


def test_int8_keeps_the_scores_as_it_is_said():
    whole, small = (
        json.loads((RESULTS / f'{name}.json').read_text(encoding='utf-8'))
        for name in ('eval', 'eval_int8')
    )
    engine = small['settings']['engine']
    assert (engine['backend'], engine['precision']) == ('openvino', 'int8')
    assert whole['settings']['model'] == small['settings']['model']
    shares = [
        name
        for name in whole['metrics']
        if name in small['metrics'] and ':' not in name and not name.startswith('cider')
    ]
    losses = [100 * (whole['metrics'][name] - small['metrics'][name]) for name in shares]
    page = ' '.join((ROOT / 'docs' / 'inference.md').read_text(encoding='utf-8').split())
    assert f'none is more than {max(losses):.1f} points below' in page
    assert f'of the {len(shares)} of `vljepa eval' in page
    assert max(losses) < 1.0


def test_searches_of_the_memory_have_times(tmp_path):
    text = body('memory', write_results(tmp_path, 'memory'))
    assert '1,000,000 embeddings of 256 numbers, 2 cores; recall@10 0.966.' in text
    assert '| a search | 31 ms | 44 ms | – | – |' in text
    assert '| on the disk, bytes a row | 1,090 |' in text


def test_numbers_have_the_form_of_their_metric():
    results = made_up({'vqa.iid': 0.9123, 'cider.iid': 4.567, 'triplets': 0.5})
    results['intervals'] = {'vqa.iid': [0.8799, 0.94], 'cider.iid': [4.0, 5.0]}
    assert score(results, 'vqa.iid') == '91.2 % (88.0–94.0)'
    assert score(results, 'cider.iid') == '4.57 (4.00–5.00)'
    assert score(results, 'triplets') == '50.0 %'
    assert score(results, 'facts.iid') == number(None, 'facts.iid') == '–'
    assert table(['a', 'b'], [['c', '1']]) == '| a | b |\n| --- | ---: |\n| c | 1 |'


def test_scores_stand_beside_their_goals():
    text = evaluation.scores(made_up_evaluation())
    rows = [line.strip('| ').split(' | ') for line in text.splitlines() if line.startswith('|')]
    assert rows[0][-4:] == list(TEST_SPLITS)
    cells = {row[0]: row[1:] for row in rows[2:]}
    tasks = evaluation.TASKS
    goals = {task: [cell.split(' / ')[1] for cell in cells[tasks[task]]] for task in tasks}
    assert goals['classification'] == ['85 %', '75 %', '60 %', '70 %']
    assert goals['retrieval_r1'] == ['60 %', '50 %', '35 %', '45 %']
    assert goals['vqa'] == ['90 %', '80 %', '75 %', '80 %']
    assert goals['action4_clip'] == goals['action4_text'] == ['95 %', '90 %', '80 %', '85 %']
    assert goals['facts'] == ['80 %', '70 %', '50 %', '–']
    assert goals['cider'][0] == f'{0.5 + 0.03 * 11:.2f}'  # what the nearest phrase has
    assert cells[tasks['vqa']][0] == '91.2 % (10.0–90.0) / 90 %'
    assert cells['the same: more than without looking'][0] == '36.1 points / 20'
    assert '90.0 % (10.0–90.0) / 85 %' in text
    assert 'tiny@0123456789ab' in text


def test_baselines_stand_beside_the_scores():
    text = evaluation.baselines(made_up_evaluation())
    rows = [line.strip('| ').split(' | ') for line in text.splitlines() if line.startswith('|')]
    assert rows[0][-4:] == ['chance', 'majority', 'blind', 'dual encoder']
    found = [row for row in rows if row[0] == evaluation.TASKS['vqa'] and row[1] == 'iid']
    assert found == [
        [evaluation.TASKS['vqa'], 'iid', '91.2 % (10.0–90.0)', '1.0 %', '–', '55.1 %', '–']
    ]
    nearest = [row[1] for row in rows if row[0] == evaluation.MORE_TASKS['facts_nearest']]
    assert nearest == ['iid', 'composition', 'paraphrase']  # what was not measured has no row
    assert rows[-1][0] == 'triplets'


def test_what_was_not_measured_is_a_dash():
    results = made_up({'classification.iid': 0.5}, settings={'model': 'm', 'episodes': 1})
    text = evaluation.scores(results)
    assert '| – / 75 % |' in text
    assert '– / 20' in text


def test_engines_stand_beside_transformers():
    text = benchmarks.engines(made_up_benchmark('engines'))
    rows = [line.strip('| ').split(' | ') for line in text.splitlines() if line.startswith('|')]
    assert rows[2] == ['transformers-fp32', '1 ×', '1 ×', '1 ×', '1 ×', '–', '700 MB', '–']
    assert rows[3] == ['openvino-bf16', '4.00 ×', '–', '–', '–', '0.99987', '–', '–']
    assert '`auto` takes openvino-bf16, 4.00 times as fast as transformers' in text
    assert 'kept busy a clip takes 2.25 times as long' in text


def test_nodes_stand_beside_the_plain_node():
    text = benchmarks.node(made_up_benchmark('node'))
    assert '| 4 × 640x480, raw | 4.90 | 30.0 ms | – | – | – | – | 2.1 % | – |' in text
    assert '| latency p50 | 31 ms | 310 ms |' in text
    assert '3.00 times as many embeddings' in text
    assert 'in MB: numpy 71.' in text


def test_plot_draws_both_curves(tmp_path):
    pytest.importorskip('matplotlib', reason='the plot needs matplotlib')
    plot(made_up_comparison('comparison'), tmp_path / 'curves.png')
    assert (tmp_path / 'curves.png').read_bytes().startswith(b'\x89PNG')


# ---- writing ------------------------------------------------------------------------------------


def test_only_sections_change():
    text = f'# Page\n\n{empty_section("one")}\n\nbetween\n\n{empty_section("two")}\nend\n'
    assert sections(text) == dict.fromkeys(('one', 'two'), NOT_MEASURED)
    found = filled(text, lambda name: f'| {name} |\n\nmore')
    assert sections(found) == {name: f'| {name} |\n\nmore' for name in ('one', 'two')}
    assert filled(found, lambda name: NOT_MEASURED) == text


@pytest.mark.parametrize(
    'text',
    [
        '<!-- results: eval -->\nno end\n',
        '<!-- results: eval -->\n<!-- results: nodes -->\n<!-- end -->\n',
    ],
)
def test_a_section_without_an_end_is_named(text):
    with pytest.raises(ConfigurationError, match='results: eval --> does not end'):
        filled(text, lambda name: '')


def test_pages_are_written_from_the_results(tmp_path, monkeypatch, capsys):
    from training.report import __main__
    from training.report import sections as module

    (tmp_path / 'docs').mkdir()
    (tmp_path / 'models' / 'mine').mkdir(parents=True)
    card, page = tmp_path / 'models' / 'mine' / 'card.md', tmp_path / 'docs' / 'page.md'
    card.write_text(f'# mine\n{empty_section("eval")}\n', encoding='utf-8')
    page.write_text(f'{empty_section("ablation")}\n', encoding='utf-8')
    (tmp_path / 'README.md').write_text('no section\n', encoding='utf-8')
    results = tmp_path / 'results'
    results.mkdir()
    assert changed_pages(results, tmp_path) == {}
    write_results(results, 'eval')
    monkeypatch.setattr(
        __main__, 'changed_pages', lambda folder: module.changed_pages(folder, tmp_path)
    )
    arguments = ['--results', str(results)]
    assert main([*arguments, '--check']) == 1
    assert NOT_MEASURED in card.read_text(encoding='utf-8')
    assert main(arguments) == 0
    assert 'card.md written' in capsys.readouterr().out
    assert sections(card.read_text(encoding='utf-8'))['eval'] == body('eval', results)
    assert page.read_text(encoding='utf-8') == f'{empty_section("ablation")}\n'
    assert main([*arguments, '--check']) == 0
    page.write_text(f'{empty_section("unknown")}\n', encoding='utf-8')
    with pytest.raises(ConfigurationError, match=r"page\.md.*'unknown'; allowed are eval"):
        changed_pages(results, tmp_path)


def test_no_page_quotes_the_quick_subset(tmp_path):
    write_results(tmp_path, 'eval')
    path = tmp_path / 'eval.json'
    path.write_text(path.read_text().replace('"quick": false', '"quick": true'))
    with pytest.raises(ConfigurationError, match='measure without it'):
        body('eval', tmp_path)


def test_committed_results_have_the_one_form():
    for suites in (section.suites for section in SECTIONS.values()):
        for suite in suites:
            values = read(RESULTS, suite)
            if values is not None:
                assert {'metrics', 'intervals', 'machine', 'versions', 'raw'} <= values.keys()
                assert values['suite'] == suite
                assert all(isinstance(value, float | int) for value in values['metrics'].values())
