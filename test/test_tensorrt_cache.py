# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Kept engines: loaded by what they were made for, never otherwise; and few of them."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
from full_disk import files_of_at_most

from vljepa_ros.inference.cuda_driver import Gpu
from vljepa_ros.inference.sealed_file import (
    MAGIC,
    file_digest,
    read_sealed,
    write_sealed,
)
from vljepa_ros.inference.tensorrt.library import Library
from vljepa_ros.inference.tensorrt.plan_cache import (
    MOST_PLANS,
    PlanCache,
    PlanKey,
    Target,
    plan_key,
)
from vljepa_ros.inference.tensorrt.ranges import Range

KEY, OTHER = 'ab' * 32, 'cd' * 32
PLAN = bytes(range(256)) * 40
GPU = Gpu(0, 'NVIDIA GeForce RTX 4090', (8, 9))


def key_of(**changes: Any) -> PlanKey:
    values: dict[str, Any] = {
        'sources': {'graph': '1', 'weights': '2'},
        'library': Library(None, 'tensorrt', '10.3.0'),
        'target': Target((8, 9), GPU),
        'ranges': {'texts': Range(1, 2, 4)},
        'options': {'recipe': 1},
    }
    component, precision = changes.pop('component', 'inverse'), changes.pop('precision', 'fp16')
    return plan_key(component, precision, **{**values, **changes})


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def cache(tmp_path: Path, said: list[str]) -> PlanCache:
    return PlanCache(tmp_path / 'plans', say=said.append)


@pytest.mark.parametrize(
    'changes',
    [
        {'sources': {'graph': '3', 'weights': '2'}},
        {'sources': {'graph': '1', 'weights': '3'}},
        {'library': Library(None, 'tensorrt_rtx', '10.3.0')},
        {'library': Library(None, 'tensorrt', '10.3.1')},
        {'target': Target((8, 9), Gpu(0, 'NVIDIA GeForce RTX 4080', (8, 9)))},
        {'target': Target((8, 6), Gpu(0, 'NVIDIA GeForce RTX 4090', (8, 6)))},
        {'target': Target((8, 9))},
        {'precision': 'fp32'},
        {'ranges': {'texts': Range(1, 2, 5)}},
        {'ranges': {'texts': Range(1, 3, 4)}},
        {'options': {'recipe': 2}},
    ],
)
def test_the_key_holds_all_that_a_plan_depends_on(
    cache: PlanCache, changes: dict[str, Any]
) -> None:
    assert key_of(**changes).digest != key_of().digest
    assert cache.store(key_of(), PLAN)
    assert cache.load(key_of(**changes)) is None
    assert cache.load(key_of()) == PLAN


def test_the_number_of_a_gpu_does_not_count() -> None:
    second = Gpu(1, GPU.name, GPU.capability)
    assert key_of(target=Target((8, 9), second)) == key_of()


def test_only_the_owner_reads(cache: PlanCache, tmp_path: Path) -> None:
    assert cache.store(key_of(), PLAN)
    assert stat.S_IMODE(cache.path(key_of()).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / 'plans').stat().st_mode) == 0o700
    assert [path.name for path in (tmp_path / 'plans').iterdir()] == [key_of().file_name]


@pytest.mark.parametrize(
    'damage',
    [
        lambda data: b'',
        lambda data: data[:10],
        lambda data: data[:-1],
        lambda data: data + b'\0',
        lambda data: b'X' + data[1:],
        lambda data: data[: len(MAGIC)] + bytes.fromhex(OTHER) + data[len(MAGIC) + 32 :],
        lambda data: data[: len(MAGIC) + 40] + b'\xff' + data[len(MAGIC) + 41 :],
        lambda data: data[:-9] + bytes([data[-9] ^ 1]) + data[-8:],
        lambda data: PLAN,
    ],
    ids=['empty', 'short', 'cut', 'longer', 'magic', 'key', 'checksum', 'content', 'bare'],
)
def test_a_damaged_file_is_never_loaded(cache: PlanCache, damage: Any) -> None:
    key = key_of()
    cache.store(key, PLAN)
    path = cache.path(key)
    path.write_bytes(damage(path.read_bytes()))
    assert cache.load(key) is None
    assert cache.store(key, PLAN)
    assert cache.load(key) == PLAN


def test_a_file_under_another_name(cache: PlanCache) -> None:
    """Sixteen digits of the name could be the same; the whole key is inside."""
    first, second = key_of(), key_of(precision='fp32')
    cache.store(first, PLAN)
    cache.path(first).rename(cache.path(second))
    assert cache.load(second) is None
    cache.remove(second)
    cache.remove(second)
    assert not cache.path(second).exists()


def test_the_oldest_go(cache: PlanCache, tmp_path: Path) -> None:
    keys = [key_of(options={'number': number}) for number in range(MOST_PLANS + 2)]
    other = key_of(component='x_encoder')
    cache.store(other, PLAN)
    for age, key in enumerate(keys[:MOST_PLANS]):
        cache.store(key, PLAN)
        os.utime(cache.path(key), (1000 + age, 1000 + age))
    assert cache.load(keys[0]) == PLAN  # now it is the one that was used last
    for key in keys[MOST_PLANS:]:
        cache.store(key, PLAN)
    kept = {key for key in keys if cache.path(key).exists()}
    assert len(kept) == MOST_PLANS
    assert kept == set(keys) - {keys[1], keys[2]}
    assert cache.load(other) == PLAN


def test_a_folder_that_cannot_be_written_is_said_once(tmp_path: Path, said: list[str]) -> None:
    (tmp_path / 'file').write_text('in the way')
    cache = PlanCache(tmp_path / 'file', say=said.append)
    assert not cache.store(key_of(), PLAN)
    assert not cache.store(key_of(precision='fp32'), PLAN)
    assert cache.load(key_of()) is None
    (sentence,) = said
    assert 'built at each start' in sentence
    assert 'VLJEPA_CACHE' in sentence


@pytest.mark.skipif(sys.platform != 'linux', reason='limits the size of files')
def test_a_full_disk_leaves_nothing_behind(cache: PlanCache, said: list[str]) -> None:
    old = key_of()
    assert cache.store(old, PLAN)
    with files_of_at_most(4096):
        assert not cache.store(old, PLAN[::-1])
        assert not cache.store(key_of(precision='fp32'), PLAN)
    assert len(said) == 1
    assert cache.load(old) == PLAN
    assert [path.name for path in cache.path(old).parent.iterdir()] == [old.file_name]


def test_sealed_files(tmp_path: Path) -> None:
    path = tmp_path / 'folder' / 'file'
    assert read_sealed(path, KEY) is None
    for content in (b'', b'x', PLAN):
        write_sealed(path, KEY, content)
        assert read_sealed(path, KEY) == content
        assert read_sealed(path, OTHER) is None
    assert len(file_digest(path)) == 64
    with pytest.raises(OSError):
        file_digest(tmp_path / 'nothing')
