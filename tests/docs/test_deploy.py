"""The files in deploy/: a valid Kubernetes manifest, a compose file with the same limits, the installed version of Playwright."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml  # type: ignore[import-untyped]
from playwright._repo_version import version as playwright_version

DEPLOY = Path(__file__).parents[2] / "deploy"
MANIFESTS: list[dict[str, Any]] = list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text("utf-8")))
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]["browsers"]
CONTAINER: dict[str, Any] = MANIFESTS[1]["spec"]["template"]["spec"]["containers"][0]
MINOR = playwright_version.rpartition(".")[0]


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda manifest: manifest["kind"])
def test_kubernetes_manifest_matches_the_schema(manifest: dict[str, Any]) -> None:
    kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)


def test_kubernetes_schema_rejects_an_invalid_manifest() -> None:
    invalid = {**MANIFESTS[0], "spec": {**MANIFESTS[0]["spec"], "ports": [{"prt": 3000}]}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(invalid, kubernetes_validate.latest_version(), strict=True)


def test_kubernetes_selectors_and_probe_ports_match_the_deployment() -> None:
    service, deployment, policy = MANIFESTS
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    for selector in (
        service["spec"]["selector"],
        deployment["spec"]["selector"]["matchLabels"],
        policy["spec"]["podSelector"]["matchLabels"],
    ):
        assert selector.items() <= labels.items()
    assert {probe for probe in CONTAINER if probe.endswith("Probe")} == {
        "startupProbe",
        "readinessProbe",
        "livenessProbe",
    }
    ports = {port["name"] for port in CONTAINER["ports"]}
    assert {CONTAINER[probe]["httpGet"]["port"] for probe in CONTAINER if probe.endswith("Probe")} == ports


def test_compose_and_kubernetes_have_the_same_limits() -> None:
    limits, resources = COMPOSE["deploy"]["resources"]["limits"], CONTAINER["resources"]
    assert limits["cpus"] == resources["limits"]["cpu"]
    assert limits["memory"].replace("m", "Mi") == resources["limits"]["memory"]
    assert (
        COMPOSE["deploy"]["resources"]["reservations"]["memory"].replace("m", "Mi")
        == resources["requests"]["memory"]
    )
    clients = next(each["value"] for each in CONTAINER["env"] if each["name"] == "MAX_CLIENTS")
    assert COMPOSE["environment"]["MAX_CLIENTS"] == clients


def test_deploy_images_have_the_installed_playwright_version() -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text("utf-8")
    assert CONTAINER["image"] == f"playwright-browsers:{MINOR}"
    assert COMPOSE["image"] == f"playwright-browsers:${{PLAYWRIGHT:-{MINOR}}}"
    assert re.findall(r"^ARG PLAYWRIGHT=(.*)$", dockerfile, re.MULTILINE) == [MINOR]


def test_compose_publishes_ports_on_loopback_only() -> None:
    assert all(port.startswith("127.0.0.1:") for port in COMPOSE["ports"])
    assert COMPOSE["build"]["context"] == "."
    (profile,) = [each for each in COMPOSE["security_opt"] if each.startswith("seccomp=")]
    assert (DEPLOY / profile.removeprefix("seccomp=")).is_file()
