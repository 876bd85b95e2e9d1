# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0

"""What all tests share: a ROS domain of their own, so that they hear nobody else."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

# Ports of domains above 101 may meet the system's ephemeral ports. 0 is everybody's default.
DOMAIN_IDS = range(1, 102)


@contextmanager
def free_domain_id() -> Iterator[int]:
    """Give a domain id that no other test of this machine holds."""
    folder = Path(tempfile.gettempdir()) / f'vljepa_ros_domains_{os.getuid()}'
    folder.mkdir(exist_ok=True)
    start = os.getpid() % len(DOMAIN_IDS)  # other users' tests do not see our locks
    for domain_id in (*DOMAIN_IDS[start:], *DOMAIN_IDS[:start]):
        with (folder / str(domain_id)).open('w') as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield domain_id
            return
    raise RuntimeError('all ROS domain ids are taken by other tests on this machine')


@pytest.fixture(scope='session', autouse=True)
def ros_isolation() -> Iterator[None]:
    """Keep every test, and the processes that it starts, on this machine and in one domain."""
    with pytest.MonkeyPatch.context() as patch, free_domain_id() as domain_id:
        patch.setenv('ROS_DOMAIN_ID', str(domain_id))
        if os.environ.get('ROS_DISTRO') == 'humble':
            patch.setenv('ROS_LOCALHOST_ONLY', '1')
        else:
            patch.delenv('ROS_LOCALHOST_ONLY', raising=False)
            patch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
        yield


@pytest.fixture
def domain_id(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Give one test a domain of its own, as ROS_DOMAIN_ID for it and the processes it starts."""
    with free_domain_id() as own:
        monkeypatch.setenv('ROS_DOMAIN_ID', str(own))
        yield own


@pytest.fixture(scope='session')
def checkpoint_with_graphs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of random weights with its graphs in float32; whoever changes it copies it."""
    from untrained import build_untrained_checkpoint

    from vljepa_ros.inference.torch_export import export_graphs

    folder = build_untrained_checkpoint(tmp_path_factory.mktemp('graphs'))
    export_graphs(folder)
    return folder


@pytest.fixture(scope='session', autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what tests work out for this machine apart from what its user has."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('VLJEPA_CACHE', str(tmp_path_factory.mktemp('cache')))
        yield
