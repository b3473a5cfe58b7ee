"""What can go wrong with the model library, as one tree; every message is a line for people and names the remedy.

    LibraryError
    ├── UnknownModelError   no such model, file or folder
    ├── FetchError          the wheel of a known model could not be had
    ├── GGUFError           a file is no GGUF, is damaged, or holds no language model
    └── ConversionError     OpenVINO could not make its own form of a model

These reach whoever starts a server or runs ``forebay models``; a client of the API never sees them.
"""

from forebay.plugins import PreparationError


class LibraryError(PreparationError):
    """A model cannot be made ready."""


class UnknownModelError(LibraryError):
    """There is no model of that name, in the catalogue or on the disk."""


class FetchError(LibraryError):
    """The package index did not give the wheel, or gave another one than was pinned."""


class GGUFError(LibraryError):
    """The file is not a whole GGUF file of a language model."""


class ConversionError(LibraryError):
    """The model could not be converted."""
