"""The Helm chart: rendered by Helm's own engine, checked by Kubernetes' schemas and by Forebay's."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from forebay import __version__
from forebay.cli.config import config
from tests.support.chart import CHART, PLAIN, objects, of_kind, pods, rendered

pytestmark = pytest.mark.needs("helm")

EVERYTHING: dict[str, Any] = {
    "image": {"repository": "registry.example/forebay", "tag": "1.2.3", "pullSecrets": [{"name": "pull"}]},
    "secrets": {"values": {"api-key": "a", "engine-key": "e", "database-url": "d", "redis-url": "r", "pepper": "p"}},
    "gateway": {"env": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}], "podAnnotations": {"a": "b"}},
    "engine": {
        "autoscaling": {"enabled": True},
        "models": {"claim": "models"},
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"key": "models", "operator": "Exists"}],
    },
    "web": {"autoscaling": {"enabled": True}},
    "ingress": {"enabled": True, "className": "nginx", "tlsSecret": "tls", "annotations": {"a": "b"}},
    "networkPolicy": {
        "clients": [{"namespaceSelector": {"matchLabels": {"name": "ingress"}}}],
        "monitoring": [{"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}],
    },
    "podMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
    "serviceAccount": {"annotations": {"a": "b"}},
}
LEAST: dict[str, Any] = {
    **PLAIN,
    "serviceAccount": {"create": False},
    "migrations": {"enabled": False},
    "networkPolicy": {"enabled": False},
    "gateway": {"autoscaling": {"enabled": False}},
}
FOREIGN = {"PodMonitor"}
"""Kinds of an operator, which Kubernetes itself has no schema of."""


@pytest.mark.parametrize("values", [PLAIN, EVERYTHING, LEAST], ids=["plain", "everything", "least"])
@pytest.mark.parametrize("version", ["1.30", "1.37"])
def test_every_object_is_what_kubernetes_takes(values: dict[str, Any], version: str) -> None:
    import kubernetes_validate  # noqa: PLC0415  # a part that a machine may lack

    found = objects(values)
    for each in found:
        if each["kind"] not in FOREIGN:
            kubernetes_validate.validate(each, version, strict=True)
    assert {"Deployment", "Service", "ConfigMap", "PodDisruptionBudget"} <= {each["kind"] for each in found}


def test_a_wrong_object_would_be_found() -> None:
    import kubernetes_validate  # noqa: PLC0415  # a part that a machine may lack

    service = next(iter(of_kind(objects(PLAIN), "Service").values()))
    service["spec"]["ports"][0]["port"] = "eighty"
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(service, "1.37", strict=True)


@pytest.mark.parametrize("values", [PLAIN, EVERYTHING, LEAST], ids=["plain", "everything", "least"])
def test_helm_has_nothing_against_it(values: dict[str, Any]) -> None:
    import helm_python  # noqa: PLC0415  # a part that a machine may lack

    report = helm_python.lint(CHART, values, strict=True)
    assert report["errors"] == []
    assert [each["error"] for each in report["messages"] if each["severity"] > 1] == []


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({**PLAIN, "gatway": {}}, "gatway"),
        ({**PLAIN, "gateway": {"replicas": 0}}, "replicas"),
        ({**PLAIN, "gateway": {"config": {"server": {"port": 9}}}}, "server"),
        ({**PLAIN, "web": {"readiness": "/ready"}}, "readiness"),
        ({**PLAIN, "engine": {"autoscaling": {"waiting": 0}}}, "waiting"),
        ({**PLAIN, "image": {"pullPolicy": "Sometimes"}}, "pullPolicy"),
        ({**PLAIN, "engine": {"resources": {"limits": {"memory": "lots"}}}}, "memory"),
        ({**PLAIN, "secrets": {"values": {"api-key": ""}}}, "api-key"),
        ({}, "secrets.existing names no Secret"),
        ({"secrets": {"values": {"api-key": "a", "engine-key": "e"}}}, "no database-url"),
        ({"secrets": {"existing": "keys", "values": {"api-key": "a"}}}, "say one of them"),
    ],
)
def test_values_that_cannot_be_are_refused(values: dict[str, Any], told: str) -> None:
    import helm_python  # noqa: PLC0415  # a part that a machine may lack

    with pytest.raises(helm_python.HelmError, match=told):
        rendered(values)


@pytest.mark.parametrize("values", [PLAIN, EVERYTHING], ids=["plain", "everything"])
@pytest.mark.parametrize("role", ["gateway", "engine", "web", "migrations"])
def test_forebay_takes_every_configuration(role: str, values: dict[str, Any], tmp_path: Path) -> None:
    text = of_kind(objects(values), "ConfigMap")[f"demo-forebay-{role}"]["data"]["forebay.yaml"]
    for name in ("api-key", "engine-key", "pepper"):
        (tmp_path / name).write_text(f"{name}-of-more-than-sixteen-characters\n")
    (tmp_path / "redis-url").write_text("redis://redis:6379/0\n")
    (tmp_path / "database-url").write_text("postgresql://forebay:secret@postgres/forebay\n")
    file = tmp_path / "forebay.yaml"
    file.write_text(text.replace("/run/secrets/forebay", str(tmp_path)))
    done = CliRunner().invoke(config, ["check", str(file)])
    assert done.exit_code == 0, done.output
    if role != "migrations":
        assert yaml.safe_load(text)["server"]["role"] == role


@pytest.mark.parametrize("values", [PLAIN, EVERYTHING], ids=["plain", "everything"])
def test_no_container_may_more_than_it_must(values: dict[str, Any]) -> None:
    found = dict(pods(objects(values)))
    assert len(found) == 4
    for name, pod in found.items():
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["limits"]["memory"]


def test_the_engine_sees_no_secret_but_its_own() -> None:
    found = dict(pods(objects(PLAIN)))
    (secrets,) = (each for each in found["demo-forebay-engine"]["volumes"] if each["name"] == "secrets")
    assert secrets["secret"]["items"] == [{"key": "engine-key", "path": "engine-key"}]
    assert all(each["name"] != "secrets" for each in found["demo-forebay-web"]["volumes"])


@pytest.mark.parametrize("part", ["gateway", "engine", "web"])
def test_a_pod_may_live_for_as_long_as_its_server_drains(part: str) -> None:
    found = objects({**PLAIN, part: {"shutdownSeconds": 90}})
    pod = dict(pods(found))[f"demo-forebay-{part}"]
    text = of_kind(found, "ConfigMap")[f"demo-forebay-{part}"]["data"]["forebay.yaml"]
    assert yaml.safe_load(text)["server"]["shutdown_timeout"] == "90s"
    pause = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod["terminationGracePeriodSeconds"] >= 90 + pause


def test_another_configuration_means_other_pods_of_that_part_alone() -> None:
    def checksums(values: dict[str, Any]) -> dict[str, str]:
        deployments = of_kind(objects(values), "Deployment")
        return {
            name: each["spec"]["template"]["metadata"]["annotations"]["checksum/config"]
            for name, each in deployments.items()
        }

    before = checksums(PLAIN)
    after = checksums({**PLAIN, "gateway": {"config": {"log": {"level": "debug"}}}})
    assert {name for name in before if before[name] != after[name]} == {"demo-forebay-gateway"}


def test_engines_are_scaled_by_their_queue() -> None:
    scaler = of_kind(objects(EVERYTHING), "HorizontalPodAutoscaler")["demo-forebay-engine"]["spec"]
    (metric,) = scaler["metrics"]
    assert metric["pods"]["metric"]["name"] == "forebay_engine_waiting"
    assert "replicas" not in of_kind(objects(EVERYTHING), "Deployment")["demo-forebay-engine"]["spec"]
    assert scaler["minReplicas"] <= scaler["maxReplicas"]


def test_every_selector_finds_the_pods_it_means() -> None:
    found = objects(PLAIN)
    for each in found:
        if each["kind"] not in {"Service", "PodDisruptionBudget", "NetworkPolicy"}:
            continue
        spec = each["spec"]
        chosen = spec.get("podSelector") or spec["selector"]
        wanted = chosen.get("matchLabels", chosen).items()
        chosen_pods = [
            other["metadata"]["name"]
            for other in found
            if other["kind"] in {"Deployment", "Job"}
            and wanted <= other["spec"]["template"]["metadata"]["labels"].items()
        ]
        assert chosen_pods == [each["metadata"]["name"]], each["kind"]


def test_only_the_gateway_reaches_an_engine() -> None:
    (rule,) = of_kind(objects(PLAIN), "NetworkPolicy")["demo-forebay-engine"]["spec"]["ingress"]
    (peer,) = rule["from"]
    assert peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "gateway"


def test_a_release_called_forebay_is_not_called_so_twice() -> None:
    assert "forebay-gateway" in of_kind(objects(PLAIN, "forebay"), "Service")


def test_the_chart_is_of_this_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (__version__, __version__)
