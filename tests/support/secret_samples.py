"""Secrets that nobody ever had, drawn in the form of each issuer; written apart from the rules that find them."""

import base64
import json
import string
from random import Random

ALNUM = string.ascii_letters + string.digits
URL = ALNUM + "_-"
HEX = "0123456789abcdef"
UPPER = string.ascii_uppercase + string.digits
BASE32 = string.ascii_uppercase + "234567"


def secrets(random: Random) -> dict[str, tuple[str, str]]:
    """By issuer and form: the text that holds the secret, and the secret."""

    def some(alphabet: str, count: int) -> str:
        return "".join(random.choices(alphabet, k=count))

    def encoded(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).decode().rstrip("=")

    aws = some(ALNUM + "+/", 40)
    azure = base64.b64encode(random.randbytes(64)).decode()
    pem = base64.encodebytes(random.randbytes(600)).decode()
    tokens = {
        "openai project": f"sk-proj-{some(URL, 74)}T3BlbkFJ{some(URL, 74)}",
        "openai service": f"sk-svcacct-{some(URL, 74)}T3BlbkFJ{some(URL, 74)}",
        "openai old": f"sk-{some(ALNUM, 20)}T3BlbkFJ{some(ALNUM, 20)}",
        "anthropic": f"sk-ant-api03-{some(URL, 93)}AA",
        "openrouter": f"sk-or-v1-{some(HEX, 64)}",
        "groq": f"gsk_{some(ALNUM, 52)}",
        "xai": f"xai-{some(ALNUM, 80)}",
        "perplexity": f"pplx-{some(ALNUM, 48)}",
        "replicate": f"r8_{some(ALNUM, 37)}",
        "hugging face": f"hf_{some(string.ascii_letters, 34)}",
        "google key": f"AIza{some(URL, 35)}",
        "google client": f"GOCSPX-{some(URL, 28)}",
        "npm": f"npm_{some(ALNUM, 36)}",
        "pypi": f"pypi-AgEIcHlwaS5vcmc{some(URL, 150)}",
        "rubygems": f"rubygems_{some(HEX, 48)}",
        "docker": f"dckr_pat_{some(URL, 27)}",
        **{f"github {kind}": f"gh{kind}_{some(ALNUM, 36)}" for kind in "pousr"},
        "github fine-grained": f"github_pat_{some(ALNUM, 22)}_{some(ALNUM, 59)}",
        "gitlab": f"glpat-{some(URL, 20)}",
        "slack bot": f"xoxb-{some(string.digits, 12)}-{some(string.digits, 13)}-{some(ALNUM, 24)}",
        "slack app": f"xapp-1-{some(UPPER, 11)}-{some(string.digits, 13)}-{some(HEX, 64)}",
        "slack hook": f"https://hooks.slack.com/services/T{some(UPPER, 8)}/B{some(UPPER, 10)}/{some(ALNUM, 24)}",
        "discord hook": f"https://discord.com/api/webhooks/{some(string.digits, 19)}/{some(URL, 68)}",
        "discord": f"M{some(ALNUM, 25)}.G{some(ALNUM, 5)}.{some(URL, 38)}",
        "telegram": f"{some('123456789', 10)}:AA{some(URL, 33)}",
        "aws key": f"AKIA{some(BASE32, 16)}",
        "jwt": f"{encoded({'alg': 'RS256', 'typ': 'JWT'})}.{encoded({'sub': some(ALNUM, 400)})}.{some(URL, 342)}",
        "azure client": f"{some(ALNUM, 3)}8Q~{some(ALNUM, 34)}",
        "private key": f"-----BEGIN RSA PRIVATE KEY-----\n{pem}-----END RSA PRIVATE KEY-----",
        "openssh key": f"-----BEGIN OPENSSH PRIVATE KEY-----\n{pem}-----END OPENSSH PRIVATE KEY-----",
        "stripe": f"sk_live_{some(ALNUM, 24)}",
        "stripe restricted": f"rk_live_{some(ALNUM, 99)}",
        "square": f"sq0atp-{some(URL, 22)}",
        "twilio": f"SK{some(HEX, 32)}",
        "sendgrid": f"SG.{some(URL, 22)}.{some(URL, 43)}",
        "mailgun": f"key-{some(HEX, 32)}",
        "mailchimp": f"{some(HEX, 32)}-us{random.randint(1, 21)}",
        "digitalocean": f"dop_v1_{some(HEX, 64)}",
        "databricks": f"dapi{some(HEX, 32)}",
        "grafana": f"glsa_{some(ALNUM, 32)}_{some(HEX, 8)}",
        "new relic": f"NRAK-{some(UPPER, 27)}",
        "vault": f"hvs.{some(URL, 90)}",
        "pulumi": f"pul-{some(HEX, 40)}",
        "shopify": f"shpat_{some(HEX, 32)}",
        "linear": f"lin_api_{some(ALNUM, 40)}",
        "notion": f"ntn_{some(ALNUM, 46)}",
        "airtable": f"pat{some(ALNUM, 14)}.{some(HEX, 64)}",
        "postman": f"PMAK-{some(HEX, 24)}-{some(HEX, 34)}",
        "tailscale": f"tskey-auth-{some(ALNUM, 12)}CNTRL-{some(ALNUM, 32)}",
        "age": f"AGE-SECRET-KEY-1{some(UPPER, 58)}",
    }
    named = {
        "aws secret": (f"aws_secret_access_key = {aws}\n", aws),
        "azure storage": (f"AccountName=a;AccountKey={azure};EndpointSuffix=core.windows.net", azure),
        "gcp account": (f'"private_key_id": "{(key := some(HEX, 40))}"', key),
        "url password": (f"postgres://app:{(word := some(ALNUM, 14))}@db.example.org/app", word),
        "generic": (f'api_key = "{(value := some(ALNUM, 32))}"', value),
        "environment": (f"\nSERVICE_TOKEN={(line := some(ALNUM, 32))}\n", line),
        "bearer": (f"Authorization: Bearer {(bearer := some(ALNUM, 40))}", bearer),
    }
    return {name: (token, token) for name, token in tokens.items()} | named
