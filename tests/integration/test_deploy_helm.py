"""The chart as Helm itself renders it, and its manifests as Kubernetes' own schemas want them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import helm_python
import kubernetes_validate
import pytest
import yaml

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy" / "helm" / "quarterdeck"
OLDEST = "1.29"  # as Chart.yaml says
OF_OTHERS = {"ScaledObject", "PodMonitor"}  # defined by KEDA and the Prometheus operator, not by Kubernetes

Manifest = dict[str, Any]
Values = dict[str, Any]

SECRET: Values = {
    "databaseUrl": "postgresql://quarterdeck:secret@db.example.org/quarterdeck",
    "redisUrl": "rediss://:secret@redis.example.org:6379/0",
    "secretKey": "A" * 43 + "=",
    "metricsToken": "token",
    "extra": {"OPENAI_API_KEY": "sk-test"},
}
MINIMAL: Values = {"publicUrl": "https://chat.example.org", "existingSecret": "quarterdeck-secrets"}
WITH_SECRET: Values = {"publicUrl": "http://chat.example.org:8080", "secret": SECRET}
FULL: Values = MINIMAL | {
    "image": {"digest": "sha256:" + "0" * 64},
    "imagePullSecrets": [{"name": "registry"}],
    "extraEnv": [{"name": "QUARTERDECK_MIN_CHUNK_CHARS", "value": "1"}],
    "web": {
        "autoscaling": {"enabled": True},
        "nodeSelector": {"kubernetes.io/arch": "amd64"},
        "tolerations": [{"key": "chat", "operator": "Exists", "effect": "NoSchedule"}],
        "podAnnotations": {"example.org/note": "web"},
    },
    "worker": {"autoscaling": {"enabled": True, "queue": "external"}},
    "migrations": {"existingClaim": "snapshots"},
    "ingress": {"enabled": True, "className": "nginx", "tlsSecret": "chat-tls"},
    "metrics": {"enabled": True, "podMonitor": {"enabled": True, "labels": {"release": "prometheus"}}},
    "networkPolicy": {"enabled": True, "webFrom": [{"namespaceSelector": {"matchLabels": {"name": "ingress"}}}]},
    "serviceAccount": {"annotations": {"example.org/role": "chat"}},
}
KEDA: Values = MINIMAL | {"worker": {"autoscaling": {"enabled": True, "queue": "keda"}}}
ALL = {"minimal": MINIMAL, "own secret": WITH_SECRET, "full": FULL, "keda": KEDA}


def render(values: Values, *, is_upgrade: bool = False) -> list[Manifest]:
    with helm_python.Chart.load(str(CHART)) as chart:
        texts = chart.render(values, name="demo", namespace="prod", is_upgrade=is_upgrade)
    return [
        manifest
        for name, text in texts.items()
        if name.endswith(".yaml")
        for manifest in yaml.safe_load_all(text)
        if manifest
    ]


@pytest.fixture(params=ALL, name="manifests")
def rendered(request: pytest.FixtureRequest) -> list[Manifest]:
    return render(ALL[request.param])


def find(manifests: list[Manifest], kind: str, ending: str = "") -> Manifest:
    (found,) = [one for one in manifests if one["kind"] == kind and one["metadata"]["name"].endswith(ending)]
    return found


def pods(manifests: list[Manifest]) -> Iterator[Manifest]:
    for manifest in manifests:
        if manifest["kind"] in ("Deployment", "Job"):
            yield manifest["spec"]["template"]


def containers(pod: Manifest) -> list[Manifest]:
    return [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]


def variables(container: Manifest) -> dict[str, str]:
    return {one["name"]: one["value"] for one in container.get("env", [])}


@pytest.mark.parametrize("version", [OLDEST, kubernetes_validate.latest_version()])
def test_every_manifest_is_what_kubernetes_wants(manifests: list[Manifest], version: str) -> None:
    for manifest in manifests:
        if manifest["kind"] not in OF_OTHERS:
            kubernetes_validate.validate(manifest, version, strict=True)


def test_the_validation_refuses_a_word_that_kubernetes_does_not_know() -> None:
    manifest = find(render(MINIMAL), "Deployment", "-web")
    manifest["spec"]["template"]["spec"]["containers"][0]["readinesProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(manifest, OLDEST, strict=True)


def test_helm_finds_nothing_to_object_to() -> None:
    found = helm_python.lint(str(CHART), MINIMAL)
    assert found["errors"] == []
    assert [one["error"] for one in found["messages"] if "icon" not in one["error"]] == []


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"publicUrl": "chat.example.org", "existingSecret": "mine"},
        {"publicUrl": "https://chat.example.org/path", "existingSecret": "mine"},
        MINIMAL | {"replicas": 3},
        MINIMAL | {"worker": {"autoscaling": {"queue": "guess"}}},
        MINIMAL | {"secret": {"databaseUrl": "mysql://db"}},
        MINIMAL | {"databasePool": 1},
    ],
)
def test_values_that_cannot_be_meant_are_refused(values: Values) -> None:
    with pytest.raises(helm_python.HelmError):
        render(values)


@pytest.mark.parametrize("missing", ["databaseUrl", "redisUrl", "secretKey"])
def test_without_a_secret_of_ones_own_all_three_of_its_values_are_asked_for(missing: str) -> None:
    with pytest.raises(helm_python.HelmError, match=f"Set existingSecret, or secret.{missing}"):
        render({"publicUrl": "https://chat.example.org", "secret": SECRET | {missing: ""}})


def test_passwords_stand_in_the_secret_alone() -> None:
    manifests = render(WITH_SECRET)
    assert set(find(manifests, "Secret")["stringData"]) >= {"QUARTERDECK_DATABASE_URL", "OPENAI_API_KEY"}
    others = yaml.safe_dump([one for one in manifests if one["kind"] != "Secret"])
    assert [word for word in ("secret@", "sk-test", "AAAA") if word in others] == []


def test_with_a_secret_of_ones_own_none_is_made_and_that_one_is_used() -> None:
    manifests = render(MINIMAL)
    assert [one for one in manifests if one["kind"] == "Secret"] == []
    for pod in pods(manifests):
        quarterdeck = pod["spec"]["containers"][0]
        assert quarterdeck["envFrom"] == [{"secretRef": {"name": "quarterdeck-secrets"}}]


def test_every_container_is_unprivileged_and_has_a_root_it_cannot_write(manifests: list[Manifest]) -> None:
    for pod in pods(manifests):
        spec = pod["spec"]
        assert spec["automountServiceAccountToken"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] == 10001
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in containers(pod):
            locked = container["securityContext"]
            assert locked["allowPrivilegeEscalation"] is False
            assert locked["readOnlyRootFilesystem"] is True
            assert locked["capabilities"]["drop"] == ["ALL"]
            assert set(locked["capabilities"].get("add", [])) <= {"NET_BIND_SERVICE"}  # all that "restricted" allows
            assert container["resources"]["requests"]
            assert container["resources"]["limits"]["memory"]


def test_every_mount_has_its_volume_and_every_volume_its_mount(manifests: list[Manifest]) -> None:
    for pod in pods(manifests):
        mounted = {mount["name"] for container in containers(pod) for mount in container["volumeMounts"]}
        assert mounted == {volume["name"] for volume in pod["spec"]["volumes"]}


def test_selectors_find_exactly_the_pods_they_are_meant_for(manifests: list[Manifest]) -> None:
    labels = {
        pod["metadata"]["labels"]["app.kubernetes.io/component"]: pod["metadata"]["labels"] for pod in pods(manifests)
    }

    def selected(selector: dict[str, str]) -> set[str]:
        return {name for name, has in labels.items() if selector.items() <= has.items()}

    assert selected(find(manifests, "Service")["spec"]["selector"]) == {"web"}
    for name in ("web", "worker"):
        assert selected(find(manifests, "Deployment", f"-{name}")["spec"]["selector"]["matchLabels"]) == {name}
        budget = find(manifests, "PodDisruptionBudget", f"-{name}")
        assert selected(budget["spec"]["selector"]["matchLabels"]) == {name}


def test_the_service_and_the_probes_name_ports_that_the_proxy_has(manifests: list[Manifest]) -> None:
    web = find(manifests, "Deployment", "-web")["spec"]["template"]["spec"]
    (proxy,) = web["initContainers"]
    ports = {port["name"]: port["containerPort"] for port in proxy["ports"]}
    assert find(manifests, "Service")["spec"]["ports"][0]["targetPort"] in ports
    assert web["containers"][0]["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": ports["admin"]}
    assert {proxy[probe]["tcpSocket"]["port"] for probe in ("startupProbe", "livenessProbe")} <= set(ports)
    config = find(manifests, "ConfigMap", "-proxy")["data"]["Caddyfile"]
    for name, default in (("PROXY_PORT", ports["http"]), ("PROXY_ADMIN_PORT", ports["admin"])):
        assert f"{{${name}:{default}}}" in config


def test_the_chart_has_the_proxys_configuration_that_the_compose_files_have() -> None:
    assert (CHART / "files" / "Caddyfile").read_text() == (ROOT / "deploy" / "caddy" / "Caddyfile").read_text()


def test_the_proxy_outlives_the_server_and_both_have_the_time_to_drain(manifests: list[Manifest]) -> None:
    web = find(manifests, "Deployment", "-web")["spec"]["template"]["spec"]
    assert web["initContainers"][0]["restartPolicy"] == "Always"  # a sidecar
    (_, before_s) = web["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]
    assert web["terminationGracePeriodSeconds"] >= int(before_s) + 2 * 10
    worker = find(manifests, "Deployment", "-worker")["spec"]["template"]["spec"]
    assert worker["terminationGracePeriodSeconds"] > 10


def test_a_rolling_upgrade_never_has_fewer_pods_than_before(manifests: list[Manifest]) -> None:
    for name in ("web", "worker"):
        strategy = find(manifests, "Deployment", f"-{name}")["spec"]["strategy"]["rollingUpdate"]
        assert strategy == {"maxSurge": 1, "maxUnavailable": 0}


@pytest.mark.parametrize(
    ("values", "hooks"), [(MINIMAL, "pre-install,pre-upgrade"), (WITH_SECRET, "post-install,pre-upgrade")]
)
def test_migrations_run_before_the_pods_of_an_upgrade(values: Values, hooks: str) -> None:
    job = find(render(values), "Job")
    assert job["metadata"]["annotations"]["helm.sh/hook"] == hooks
    assert job["spec"]["backoffLimit"] == 0
    assert "serviceAccountName" not in job["spec"]["template"]["spec"]  # the chart's own is not there before it


def test_the_workers_are_scaled_on_the_queue_where_that_is_wanted() -> None:
    external = find(render(FULL), "HorizontalPodAutoscaler", "-worker")["spec"]
    assert [metric["type"] for metric in external["metrics"]] == ["Resource", "External"]
    assert external["metrics"][1]["external"]["metric"]["name"] == "quarterdeck_turns_waiting"
    keda = render(KEDA)
    assert [one for one in keda if one["kind"] == "HorizontalPodAutoscaler"] == []
    scaled = find(keda, "ScaledObject")["spec"]
    assert scaled["scaleTargetRef"]["name"] == find(keda, "Deployment", "-worker")["metadata"]["name"]
    assert 'quarterdeck_turns_waiting{namespace="prod"}' in scaled["triggers"][0]["metadata"]["query"]


def test_what_scales_itself_has_no_number_of_replicas() -> None:
    assert "replicas" not in find(render(FULL), "Deployment", "-web")["spec"]
    assert find(render(MINIMAL), "Deployment", "-web")["spec"]["replicas"] == 2


def test_a_changed_secret_replaces_the_pods() -> None:
    changed = WITH_SECRET | {"secret": SECRET | {"redisUrl": "redis://elsewhere:6379/0"}}
    for name in ("-web", "-worker"):
        before, after = (
            find(render(values), "Deployment", name)["spec"]["template"]["metadata"]["annotations"]["checksum/secret"]
            for values in (WITH_SECRET, changed)
        )
        assert before != after


def test_the_ingress_is_that_of_the_public_address_and_buffers_nothing() -> None:
    ingress = find(render(FULL), "Ingress")
    assert ingress["spec"]["rules"][0]["host"] == "chat.example.org"
    assert ingress["spec"]["tls"] == [{"hosts": ["chat.example.org"], "secretName": "chat-tls"}]
    assert ingress["metadata"]["annotations"]["nginx.ingress.kubernetes.io/proxy-buffering"] == "off"
    assert variables(next(pods(render(FULL)))["spec"]["containers"][0])["QUARTERDECK_PUBLIC_URL"] == FULL["publicUrl"]


def test_metrics_are_read_from_every_pod_with_the_token() -> None:
    manifests = render(FULL)
    (endpoint,) = find(manifests, "PodMonitor")["spec"]["podMetricsEndpoints"]
    assert endpoint["authorization"]["credentials"] == {
        "name": "quarterdeck-secrets",
        "key": "QUARTERDECK_METRICS_TOKEN",
    }
    for name in ("-web", "-worker"):
        (proxy,) = find(manifests, "Deployment", name)["spec"]["template"]["spec"]["initContainers"]
        assert endpoint["port"] in {port["name"] for port in proxy["ports"]}


def test_the_port_of_the_public_address_is_no_part_of_the_ingress_host() -> None:
    ingress = find(render(WITH_SECRET | {"ingress": {"enabled": True}}), "Ingress")
    assert ingress["spec"]["rules"][0]["host"] == "chat.example.org"
    assert "tls" not in ingress["spec"]
