"""The manifests of deploy/ against the schemas of what reads them, and against each other."""

import re
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
RESOURCES = [(path.name, each) for path in MANIFESTS for each in yaml.safe_load_all(path.read_text())]
RAY_FIELDS = {  # ray-operator/apis/ray/v1/raycluster_types.go of KubeRay 1.2
    "spec": {
        "headGroupSpec",
        "workerGroupSpecs",
        "rayVersion",
        "enableInTreeAutoscaling",
        "autoscalerOptions",
        "headServiceAnnotations",
        "suspend",
    },
    "headGroupSpec": {"serviceType", "headService", "enableIngress", "rayStartParams", "template"},
    "workerGroupSpecs": {
        "groupName",
        "replicas",
        "minReplicas",
        "maxReplicas",
        "numOfHosts",
        "rayStartParams",
        "template",
        "scaleStrategy",
    },
}


def of_kind(kind: str) -> list[tuple[str, dict]]:
    return [(name, each) for name, each in RESOURCES if each["kind"] == kind]


def pods() -> list[dict]:
    """Every pod's specification."""
    templates = [each["spec"]["template"] for kind in ("Deployment", "Job") for _, each in of_kind(kind)]
    for _, cluster in of_kind("RayCluster"):
        spec = cluster["spec"]
        templates += [spec["headGroupSpec"]["template"], *(each["template"] for each in spec["workerGroupSpecs"])]
    return [template["spec"] for template in templates]


@pytest.mark.parametrize(
    "resource",
    [pytest.param(each, id=f"{name}-{each['kind']}") for name, each in RESOURCES if "ray.io" not in each["apiVersion"]],
)
def test_kubernetes_takes_it(resource: dict) -> None:
    kubernetes_validate.validate(resource, "1.33", strict=True)


def test_a_wrong_manifest_is_found() -> None:
    _, deployment = of_kind("Deployment")[0]
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate({**deployment, "spec": {**deployment["spec"], "replica": 2}}, "1.33", strict=True)


@pytest.mark.parametrize("spec", pods(), ids=lambda spec: spec["containers"][0]["name"])
def test_every_pod_is_one_to_kubernetes(spec: dict) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one"}, "spec": spec}
    kubernetes_validate.validate(pod, "1.33", strict=True)


def test_kuberay_knows_every_field() -> None:
    for _, cluster in of_kind("RayCluster"):
        spec = cluster["spec"]
        assert spec.keys() <= RAY_FIELDS["spec"]
        assert spec["headGroupSpec"].keys() <= RAY_FIELDS["headGroupSpec"]
        for group in spec["workerGroupSpecs"]:
            assert group.keys() <= RAY_FIELDS["workerGroupSpecs"]
            assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]
        for group in (spec["headGroupSpec"], *spec["workerGroupSpecs"]):
            assert all(isinstance(value, str) for value in group["rayStartParams"].values())


@pytest.mark.parametrize("spec", pods(), ids=lambda spec: spec["containers"][0]["name"])
def test_nothing_in_a_pod_is_privileged(spec: dict) -> None:
    for container in spec["containers"]:
        if container["name"] == "ray-head":  # Ray's own: nothing untrusted runs there
            continue
        assert spec["securityContext"]["runAsNonRoot"]
        assert spec["automountServiceAccountToken"] is False
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert not any("hostPath" in volume for volume in spec.get("volumes", ()))
        assert not spec.keys() & {"hostNetwork", "hostPID", "hostIPC"}
        if container["securityContext"].get("procMount"):
            assert spec["hostUsers"] is False  # Kubernetes insists


def test_compose_mounts_no_socket_and_gives_no_privilege() -> None:
    server = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["server"]
    assert server["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in server["security_opt"]
    assert "privileged" not in server
    assert not any("docker.sock" in volume for volume in server["volumes"])
    assert all(port.startswith("127.0.0.1:") for port in server["ports"])


def test_the_dockerfile_takes_along_every_package() -> None:
    kept = set(re.findall(r"^!(\w+)$", (DEPLOY.parent / ".dockerignore").read_text(), re.MULTILINE))
    assert {"deepgym_env", "envs", "wrappers", "scenarios"} <= kept
