"""Every failure a caller can be told about, as one tree, so that any layer can raise it and one place can render it.

    ForebayError
    ├── InvalidRequestError          400
    │   ├── ContextLengthError       400  context_length_exceeded
    │   ├── UnsupportedParameterError 400 unsupported_parameter
    │   ├── EmptyArrayError          400  empty_array
    │   └── ContentFilterError       400  content_filter
    ├── AuthenticationError          401  invalid_api_key
    ├── PermissionDeniedError        403  insufficient_scope
    ├── NotFoundError                404  not_found
    │   └── ModelNotFoundError       404  model_not_found
    ├── MethodNotAllowedError        405  method_not_allowed
    ├── RequestTimeoutError          408  request_timeout
    ├── ConflictError                409  conflict
    ├── PayloadTooLargeError         413  payload_too_large
    ├── UnsupportedMediaTypeError    415  unsupported_media_type
    ├── RateLimitError               429  rate_limit_exceeded
    │   └── QuotaError               429  insufficient_quota
    ├── ServerError                  500  internal_error
    ├── UpstreamError                502  upstream_error
    ├── UnavailableError             503  unavailable
    ├── UpstreamTimeoutError         504  upstream_timeout
    └── NotCachedError           504  not_cached

The wire form is OpenAI's: ``{"error": {"message", "type", "param", "code"}}``, all four keys always.
"""

from collections.abc import Mapping
from typing import ClassVar

import msgspec


class ForebayError(Exception):
    """A failure with a status, OpenAI's type and code, the field it is about and headers for the reply."""

    status: ClassVar[int] = 500
    type: ClassVar[str] = "server_error"
    default_code: ClassVar[str | None] = None

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code if code is not None else self.default_code
        self.headers: dict[str, str] = dict(headers or {})

    def body(self) -> bytes:
        """The error as OpenAI's clients expect it in a reply's body."""
        return msgspec.json.encode(
            {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}
        )


class InvalidRequestError(ForebayError):
    """The request cannot be answered as it stands; the message names the field and the remedy."""

    status = 400
    type = "invalid_request_error"


class ContextLengthError(InvalidRequestError):
    """Prompt and answer do not fit into the model's context."""

    default_code = "context_length_exceeded"


class UnsupportedParameterError(InvalidRequestError):
    """A parameter, named in ``param``, that this model or deployment cannot honour."""

    default_code = "unsupported_parameter"


class EmptyArrayError(InvalidRequestError):
    """An array that must hold something, most often ``messages``, is empty."""

    default_code = "empty_array"


class ContentFilterError(InvalidRequestError):
    """A guard refused the text."""

    default_code = "content_filter"


class AuthenticationError(ForebayError):
    """No credential, or one that is unknown (RFC 6750, section 3)."""

    status = 401
    type = "authentication_error"
    default_code = "invalid_api_key"

    def __init__(self, message: str, *, challenge: str = 'Bearer error="invalid_token"') -> None:
        super().__init__(message, headers={"www-authenticate": challenge})


class PermissionDeniedError(ForebayError):
    """The principal is known but may not do this."""

    status = 403
    type = "permission_error"
    default_code = "insufficient_scope"


class NotFoundError(ForebayError):
    """No such path or object."""

    status = 404
    type = "invalid_request_error"
    default_code = "not_found"


class ModelNotFoundError(NotFoundError):
    """No model of that name, or none that this principal may see."""

    default_code = "model_not_found"


class MethodNotAllowedError(ForebayError):
    """The path exists, the method does not."""

    status = 405
    type = "invalid_request_error"
    default_code = "method_not_allowed"


class RequestTimeoutError(ForebayError):
    """The client took too long to send its request."""

    status = 408
    type = "invalid_request_error"
    default_code = "request_timeout"


class ConflictError(ForebayError):
    """The request contradicts the state of what it names."""

    status = 409
    type = "invalid_request_error"
    default_code = "conflict"


class PayloadTooLargeError(ForebayError):
    """The body exceeds the configured limit."""

    status = 413
    type = "invalid_request_error"
    default_code = "payload_too_large"


class UnsupportedMediaTypeError(ForebayError):
    """The body is not of a type that this path reads."""

    status = 415
    type = "invalid_request_error"
    default_code = "unsupported_media_type"


class RateLimitError(ForebayError):
    """Too much at once or in total; ``headers`` may carry ``retry-after``."""

    status = 429
    type = "rate_limit_error"
    default_code = "rate_limit_exceeded"


class QuotaError(RateLimitError):
    """A budget is used up; trying again soon does not help."""

    type = "insufficient_quota"
    default_code = "insufficient_quota"


class ServerError(ForebayError):
    """Forebay itself failed; the details are in the log under the request's id."""

    default_code = "internal_error"


class UpstreamError(ForebayError):
    """A provider failed or answered with something that is no answer."""

    status = 502
    type = "upstream_error"
    default_code = "upstream_error"


class UnavailableError(ForebayError):
    """No deployment can take the request now."""

    status = 503
    default_code = "unavailable"


class UpstreamTimeoutError(ForebayError):
    """A provider did not answer in time; the message says which time-out passed."""

    status = 504
    type = "upstream_error"
    default_code = "upstream_timeout"


class NotCachedError(ForebayError):
    """The caller wanted an answer out of the cache or none, and there is none (RFC 9111, section 5.2.1.7)."""

    status = 504
    type = "invalid_request_error"
    default_code = "not_cached"
