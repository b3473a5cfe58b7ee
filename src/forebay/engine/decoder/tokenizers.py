"""Makes OpenVINO's tokenizer of a folder of Hugging Face's; this alone needs ``transformers`` (and no torch)."""

import logging
from pathlib import Path

import openvino as ov
import openvino_tokenizers
import transformers

from forebay.engine.errors import ConversionError


def convert(source: Path, target: Path) -> None:
    """Write the tokenizer in ``source``, and its detokenizer, into ``target``. Code in the folder is not run.

    Raises:
        ConversionError: there is none, or OpenVINO has no operations for it.
    """
    # It would tell on standard error, whose last line is for what goes wrong, that there is no torch.
    logging.getLogger("transformers").setLevel(logging.ERROR)
    try:
        known = transformers.AutoTokenizer.from_pretrained(source, local_files_only=True, trust_remote_code=False)
        tokenizer, detokenizer = openvino_tokenizers.convert_tokenizer(known, with_detokenizer=True)
    # What these libraries raise is not documented, and whatever it is, it means this.
    except Exception as error:
        reason = " ".join(str(error).split())
        raise ConversionError(f"The tokenizer in {source} cannot be converted: {reason}") from error
    ov.save_model(tokenizer, target / "openvino_tokenizer.xml")
    ov.save_model(detokenizer, target / "openvino_detokenizer.xml")
