"""Base URLs, and the proxy that the environment names for them."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.providers.transport import UnsendableError
from forebay.providers.transport.proxy import Proxy, proxy_for
from forebay.providers.transport.url import BaseUrl


@pytest.mark.parametrize(
    ("text", "url", "host", "target"),
    [
        ("https://api.openai.com/v1", BaseUrl("https", "api.openai.com", 443, "/v1"), "api.openai.com", "/v1/x"),
        ("http://localhost:8000/v1/", BaseUrl("http", "localhost", 8000, "/v1"), "localhost:8000", "/v1/x"),
        ("https://a.test:443", BaseUrl("https", "a.test", 443, ""), "a.test", "/x"),
        ("http://a.test:443", BaseUrl("http", "a.test", 443, ""), "a.test:443", "/x"),
        ("HTTP://A.Test/", BaseUrl("http", "a.test", 80, ""), "a.test", "/x"),
        ("https://[::1]:8443/v1", BaseUrl("https", "::1", 8443, "/v1"), "[::1]:8443", "/v1/x"),
        ("http://[2001:db8::1]", BaseUrl("http", "2001:db8::1", 80, ""), "[2001:db8::1]", "/x"),
        (
            "https://b\u00fccher.test/v1",
            BaseUrl("https", "xn--bcher-kva.test", 443, "/v1"),
            "xn--bcher-kva.test",
            "/v1/x",
        ),
        ("https://a.test/o?v=1&w=2", BaseUrl("https", "a.test", 443, "/o", "v=1&w=2"), "a.test", "/o/x?v=1&w=2"),
        ("unix:/run/f.sock:/v1", BaseUrl("unix", "localhost", 0, "/v1", "", "/run/f.sock"), "localhost", "/v1/x"),
        ("unix:/run/f.sock", BaseUrl("unix", "localhost", 0, "", "", "/run/f.sock"), "localhost", "/x"),
    ],
)
def test_a_url(text: str, url: BaseUrl, host: str, target: str) -> None:
    assert BaseUrl.of(text) == url
    assert url.host_header == host
    assert url.target("/x") == target


def test_a_path_may_have_a_query_of_its_own() -> None:
    assert BaseUrl.of("https://a.test/v1").target("/x?a=1") == "/v1/x?a=1"
    assert BaseUrl.of("https://a.test/v1?v=2").target("/x?a=1") == "/v1/x?a=1&v=2"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "api.openai.com/v1",
        "ftp://a.test",
        "https://",
        "https:///v1",
        "https://a.test:99999/v1",
        "https://a.test:x/v1",
        "https://user:secret@a.test/v1",
        "https://a.test/v1#part",
        "https://a.test/v 1",
        "https://a.test/v1?a b",
        "https://a b/v1",
        "https://a\u3002\u3002b/v1",
        "http://[::1/v1",
        "unix:relative.sock:/v1",
        "unix:",
        "unix:/run/f.sock:v1",
    ],
)
def test_what_is_no_base_url(text: str) -> None:
    with pytest.raises(UnsendableError) as caught:
        BaseUrl.of(text)
    assert "secret" not in str(caught.value)


@given(st.text(max_size=60) | st.text(alphabet="htpsunix:/@[]?#%.v1 \r\n\0", max_size=40).map("http://".__add__))
def test_any_text_is_a_base_url_or_refused(text: str) -> None:
    try:
        url = BaseUrl.of(text)
    except UnsendableError as error:
        assert str(error).isprintable()  # noqa: PT017  # either is fine
    else:
        assert url.host_header.isascii()
        assert (url.host_header + url.target("/x")).isprintable()
        assert " " not in url.host_header + url.target("/x")


SECURE = "https://api.a.test/v1"


@pytest.mark.parametrize(
    ("text", "environ", "proxy"),
    [
        (SECURE, {}, None),
        (SECURE, {"HTTPS_PROXY": "http://p.test:3128"}, Proxy("p.test", 3128)),
        (SECURE, {"https_proxy": "p.test:3128"}, Proxy("p.test", 3128)),
        (SECURE, {"https_proxy": "", "HTTPS_PROXY": "http://p.test"}, None),
        (SECURE, {"https_proxy": "http://q.test", "HTTPS_PROXY": "http://p.test"}, Proxy("q.test", 80)),
        (SECURE, {"HTTP_PROXY": "http://p.test"}, None),
        (SECURE, {"ALL_PROXY": "https://p.test"}, Proxy("p.test", 443, tls=True)),
        (SECURE, {"HTTPS_PROXY": "http://u:p@p.test"}, Proxy("p.test", 80, authorization="Basic dTpw")),
        (SECURE, {"HTTPS_PROXY": "http://u@[::1]:1"}, Proxy("::1", 1, authorization="Basic dTo=")),
        ("http://a.test", {"HTTP_PROXY": "http://p.test"}, Proxy("p.test", 80)),
        ("http://a.test", {"HTTP_PROXY": "http://p.test", "REQUEST_METHOD": "GET"}, None),
        ("http://a.test", {"http_proxy": "http://p.test", "REQUEST_METHOD": "GET"}, Proxy("p.test", 80)),
        ("http://localhost:1", {"HTTP_PROXY": "http://p.test"}, None),
        ("http://127.0.0.3:1", {"HTTP_PROXY": "http://p.test"}, None),
        ("http://[::1]:1", {"HTTP_PROXY": "http://p.test"}, None),
        ("unix:/run/f.sock:/v1", {"ALL_PROXY": "http://p.test"}, None),
    ],
)
def test_which_proxy(text: str, environ: Mapping[str, str], proxy: Proxy | None) -> None:
    assert proxy_for(BaseUrl.of(text), environ) == proxy


@pytest.mark.parametrize(
    ("text", "no_proxy", "excluded"),
    [
        (SECURE, "*", True),
        (SECURE, "api.a.test", True),
        (SECURE, "a.test", True),
        (SECURE, ".a.test", True),
        (SECURE, "*.a.test", True),
        (SECURE, " b.test , A.TEST ", True),
        (SECURE, "a.test:443", True),
        (SECURE, "a.test:8443", False),
        (SECURE, "i.a.test", False),
        (SECURE, "test.a", False),
        (SECURE, ",,", False),
        (SECURE, ".", False),
        ("http://10.1.2.3", "10.0.0.0/8", True),
        ("http://10.1.2.3", "10.1.2.3", True),
        ("http://10.1.2.3:8000", "10.1.2.3:8000", True),
        ("http://10.1.2.3", "10.2.0.0/16", False),
        ("http://10.1.2.3", "nonsense/8", False),
        ("http://a.test", "10.0.0.0/8", False),
        ("http://[2001:db8::1]", "2001:db8::/32", True),
        ("http://[2001:db8::1]", "2001:db8::1", True),
        ("http://[2001:db8::1]:80", "[2001:db8::1]:80", True),
        ("http://[2001:db8::1]:80", "[2001:db8::1]:81", False),
    ],
)
def test_no_proxy(text: str, no_proxy: str, excluded: bool) -> None:  # noqa: FBT001
    environ = {"ALL_PROXY": "http://p.test", "NO_PROXY": no_proxy}
    assert (proxy_for(BaseUrl.of(text), environ) is None) is excluded


@pytest.mark.parametrize("text", ["socks5://p.test", "http://", "http://p.test:x", "http://[::1"])
def test_what_is_no_proxy(text: str) -> None:
    with pytest.raises(UnsendableError):
        proxy_for(BaseUrl.of(SECURE), {"HTTPS_PROXY": text})


def test_a_proxys_password_is_not_told() -> None:
    with pytest.raises(UnsendableError) as caught:
        proxy_for(BaseUrl.of(SECURE), {"HTTPS_PROXY": "socks5://user:secret@p.test"})
    assert "secret" not in str(caught.value)
