# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Intervals of the evaluation, and the one form of results."""

from __future__ import annotations

import argparse
import json
import math

import numpy as np
import pytest

from training.evaluation.intervals import Score, exact, mean_score, rate_score, wilson
from training.evaluation.results import Results, add_result_arguments
from training.evaluation.table import comparison, read_reported, table
from vljepa_ros.errors import ConfigurationError, ResourceNotFoundError


def test_wilson_has_the_published_values():
    # Newcombe 1998, table I: 81 of 263, and 0 of 20.
    assert wilson(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson(0.0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert math.isnan(wilson(math.nan, 0)[0])


def test_independent_samples_keep_the_plain_interval():
    right = np.random.default_rng(0).random(400) < 0.8
    score = rate_score(right, np.arange(400))
    low, high = wilson(right.mean(), 400)
    assert score.interval == pytest.approx((low, high), abs=2e-3)
    assert (score.samples, score.episodes) == (400, 400)


def test_samples_that_are_right_together_count_as_one():
    rng = np.random.default_rng(1)
    episodes = np.repeat(np.arange(50), 8)
    together = np.repeat(rng.random(50) < 0.7, 8)
    score = rate_score(together, episodes)
    low, high = wilson(together.mean(), 50)  # 50 episodes, not 400 samples
    assert score.interval is not None
    assert score.interval == pytest.approx((low, high), abs=0.01)


@pytest.mark.parametrize('share', [0.0, 1.0])
def test_where_all_are_alike_an_episode_counts_once(share):
    score = rate_score(np.full(120, share), np.repeat(np.arange(12), 10))
    assert score.interval == pytest.approx(wilson(share, 12))
    assert (score.samples, score.episodes) == (120, 12)


@pytest.mark.parametrize('function', [rate_score, mean_score])
def test_intervals_cover_the_truth_of_grouped_samples(function):
    covered = 0
    for trial in range(200):
        rng = np.random.default_rng(trial)
        chance = np.repeat(rng.beta(4, 2, size=60), 6)  # mean 2/3, episodes differ
        score = function(rng.random(360) < chance, np.repeat(np.arange(60), 6))
        low, high = score.interval
        covered += low <= 2 / 3 <= high
    assert 180 <= covered <= 198  # 95 % of 200 is 190


def test_a_mean_of_episodes_is_the_same_every_time():
    values = np.random.default_rng(2).normal(size=90)
    episodes = np.repeat(np.arange(9), 10)
    score = mean_score(values, episodes)
    assert score == mean_score(values, episodes)
    assert score.interval is not None
    assert score.interval[0] < score.value < score.interval[1]
    assert math.isnan(mean_score([], []).value)


# ---- results ------------------------------------------------------------------------------------


def results() -> Results:
    made = Results(suite='eval', quick=True, seeds={'world_seed': 3}, packages=('numpy',))
    made.add('vqa.iid', Score(0.8, (0.7, 0.9), 50, 10), raw={'right': [1, 0]})
    made.add('vqa.iid:chance', exact(0.25))
    return made


def test_the_file_has_the_one_form(tmp_path):
    path = tmp_path / 'new' / 'eval.json'
    results().write(path)
    found = json.loads(path.read_text(encoding='utf-8'))
    assert found['metrics'] == {'vqa.iid': 0.8, 'vqa.iid:chance': 0.25}
    assert found['quick'] is True
    assert found['intervals'] == {'vqa.iid': [0.7, 0.9]}
    assert (found['samples'], found['episodes']) == ({'vqa.iid': 50}, {'vqa.iid': 10})
    assert found['seeds'] == {'world_seed': 3}
    assert found['raw'] == {'vqa.iid': {'right': [1, 0]}}
    assert found['machine']['cores'] >= 1
    assert found['versions']['numpy'] == np.__version__
    assert 'versions' not in found['machine']


def test_a_metric_is_never_written_over_and_never_nan():
    made = results()
    with pytest.raises(ValueError, match='twice'):
        made.add('vqa.iid', exact(0.5))
    made.add('facts.iid', rate_score([], []))
    assert 'facts.iid' not in made.to_dict()['metrics']
    assert made.notes == ['facts.iid: no sample']


def test_every_command_gets_the_same_two_arguments(tmp_path):
    parser = argparse.ArgumentParser()
    add_result_arguments(parser, quick='ten episodes')
    options = parser.parse_args(['--json', str(tmp_path / 'x.json'), '--quick'])
    assert options.json == tmp_path / 'x.json'
    assert options.quick is True
    assert 'ten episodes' in parser.format_help()


def test_the_table_puts_baselines_beside_their_score():
    lines = table(results()).splitlines()
    assert len(lines) == 2
    assert 'vqa.iid' in lines[1]
    assert '0.700 to 0.900' in lines[1]
    assert '50/10' in lines[1]
    assert 'chance 0.250' in lines[1]


def test_a_fresh_world_is_held_against_the_reported_one(tmp_path):
    results().write(tmp_path / 'reported.json')
    reported = read_reported(tmp_path / 'reported.json')
    fresh = Results(suite='eval', quick=False)
    fresh.add('vqa.iid', Score(0.75, (0.65, 0.85), 50, 10))
    assert '1 of 1 scores lie in the reported intervals' in comparison(fresh, reported)
    worse = Results(suite='eval', quick=False)
    worse.add('vqa.iid', Score(0.6, (0.5, 0.7), 50, 10))
    text = comparison(worse, reported)
    assert 'OUTSIDE' in text
    assert '0.500 to 0.700' in text
    assert '0.700 to 0.900' in text


def test_a_comparison_with_something_else_is_refused(tmp_path):
    with pytest.raises(ResourceNotFoundError, match='no results'):
        read_reported(tmp_path / 'no.json')
    (tmp_path / 'other.json').write_text('{"metrics": 3}', encoding='utf-8')
    with pytest.raises(ConfigurationError, match='no result of vljepa eval'):
        read_reported(tmp_path / 'other.json')
