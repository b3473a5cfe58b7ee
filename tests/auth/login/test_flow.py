"""What a browser keeps of a login: of use to nobody else, and it leads nowhere else."""

import base64
import hashlib
import time
from urllib.parse import urljoin, urlsplit

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from forebay.auth.login.errors import LoginError
from forebay.auth.login.flow import SECONDS, Flow, is_own_path


def test_a_flow_comes_back_as_it_was() -> None:
    flow = Flow.begin("/#/chat?a=b")
    assert Flow.read(flow.text(), flow.state) == flow
    digest = hashlib.sha256(flow.verifier.encode()).digest()
    assert flow.challenge == base64.urlsafe_b64encode(digest).decode().rstrip("=")
    assert len({flow.state, flow.nonce, flow.verifier}) == 3
    assert 43 <= len(flow.verifier) <= 128  # RFC 7636, section 4.1


@pytest.mark.parametrize("age", [SECONDS + 1, -60])
def test_one_that_is_old_or_of_the_future_is_refused(age: float) -> None:
    flow = msgspec.structs.replace(Flow.begin("/"), began=time.time() - age)
    with pytest.raises(LoginError):
        Flow.read(flow.text(), flow.state)


def test_a_planted_one_leads_nowhere_else() -> None:
    flow = msgspec.structs.replace(Flow.begin("/"), return_to="https://evil.example")
    with pytest.raises(LoginError):
        Flow.read(flow.text(), flow.state)


@given(text=st.text() | st.binary().map(lambda data: base64.urlsafe_b64encode(data).decode()), state=st.text())
def test_what_is_no_flow_is_refused(text: str, state: str) -> None:
    with pytest.raises(LoginError):
        Flow.read(text, state)


@given(path=st.text(alphabet="/\\:@.?#ab \t\r\n\0%é"))
@example("//evil.example")
@example("/\\evil.example")
@example("/\t/evil.example")
@example("")
def test_a_path_of_ours_never_leaves_the_server(path: str) -> None:
    if is_own_path(path):
        # As browsers read it (WHATWG, "URL parsing"): tabs and breaks are nothing, \ is /.
        cleaned = "".join(each for each in path.strip() if each not in "\t\r\n").replace("\\", "/")
        assert urlsplit(urljoin("https://forebay.example/auth/callback", cleaned)).netloc == "forebay.example"


@pytest.mark.parametrize("path", ["/", "/#/chat", "/a?b=c&d=e", "/a//b"])
def test_ordinary_paths_are_fine(path: str) -> None:
    assert is_own_path(path)
