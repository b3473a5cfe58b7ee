"""Makes OpenVINO's form of a model, in a process of its own: `run` starts it, `main` is what it does.

It stays out of the server's process because a conversion takes more memory than serving the result and keeps much of
it, and because a bad file makes OpenVINO's reader end the process it runs in.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from forebay.engine import huggingface
from forebay.engine.errors import ConversionError, LibraryError
from forebay.plugins import Progress

if TYPE_CHECKING:
    from forebay.engine.decoder.architecture import Weights

MODEL: Final = "openvino_model.xml"
_POLL_SECONDS: Final = 0.25
_SIGKILL: Final = 9  # Windows has no name for it.


def run(source: Path, target: Path, progress: Progress) -> None:
    """Convert ``source`` into the empty folder ``target``, in another process.

    Raises:
        ConversionError: it failed; the message says why, as far as OpenVINO does.
    """
    # -P: a file named like a module in the current folder must not be run instead of it.
    command = [sys.executable, "-P", "-m", "forebay.engine.convert", str(source), str(target)]
    progress("convert", 0, 1)
    with tempfile.TemporaryFile() as said:
        with subprocess.Popen(  # noqa: S603 - this module
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said
        ) as process:
            try:
                while _is_running(process):
                    progress("convert", 0, 1)
            except BaseException:
                process.kill()
                raise
        said.seek(0)
        words = said.read().decode("utf-8", "replace").strip()
    if process.returncode or not (target / MODEL).is_file():
        raise ConversionError(f"{source} could not be converted: {_reason(process.returncode, words)}")
    progress("convert", 1, 1)


def _is_running(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(_POLL_SECONDS)
    except subprocess.TimeoutExpired:
        return True
    return False


def _reason(status: int, words: str) -> str:
    if status == -_SIGKILL:
        return "the process was killed; most often there is too little memory."
    if status < 0:
        return f"OpenVINO crashed (signal {-status}); the file may be damaged, or of a kind that it does not support."
    if "iostream error" in words:
        return "OpenVINO could not write it; is the disk full? FOREBAY_HOME may name a folder on a larger one."
    return words.splitlines()[-1] if words else f"the process ended with status {status} and without a word."


def main(arguments: list[str]) -> int:
    """Convert ``arguments[0]``, a GGUF file or a folder of Hugging Face's, into the folder ``arguments[1]``.

    The exit status says whether it worked; if not, why is the last line of standard error.
    """
    source, target = map(Path, arguments)
    try:
        _convert(source, target)
    except (LibraryError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


# OpenVINO is imported where it is needed: the server's process imports this module too, for `run`.


def _convert(source: Path, target: Path) -> None:
    from forebay.engine import minilm  # noqa: PLC0415
    from forebay.engine.decoder.folder_weights import FolderWeights  # noqa: PLC0415
    from forebay.engine.decoder.gguf_weights import GgufWeights  # noqa: PLC0415

    if source.is_file():
        weights: Weights = GgufWeights(source)
        _write_gguf_tokenizer(source, target)
    elif huggingface.is_embedder(source):
        minilm.convert(source, target)
        return
    else:
        weights = FolderWeights(source)
        _write_folder_tokenizer(source, target)
    _write_graph(weights, target)


def _write_graph(weights: "Weights", target: Path) -> None:
    import openvino as ov  # noqa: PLC0415

    from forebay.engine.decoder import builder  # noqa: PLC0415

    ov.save_model(builder.build(weights), target / MODEL, compress_to_fp16=False)


def _write_gguf_tokenizer(source: Path, target: Path) -> None:
    import openvino_genai  # noqa: PLC0415

    # OpenVINO writes beside the file that it reads, so the file has to stand in the target for a while.
    beside = target / "model.gguf"
    _stand_in(source.resolve(), beside)
    try:
        openvino_genai.Tokenizer(str(beside), enable_save_ov_model=True)
    except (RuntimeError, IndexError) as error:
        raise ConversionError(f"OpenVINO cannot read its tokenizer: {_one_line(str(error))}") from None
    finally:
        beside.unlink()


def _write_folder_tokenizer(source: Path, target: Path) -> None:
    try:
        from forebay.engine.decoder import tokenizers  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ConversionError(
            f"Folders of Hugging Face's need the package {error.name}; install it with: pip install 'forebay[convert]'"
        ) from None
    tokenizers.convert(source, target)


def _stand_in(source: Path, beside: Path) -> None:
    """Let ``beside`` be ``source``: by a link where that is possible, otherwise by a copy."""
    for link in (beside.symlink_to, beside.hardlink_to):
        try:
            link(source)
        except OSError:
            continue
        return
    shutil.copyfile(source, beside)


def _one_line(message: str) -> str:
    """OpenVINO's message without the places in its source."""
    lines = [line.strip() for line in message.splitlines()]
    return " ".join(line for line in lines if line and ".cpp:" not in line and not line.startswith("Exception from"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
