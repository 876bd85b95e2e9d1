# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The rules of docs/architecture.md about who imports whom."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / 'vljepa_ros'
MODULES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob('*.py'))

# Nodes → world, stream → inference → model. Errors and the paths of shipped files are for all.
BELOW = {
    'model': {'model'},
    'inference': {'inference', 'model'},
    'stream': {'stream', 'inference'},
    'world': {'world', 'inference', 'stream'},
    'recordings': {'recordings', 'stream', 'inference'},
    'memory': {'memory', 'stream'},
    'indexing': {'indexing', 'memory', 'recordings', 'inference', 'stream'},
    'report': {'report', 'recordings', 'stream', 'inference', '__version__'},
    'view': {'view', 'stream'},
    'doctor': {'doctor', 'nodes', 'inference', 'model', 'process_environment', '__version__'},
    'nodes': {
        *('nodes', 'world', 'recordings', 'memory', 'inference', 'stream', 'view'),
        *('interfaces', 'process_environment'),
    },
}
FOR_ALL = {'errors', 'resources'}
ROS = ('rclpy', 'launch', 'launch_ros', 'cv_bridge', 'builtin_interfaces')
WITH_ROS = {Path('client.py'), Path('interfaces.py')}


def imports(module: Path) -> Iterator[str]:
    """Yield the full names of the modules that a module of the package imports anywhere."""
    for node in ast.walk(ast.parse((PACKAGE / module).read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, 'imports are absolute'
            # `from vljepa_ros.nodes import qos` imports a module, too.
            yield from (f'{node.module}.{alias.name}' for alias in node.names)


def of_package(module: Path) -> set[str]:
    """Return the folders, or modules at the top, of the package that a module imports."""
    found = {tuple(name.split('.')) for name in imports(module) if name.startswith('vljepa_ros.')}
    return {parts[1] for parts in found}


@pytest.mark.parametrize('folder', BELOW)
def test_arrows_point_one_way(folder: str) -> None:
    modules = [module for module in MODULES if module.parts[0] == folder]
    assert modules
    for module in modules:
        assert of_package(module) <= BELOW[folder] | FOR_ALL, module


def test_ros_is_imported_above_the_parts_that_are_tested_without_it() -> None:
    for module in MODULES:
        tops = {name.split('.')[0] for name in imports(module)}
        ros = {top for top in tops if top in ROS or top.endswith('_msgs')}
        assert not ros or module.parts[0] == 'nodes' or module in WITH_ROS, f'{module}: {ros}'
        if module != Path('interfaces.py'):
            assert not of_package(module) & {'msg', 'srv'}, module


def test_every_consumer_of_the_messages_imports_nothing_heavy() -> None:
    assert set(imports(Path('__init__.py'))) == {'pkgutil'}


def test_torch_stays_in_the_model_and_its_backend() -> None:
    for module in MODULES:
        if any(name.split('.')[0] == 'torch' for name in imports(module)):
            backend = module.parts[0] == 'inference' and module.name.startswith('torch_')
            assert module.parts[0] == 'model' or backend, module
