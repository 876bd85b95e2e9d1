# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0

"""The package as its users get it: a pip wheel, a colcon install, the clone itself."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

import vljepa_ros

ROOT = Path(__file__).resolve().parents[1]
NODES = (
    'camera_node',
    'event_node',
    'perception_node',
    'pipeline',
    'memory_node',
    'recorder_node',
    'world_model_node',
)

# What is built and installed; a clone also holds data sets, runs and builds.
SOURCES = (
    *('package.xml', 'CMakeLists.txt', 'setup.py', 'pyproject.toml', 'LICENSE'),
    *('msg', 'srv', 'scripts', 'vljepa_ros', 'config', 'launch', 'models', 'samples'),
)
# Names of modules for rosdep and for pip, where they differ.
KEYS = {'cv2': 'python3-opencv', 'numpy': 'python3-numpy', 'yaml': 'python3-yaml'}
DISTRIBUTIONS = {
    'cv2': 'opencv-python-headless',
    'onnx_ir': 'onnx-ir',
    'sklearn': 'scikit-learn',
    'yaml': 'pyyaml',
}
OPTIONAL = {'rosbags'}  # without cv_bridge; the error names it
IMPORT_MESSAGES = """
import sys
import vljepa_ros.msg, vljepa_ros.srv, vljepa_ros.resources
vljepa_ros.msg.Embedding(), vljepa_ros.srv.InferAction.Request()
loaded = {'torch', 'rclpy', 'cv2'} & set(sys.modules)
assert not loaded, loaded
print(vljepa_ros.resources.__file__)
"""


@pytest.fixture(scope='module')
def sources(tmp_path_factory) -> Path:
    """Return a copy of what the package is built from, since builds write beside it."""
    copy = tmp_path_factory.mktemp('sources') / 'vljepa_ros'
    copy.mkdir()
    for name in SOURCES:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns('__pycache__')
            shutil.copytree(ROOT / name, copy / name, ignore=ignored)
        elif (ROOT / name).exists():
            shutil.copy(ROOT / name, copy)
    return copy


@pytest.fixture(scope='module')
def bare_python(sources, tmp_path_factory) -> Path:
    """Return the Python of an environment that holds our wheel and nothing else."""
    folder = tmp_path_factory.mktemp('wheel')
    pip = [sys.executable, '-m', 'pip', '--disable-pip-version-check']
    _run([*pip, 'wheel', '--no-deps', '--no-build-isolation', '-w', folder, sources])
    (wheel,) = folder.glob('*.whl')
    _run([sys.executable, '-m', 'venv', '--without-pip', folder / 'bare'])
    python = folder / 'bare' / 'bin' / 'python'
    # pip would take the built interfaces on our PYTHONPATH for an installed package.
    install = ['--python', python, 'install', '--no-deps', '--no-index', wheel]
    _run([*pip, *install], env=_without_our_build())
    return python


@pytest.fixture(scope='module')
def workspace(sources, tmp_path_factory) -> Path:
    """Return a colcon workspace in which our package is built."""
    if shutil.which('colcon') is None:
        pytest.skip('colcon is missing: sudo apt install python3-colcon-common-extensions')
    pytest.importorskip('rosidl_parser', reason='needs ROS 2: run with make test')
    folder = tmp_path_factory.mktemp('workspace')
    options = ['-DBUILD_TESTING=OFF']
    options += [f'-D{name}_EXECUTABLE={sys.executable}' for name in ('Python3', 'PYTHON')]
    _run(
        ['colcon', 'build', '--base-paths', sources, '--cmake-args', *options],
        cwd=folder,
        env=_without_our_build(),
    )
    return folder


def test_versions_agree():
    package = ElementTree.parse(ROOT / 'package.xml').getroot()
    assert package.findtext('version') == vljepa_ros.__version__
    assert package.findtext('name') == 'vljepa_ros'


def imported(folder: Path) -> set[str]:
    """Return the top modules that the Python files of a folder import, by name too."""
    found = set()
    for path in folder.rglob('*.py'):
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add(node.module or '')
            elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith('import_module'):
                found |= {str(arg.value) for arg in node.args if isinstance(arg, ast.Constant)}
    tops = {name.split('.')[0] for name in found}
    return tops - set(sys.stdlib_module_names) - {'vljepa_ros', 'training'}


def test_dependencies_are_what_is_imported():
    used = imported(ROOT / 'vljepa_ros') | imported(ROOT / 'launch')
    package = ElementTree.parse(ROOT / 'package.xml').getroot()
    keys = {entry.text for tag in ('depend', 'exec_depend') for entry in package.iter(tag)}
    keys -= {'rosidl_default_runtime'}  # what the generated messages import
    with_keys = {KEYS.get(name, name) for name in used} & keys
    assert keys == with_keys, 'package.xml names what nothing imports'
    setup = (ROOT / 'setup.py').read_text()
    for name in used:
        wanted = f"'{DISTRIBUTIONS.get(name, name)}"
        assert KEYS.get(name, name) in keys or wanted in setup or name in OPTIONAL, name


def test_every_interface_is_built():
    cmake = (ROOT / 'CMakeLists.txt').read_text()
    for path in (*ROOT.glob('msg/*'), *ROOT.glob('srv/*')):
        assert f'"{path.relative_to(ROOT)}"' in cmake


def test_every_wanted_package_has_a_pinned_version():
    pinned = {line.split('==')[0] for line in _lines('python.txt')}
    for name in ('run.in', 'build.in', 'test.in'):
        for line in _lines(name):
            assert line.split(';')[0] in pinned, f'{line} of {name} is not in python.txt'


def test_set_up_refuses_an_unknown_distribution():
    command = [sys.executable, str(ROOT / 'scripts' / 'run.py'), '--distro', 'dashing']
    environment = {k: v for k, v in os.environ.items() if k != 'ROS_DISTRO'}
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert result.returncode == 1
    assert 'jazzy, kilted' in result.stderr


@pytest.mark.slow
def test_wheel_works_without_any_dependency(bare_python):
    version = _python(bare_python, 'import vljepa_ros; print(vljepa_ros.__version__)')
    assert version == vljepa_ros.__version__


@pytest.mark.slow
@pytest.mark.parametrize('folder', ['config', 'launch', 'models', 'msg', 'samples'])
def test_wheel_brings_resources(bare_python, sources, folder):
    if not (sources / folder).is_dir():
        pytest.skip(f'this clone has no {folder}')
    shipped = sorted(path for path in (sources / folder).rglob('*') if path.is_file())
    code = f"from vljepa_ros.resources import find_resource; print(find_resource('{folder}'))"
    found = Path(_python(bare_python, code))
    assert found.is_relative_to(bare_python.parents[1])
    for path in shipped:
        assert (found / path.relative_to(sources / folder)).is_file()


@pytest.mark.slow
def test_wheel_brings_what_a_report_is_made_of(bare_python):
    names = ['page.css', 'page.html', 'page.js']
    code = f"""
