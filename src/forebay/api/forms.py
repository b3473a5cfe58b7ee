"""Which paths tell their errors in another form than OpenAI's, because their clients know only that."""

from collections.abc import Mapping

from forebay.api.anthropic import messages
from forebay.api.anthropic.errors import anthropic_form
from forebay.api.http import ErrorForm
from forebay.api.oauth.errors import REVOKE_PATH, TOKEN_PATH, oauth_form

FORMS: Mapping[str, ErrorForm] = {
    messages.PATH: anthropic_form,
    messages.COUNT_PATH: anthropic_form,
    TOKEN_PATH: oauth_form,
    REVOKE_PATH: oauth_form,
}
