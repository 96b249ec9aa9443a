import pytest


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Where the twins are compiled, one after the other."""
    return tmp_path_factory.mktemp("rtl")