from importlib.resources import files
print(all(files('vljepa_ros.report').joinpath(name).is_file() for name in {names}))
"""
    assert _python(bare_python, code) == 'True'


@pytest.mark.slow
@pytest.mark.parametrize('module', ['interfaces', 'client', *(f'nodes.{name}' for name in NODES)])
def test_without_built_interfaces_the_error_names_the_build(bare_python, module):
    code = f"""
from vljepa_ros.errors import InterfacesNotBuiltError
try:
    import vljepa_ros.{module}
except InterfacesNotBuiltError as error:
    print(error)
"""
    message = _python(bare_python, code)
    assert 'colcon build' in message
    assert 'make setup' in message


@pytest.mark.slow
def test_colcon_install_imported_from_another_folder(workspace, tmp_path):
    printed = _sourced(workspace, ['python3', '-c', IMPORT_MESSAGES], cwd=tmp_path)
    assert Path(printed).is_relative_to(workspace / 'install')


@pytest.mark.slow
def test_colcon_install_imported_from_the_repository_root(workspace, sources):
    printed = _sourced(workspace, ['python3', '-c', IMPORT_MESSAGES], cwd=sources)
    assert Path(printed).is_relative_to(sources), 'the source tree comes first here'


@pytest.mark.slow
def test_colcon_install_serialises_messages(workspace, tmp_path):
    code = (
        'from rclpy.serialization import deserialize_message, serialize_message\n'
        'from vljepa_ros.msg import Embedding\n'
        "message = Embedding(camera='front', data=[0.6, 0.8])\n"
        'print(deserialize_message(serialize_message(message), Embedding) == message)'
    )
    assert _sourced(workspace, ['python3', '-c', code], cwd=tmp_path) == 'True'


@pytest.mark.slow
def test_colcon_install_brings_resources(workspace, tmp_path):
    code = "from vljepa_ros.resources import find_resource; print(find_resource('package.xml'))"
    found = Path(_sourced(workspace, ['python3', '-c', code], cwd=tmp_path))
    assert found == workspace / 'install' / 'vljepa_ros' / 'share' / 'vljepa_ros' / 'package.xml'
    for folder in ('config', 'launch', 'models', 'samples'):
        if (ROOT / folder).is_dir():
            assert (found.parent / folder).is_dir()


@pytest.mark.slow
@pytest.mark.parametrize('name', [*NODES, 'vljepa'])
def test_colcon_install_has_executables(workspace, name):
    executable = workspace / 'install' / 'vljepa_ros' / 'lib' / 'vljepa_ros' / name
    assert os.access(executable, os.X_OK)
    assert executable.read_text().startswith('#!/usr/bin/env python3\n')


@pytest.mark.slow
@pytest.mark.parametrize('command', ['install/vljepa_ros/lib/vljepa_ros/vljepa', 'vljepa'])
def test_installed_command_runs(workspace, tmp_path, command):
    executable = workspace / command if '/' in command else command
    assert 'demo' in _sourced(workspace, [executable, '--help'], cwd=tmp_path)
    found = _sourced(workspace, ['which', str(executable)], cwd=tmp_path)
    assert Path(found).is_relative_to(workspace), 'not that of another installation'


def _run(command, **arguments) -> str:
    """Run a command that must succeed and return what it prints."""
    result = subprocess.run(
        [str(word) for word in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **arguments,
    )
    assert result.returncode == 0, result.stdout
    return result.stdout.strip()


def _python(python: Path, code: str) -> str:
    """Run code in an environment, with nothing of ours on its paths."""
    return _run([python, '-I', '-c', code], cwd=python.parent, env={'PATH': os.environ['PATH']})


def _sourced(workspace: Path, command, *, cwd: Path) -> str:
    """Run a command as after `source install/local_setup.sh`."""
    script = f'. {workspace}/install/local_setup.sh && exec "$@"'
    return _run(['sh', '-c', script, 'sh', *command], cwd=cwd, env=_without_our_build())


def _without_our_build() -> dict[str, str]:
    """Return the environment without the clone and its built interfaces."""

    def foreign(entry: str) -> bool:
        return bool(entry) and not Path(entry).is_relative_to(ROOT)

    environment = dict(os.environ)
    for name in ('PYTHONPATH', 'AMENT_PREFIX_PATH', 'CMAKE_PREFIX_PATH', 'LD_LIBRARY_PATH'):
        entries = environment.pop(name, '').split(os.pathsep)
        if kept := [entry for entry in entries if foreign(entry)]:
            environment[name] = os.pathsep.join(kept)
    return environment


def _lines(constraints: str) -> list[str]:
    text = (ROOT / 'constraints' / constraints).read_text()
    return [line for line in text.splitlines() if line and not line.startswith('#')]
