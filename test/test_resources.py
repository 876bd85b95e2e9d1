# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0

"""Resources are found in the source tree, in a ROS install and in a pip install."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from vljepa_ros.errors import ResourceNotFoundError
from vljepa_ros.resources import find_resource, resolve_model

ROOT = Path(__file__).resolve().parents[1]


def test_source_tree():
    assert find_resource('package.xml') == ROOT / 'package.xml'
    assert find_resource(Path('msg') / 'Embedding.msg') == ROOT / 'msg' / 'Embedding.msg'


def test_missing_resource_names_it_and_the_places():
    with pytest.raises(ResourceNotFoundError) as error:
        find_resource('config/no_such_file.yaml')
    assert 'config/no_such_file.yaml' in str(error.value)
    assert str(ROOT) in str(error.value)


# Where the package's folder is below the prefix: pip and ROS, Debian's pip and Humble's ROS.
@pytest.mark.parametrize(
    'library', ['lib/python3.12/site-packages', 'local/lib/python3.10/dist-packages']
)
def test_installed_beside_share(tmp_path, library):
    package = _install(tmp_path / library)
    config = _share(tmp_path) / 'config' / 'perception.yaml'
    assert _find(package, 'config/perception.yaml') == str(config)


def test_ament_prefix_path_in_its_order(tmp_path):
    package = _install(tmp_path / 'elsewhere')
    first, second = (_share(tmp_path / name) for name in ('first', 'second'))
    path = os.pathsep.join(str(tmp_path / name) for name in ('none', 'first', 'second'))
    found = _find(package, 'config/perception.yaml', AMENT_PREFIX_PATH=path)
    assert found == str(first / 'config' / 'perception.yaml')
    (second / 'config' / 'only_here.yaml').touch()
    found = _find(package, 'config/only_here.yaml', AMENT_PREFIX_PATH=path)
    assert found == str(second / 'config' / 'only_here.yaml')


def test_model_by_name_and_by_folder(tmp_path, monkeypatch):
    shipped = _share(tmp_path / 'prefix') / 'models' / 'a_shipped_model'
    shipped.mkdir(parents=True)
    (shipped / 'config.json').touch()
    monkeypatch.setenv('AMENT_PREFIX_PATH', str(tmp_path / 'prefix'))
    assert resolve_model('a_shipped_model') == shipped

    monkeypatch.chdir(tmp_path)
    own = tmp_path / 'a_shipped_model'
    own.mkdir()
    assert resolve_model('a_shipped_model') == shipped, 'the shipped one wins'
    assert resolve_model('./a_shipped_model').samefile(own)
    assert resolve_model(own) == own

    monkeypatch.setenv('HOME', str(tmp_path))
    assert resolve_model('~/a_shipped_model') == own


@pytest.mark.parametrize('name', ['no_such_model', '', '/no/such/folder'])
def test_unknown_model_lists_the_shipped_ones(tmp_path, monkeypatch, name):
    shipped = _share(tmp_path) / 'models' / 'a_shipped_model'
    shipped.mkdir(parents=True)
    (shipped / 'config.json').touch()
    monkeypatch.setenv('AMENT_PREFIX_PATH', str(tmp_path))
    with pytest.raises(ResourceNotFoundError, match='a_shipped_model') as error:
        resolve_model(name)
    assert repr(name) in str(error.value)


def _install(library: Path) -> Path:
    """Copy what find_resource needs into a folder of installed packages."""
    (library / 'vljepa_ros').mkdir(parents=True)
    for name in ('__init__.py', 'errors.py', 'resources.py'):
        shutil.copy(ROOT / 'vljepa_ros' / name, library / 'vljepa_ros')
    return library


def _share(prefix: Path) -> Path:
    """Make a share folder with one resource below an install prefix."""
    share = prefix / 'share' / 'vljepa_ros'
    (share / 'config').mkdir(parents=True)
    (share / 'config' / 'perception.yaml').touch()
    return share


def _find(library: Path, relative: str, **environment: str) -> str:
    """Call find_resource of an installed package in a process of its own."""
    script = (
        'import sys; from vljepa_ros.resources import find_resource; '
        'print(find_resource(sys.argv[1]))'
    )
    result = subprocess.run(
        [sys.executable, '-c', script, relative],
        env={'PATH': os.environ['PATH'], 'PYTHONPATH': str(library), **environment},
        cwd=library,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()
