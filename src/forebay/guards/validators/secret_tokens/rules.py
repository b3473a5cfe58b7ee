"""What the tokens of each issuer look like, as their documentation and their tokens say.

A rule's pattern is RE2's; its first group, if there is one, is the secret. None matches more than `MAX_TOKEN`
characters: of a longer token the rest is masked as its continuation.
"""

import msgspec

MAX_TOKEN = 300


class Rule(msgspec.Struct, frozen=True):
    """One form of one ``kind``; ``more`` are the characters with which a longer secret goes on.

    What a ``weak`` one finds is believed only if it looks random.
    """

    kind: str
    pattern: str
    more: str = ""
    weak: bool = False


B64 = "A-Za-z0-9/+"
WORD = r"A-Za-z0-9_\-"
TOKEN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"  # noqa: S105  # an alphabet
BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="

RULES = (
    Rule("openai", rf"\bsk-(?:proj|svcacct|admin|None)-[{WORD}]{{20,200}}", TOKEN),
    Rule("openai", r"\bsk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}\b"),
    Rule("anthropic", rf"\bsk-ant-[a-z]{{3,8}}[0-9]{{2}}-[{WORD}]{{20,200}}", TOKEN),
    Rule("openrouter", r"\bsk-or-v1-[0-9a-f]{64}\b"),
    Rule("groq", r"\bgsk_[A-Za-z0-9]{48,56}\b"),
    Rule("xai", r"\bxai-[A-Za-z0-9]{60,100}\b"),
    Rule("perplexity", r"\bpplx-[A-Za-z0-9]{40,64}\b"),
    Rule("replicate", r"\br8_[A-Za-z0-9]{37}\b"),
    Rule("huggingface", r"\b(?:hf|api_org)_[A-Za-z0-9]{30,40}\b"),
    Rule("google_api_key", rf"\bAIza[{WORD}]{{35}}"),
    Rule("google_oauth", rf"\bGOCSPX-[{WORD}]{{28}}"),
    Rule("google_oauth", rf"\bya29\.[{WORD}]{{20,200}}", TOKEN),
    Rule("gcp_service_account", r"\"private_key_id\"\s{0,4}:\s{0,4}\"([0-9a-f]{40})\""),
    Rule("npm", r"\bnpm_[A-Za-z0-9]{36}\b"),
    Rule("pypi", rf"\bpypi-AgE[{WORD}]{{40,240}}", TOKEN),
    Rule("rubygems", r"\brubygems_[0-9a-f]{48}\b"),
    Rule("docker", rf"\bdckr_(?:pat|oat)_[{WORD}]{{27,40}}"),
    Rule("github", r"\bgh[pousr]_[A-Za-z0-9]{36,255}\b"),
    Rule("github", r"\bgithub_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}\b"),
    Rule("gitlab", rf"\bgl(?:pat|dt|ptt|rt|cbt|oas|soat|imt|ft|agent)-[{WORD}]{{20,64}}"),
    Rule("bitbucket_atlassian", rf"\bAT(?:ATT3|BB|CTT3)[{WORD}=]{{24,220}}", TOKEN + "="),
    Rule("slack", r"\bxox[abeoprs]-(?:[0-9a-zA-Z]{1,14}-){0,4}[0-9a-zA-Z]{10,150}\b"),
    Rule("slack", r"\bxapp-[0-9]-[A-Z0-9]{8,14}-[0-9]{8,16}-[0-9a-f]{32,80}\b"),
    Rule("slack_webhook", r"https://hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/_]{20,120}"),
    Rule("discord_webhook", rf"https://(?:\w{{2,8}}\.)?discord(?:app)?\.com/api/webhooks/[0-9]{{16,20}}/[{WORD}]{{60,72}}"),
    Rule("discord", rf"\b([MNO][{WORD}]{{23,27}}\.[{WORD}]{{6}}\.[{WORD}]{{27,40}})", weak=True),
    Rule("telegram", rf"\b([0-9]{{8,10}}:AA[{WORD}]{{33}})"),
    Rule("aws_access_key", r"\b((?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16})\b"),
    Rule("aws_secret", rf"(?i)aws.{{0,20}}(?:secret|key).{{0,9}}[^{B64}]([{B64}]{{40}})(?:[^{B64}=]|$)", weak=True),
    Rule("azure_storage", r"AccountKey=([A-Za-z0-9+/]{86}==)"),
    Rule("azure_storage", r"[?&]sig=([A-Za-z0-9%+/]{43,90}(?:%3[dD]|=))"),
    Rule("azure_service_bus", r"SharedAccessKey=([A-Za-z0-9+/]{43}=)"),
    Rule("azure_client_secret", r"(?:^|[^A-Za-z0-9_~.-])([A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34})"),
    Rule("jwt", rf"\beyJ[{WORD}]{{17}}", TOKEN + "."),
    Rule("private_key", r"-----BEGIN (?:[A-Z0-9]{2,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----"),
    Rule("age", r"\bAGE-SECRET-KEY-1[0-9A-Z]{58}\b"),
    Rule("stripe", r"\b(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,120}\b"),
    Rule("stripe", r"\bwhsec_[A-Za-z0-9+/]{32,64}"),
    Rule("square", rf"\b(?:sq0(?:atp|csp)-[{WORD}]{{22,43}}|EAAA[{WORD}]{{60}})"),
    Rule("paypal_braintree", r"\baccess_token\$(?:production|sandbox)\$[0-9a-z]{16}\$[0-9a-f]{32}\b"),
    Rule("twilio", r"\b(?:SK|AC)[0-9a-f]{32}\b"),
    Rule("sendgrid", rf"\bSG\.[{WORD}]{{20,24}}\.[{WORD}]{{39,50}}"),
    Rule("mailgun", r"\bkey-[0-9a-f]{32}\b"),
    Rule("mailchimp", r"\b[0-9a-f]{32}-us[0-9]{1,2}\b"),
    Rule("digitalocean", r"\bdo[opr]_v1_[0-9a-f]{64}\b"),
    Rule("databricks", r"\bdapi[0-9a-f]{32}(?:-[0-9])?\b"),
    Rule("grafana", r"\bgl(?:sa_[A-Za-z0-9]{32}_[0-9a-f]{8}|c_[A-Za-z0-9+/]{32,200}={0,2})"),
    Rule("new_relic", r"\bNRAK-[A-Z0-9]{27}\b"),
    Rule("datadog", r"(?i)\bdd_?(?:api|app)_?key[\"' ]{0,3}[:=][\"' ]{0,3}([0-9a-f]{32}(?:[0-9a-f]{8})?)\b"),
    Rule("sentry", rf"\bsntr(?:ys|yu)_[{WORD}=+/]{{40,240}}", TOKEN + "=+/"),
    Rule("vault", rf"\bhv[sbr]\.[{WORD}]{{24,200}}", TOKEN),
    Rule("terraform", rf"\b[A-Za-z0-9]{{14}}\.atlasv1\.[{WORD}=]{{60,70}}"),
    Rule("pulumi", r"\bpul-[0-9a-f]{40}\b"),
    Rule("doppler", r"\bdp\.(?:pt|st|ct|sa|scim|audit)\.(?:[a-z0-9_-]{2,35}\.)?[A-Za-z0-9]{40,44}\b"),
    Rule("shopify", r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}\b"),
    Rule("linear", r"\blin_(?:api|oauth)_[A-Za-z0-9]{40,64}\b"),
    Rule("notion", r"\b(?:ntn_[A-Za-z0-9]{40,50}|secret_[A-Za-z0-9]{43})\b"),
    Rule("airtable", r"\bpat[A-Za-z0-9]{14}\.[0-9a-f]{64}\b"),
    Rule("figma", rf"\bfig[dour]_[{WORD}]{{36,60}}"),
    Rule("postman", r"\bPMAK-[0-9a-f]{24}-[0-9a-f]{34}\b"),
    Rule("supabase", r"\bsb(?:p|_secret)_[A-Za-z0-9_]{24,60}\b"),
    Rule("netlify", r"\bnf[pcoub]_[A-Za-z0-9]{36,44}\b"),
    Rule("planetscale", rf"\bpscale_(?:tkn|pw|oauth)_[{WORD}=.]{{32,64}}"),
    Rule("tailscale", r"\btskey-(?:api|auth|client|scim|webhook)-[A-Za-z0-9]{8,20}-[A-Za-z0-9]{20,40}\b"),
    Rule("dynatrace", r"\bdt0[a-z][0-9]{2}\.[A-Z0-9]{24}\.[A-Z0-9]{64}\b"),
    Rule("fly", r"\bfm[12][ar]?_[A-Za-z0-9+/]{60,200}={0,2}", BASE64),
    Rule("facebook", r"\bEAA[A-Za-z0-9]{90,200}", TOKEN),
    Rule("url_password", r"\b[a-z][a-z0-9+]{1,14}://[^\s:/@\"'<>]{1,64}:([^\s:/@\"'<>$\x7B\x7D*%]{3,100})@[A-Za-z0-9.-]{1,100}"),
    Rule("api_key", r"\b((?:sk|pk|lsv2_pt|lsv2_sk|tvly|fw|csk|e2b|jina)[-_][A-Za-z0-9_-]{28,120})\b", weak=True),
)  # fmt: skip
"""Every token that is known by its form alone."""

NAME = (
    "(?:api[_-]?key|secret|token|passw(?:or)?d|passphrase|pwd|credentials?|private[_-]?key|access[_-]?key|auth[_-]?key)"
)
ASSIGNED = (
    Rule(
        "generic",
        rf"(?i){NAME}[A-Za-z0-9_-]{{0,12}}[\"']?\s{{0,3}}(?::=|=>|[:=])\s{{0,3}}[\"'`]([^\s\"'`\\]{{12,150}})[\"'`]",
        weak=True,
    ),
    Rule(
        "generic",
        r"(?m)^\s{0,8}(?:export\s)?[A-Z0-9_]{0,40}(?:KEY|SECRET|TOKEN|PASSWORD|PASSWD|PWD)[A-Z0-9_]{0,12}="
        r"([A-Za-z0-9+/_.~!@#%^&*-]{16,150}=?=?)(?:\s|$)",
        weak=True,
    ),
    Rule(
        "generic",
        r"(?i)\bauthorization[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?:bearer|basic|token)\s{1,3}"
        r"([A-Za-z0-9+/_.~=-]{16,150})",
        weak=True,
    ),
)
"""What is assigned to a name that says it is secret: believed only if it looks random."""
