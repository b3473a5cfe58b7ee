"""LoRA adapters of a vLLM that a stand-in plays: which there are, loading, unloading, and who finds what."""

import sys
from pathlib import Path

import msgspec
import pytest

from forebay.core.adapters import AdapterSource
from forebay.core.errors import ForebayError, InvalidRequestError, ModelNotFoundError, NotFoundError
from forebay.core.ports import Adapters
from forebay.providers.vllm.provider import VLLMProvider
from tests.providers.vllm.test_provider import DEPLOYMENT, said, vllm
from tests.support.standin import kill, options, starts
from tests.support.until import until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="process groups and signals")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the adapters ``a`` and ``b``, and something that is none."""
    found = tmp_path / "adapters"
    for name in ("a", "b", "deeper/c"):
        (found / name).mkdir(parents=True)
        (found / name / "adapter_config.json").write_text("{}")
    (found / "none").mkdir()
    return found


async def asked(provider: VLLMProvider, adapter: str) -> str:
    return await said(provider, deployment=msgspec.structs.replace(DEPLOYMENT, adapter=adapter))


async def test_one_in_the_folder_is_loaded_when_it_is_asked_for(tmp_path: Path, folder: Path) -> None:
    async with vllm(**options(tmp_path / "s"), adapters=str(folder)) as provider:
        assert isinstance(provider, Adapters)
        assert await provider.adapters(DEPLOYMENT) == ["a", "b"]
        assert await asked(provider, "a") == "hello by tiny:a"
        assert await said(provider) == "hello by tiny"
        (start,) = starts(tmp_path / "s")
        assert "--enable-lora" in start.arguments
        assert start.runtime_lora == "True"
        for name in ("none", "c", "../adapters/a", "."):
            with pytest.raises(ModelNotFoundError):
                await asked(provider, name)


async def test_it_is_loaded_again_after_a_restart(tmp_path: Path, folder: Path) -> None:
    async with vllm(**options(tmp_path / "s"), adapters=str(folder)) as provider:
        await provider.load_adapter(DEPLOYMENT, AdapterSource("mine", "deeper/c"))
        assert await asked(provider, "mine") == "hello by tiny:mine"
        kill(starts(tmp_path / "s")[0].pid)
        await until(lambda: len(starts(tmp_path / "s")) == 2 and provider.failure() is None)
        assert await asked(provider, "mine") == "hello by tiny:mine"
        assert await provider.adapters(DEPLOYMENT) == ["a", "b", "mine"]


async def test_loading_and_unloading(tmp_path: Path, folder: Path) -> None:
    async with vllm(**options(tmp_path / "s"), adapters=str(folder)) as provider:
        await provider.load_adapter(DEPLOYMENT, AdapterSource("x", "a"))
        with pytest.raises(InvalidRequestError, match="loaded already"):
            await provider.load_adapter(DEPLOYMENT, AdapterSource("x", "b"))
        await provider.load_adapter(DEPLOYMENT, AdapterSource("x", "b", replace=True))
        await provider.unload_adapter(DEPLOYMENT, "x")
        with pytest.raises(NotFoundError):
            await provider.unload_adapter(DEPLOYMENT, "x")
        with pytest.raises(ModelNotFoundError):
            await asked(provider, "x")


@pytest.mark.parametrize(
    ("name", "path", "error"),
    [
        ("x", "../../etc", InvalidRequestError),
        ("x", "/etc", InvalidRequestError),
        ("x", "none", NotFoundError),
        ("x", "missing", NotFoundError),
        ("x/y", "a", InvalidRequestError),
        (".x", "a", InvalidRequestError),
    ],
)
async def test_what_is_no_adapter_is_refused(
    tmp_path: Path, folder: Path, name: str, path: str, error: type[ForebayError]
) -> None:
    async with vllm(**options(tmp_path / "s"), adapters=str(folder)) as provider:
        with pytest.raises(error):
            await provider.load_adapter(DEPLOYMENT, AdapterSource(name, path))


async def test_without_a_folder_there_are_none(tmp_path: Path) -> None:
    async with vllm(**options(tmp_path / "s")) as provider:
        assert await provider.adapters(DEPLOYMENT) == []
        with pytest.raises(ModelNotFoundError):
            await asked(provider, "a")
        with pytest.raises(InvalidRequestError, match="takes no adapters"):
            await provider.load_adapter(DEPLOYMENT, AdapterSource("a", "a"))


async def test_those_of_a_vllm_that_is_not_ours(tmp_path: Path, folder: Path) -> None:
    async with vllm(**options(tmp_path / "s"), adapters=str(folder)):
        (start,) = starts(tmp_path / "s")
        url = f"http://127.0.0.1:{start.arguments[start.arguments.index('--port') + 1]}"
        async with vllm(url=url, api_key=start.key, model="tiny") as attached:
            assert await attached.adapters(DEPLOYMENT) == []
            await attached.load_adapter(DEPLOYMENT, AdapterSource("r", str(folder / "a")))
            assert await attached.adapters(DEPLOYMENT) == ["r"]
            assert await asked(attached, "r") == "hello by tiny:r"
            await attached.unload_adapter(DEPLOYMENT, "r")
            with pytest.raises(NotFoundError):
                await attached.unload_adapter(DEPLOYMENT, "r")
            with pytest.raises(ModelNotFoundError):
                await asked(attached, "r")
            with pytest.raises(ForebayError):
                await attached.load_adapter(DEPLOYMENT, AdapterSource("r", "/no/adapter"))
