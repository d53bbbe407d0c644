"""What every test may ask for."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import settings

settings.register_profile("untimed", deadline=None)  # how busy the machine is says nothing of what is tested
settings.load_profile("untimed")
torch.set_num_threads(int(os.environ.get("VIDMEM_TEST_THREADS", "2")))


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real clips; tests that ask for it are marked `real`."""
    root = os.environ.get("VIDMEM_DATA")
    if not root or not Path(root).is_dir():
        pytest.skip("VIDMEM_DATA does not name the folder of real clips")
    return Path(root)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """For what is too small to be shared between threads: they would wait for each other most of the time."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
