"""Valid requests with something wrong in them, anywhere: what a reader of requests must survive."""

import copy
from typing import Any

from hypothesis import strategies as st

anything: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, -1, 1.5, 10**30, "", "x", [], {}, [None], [[]], {"type": "x"}, [{"type": "text"}], {"": {}}]
)


@st.composite
def broken(draw: st.DrawFn, valid: st.SearchStrategy[dict[str, Any]]) -> dict[str, Any]:
    """One of ``valid``, in which some values were replaced, or left out."""
    body = copy.deepcopy(draw(valid))
    for _ in range(draw(st.integers(1, 3))):
        place: Any = body
        while True:
            keys: list[Any] = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if isinstance(place[key], dict | list) and draw(st.integers(0, 3)):
                place = place[key]
                continue
            if isinstance(place, dict) and draw(st.booleans()):
                del place[key]
            else:
                place[key] = copy.deepcopy(draw(anything))
            break
    return body
