"""What can go wrong with the model library, as one tree; every message is a line for people and names the remedy.

    LibraryError
    ├── UnknownModelError   no such model, file or folder
    ├── FetchError          a known model's wheel, or a hub's files, could not be had
    ├── GGUFError           a file is no GGUF, is damaged, or holds no language model
    ├── ConversionError     OpenVINO could not make its own form of a model
    └── NoRoomError         the models of a server do not fit into the memory that they may take

These reach whoever starts a server or runs ``forebay models``; a client of the API never sees them.
"""

from forebay.plugins import PreparationError


class LibraryError(PreparationError):
    """A model cannot be made ready."""


class UnknownModelError(LibraryError):
    """There is no model of that name, in the catalogue or on the disk."""


class FetchError(LibraryError):
    """A package index or hub did not give a model, or gave another one than was pinned or stated."""


class GGUFError(LibraryError):
    """The file is not a whole GGUF file of a language model."""


class ConversionError(LibraryError):
    """The model could not be converted."""


class NoRoomError(LibraryError):
    """The models that are to be loaded at the start do not fit into the memory that they may take together."""
