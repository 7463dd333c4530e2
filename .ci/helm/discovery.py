"""What the cluster says it can do."""

import re

VERSION = "v1.30.0"  # the oldest that the charts support

# Group and version, and the kinds in it by their name in a path.
KINDS = {
    "v1": {
        "configmaps": "ConfigMap",
        "pods": "Pod",
        "secrets": "Secret",
        "serviceaccounts": "ServiceAccount",
        "services": "Service",
    },
    "apps/v1": {"deployments": "Deployment", "replicasets": "ReplicaSet"},
    "autoscaling/v2": {"horizontalpodautoscalers": "HorizontalPodAutoscaler"},
    "batch/v1": {"jobs": "Job"},
    "monitoring.coreos.com/v1": {
        "prometheusrules": "PrometheusRule",
        "servicemonitors": "ServiceMonitor",
    },
    "networking.k8s.io/v1": {"ingresses": "Ingress", "networkpolicies": "NetworkPolicy"},
    "policy/v1": {"poddisruptionbudgets": "PodDisruptionBudget"},
}


def discovery(path):
    if path == "/version":
        _, major, minor, _ = re.split(r"[v.]", VERSION)
        return {"major": major, "minor": minor, "gitVersion": VERSION}
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"]}
    if path == "/apis":
        groups = [group.split("/") for group in KINDS if "/" in group]
        versions = [{"groupVersion": "/".join(g), "version": g[1]} for g in groups]
        return {
            "kind": "APIGroupList",
            "apiVersion": "v1",
            "groups": [
                {"name": g[0], "versions": [v], "preferredVersion": v}
                for g, v in zip(groups, versions, strict=True)
            ],
        }
    if path == "/openapi/v3":
        return {
            "paths": {
                prefix(g)[1:]: {"serverRelativeURL": f"/openapi/v3{prefix(g)}"} for g in KINDS
            }
        }
    if path.startswith("/openapi/v3/"):
        return openapi(path.removeprefix("/openapi/v3/apis/").removeprefix("/openapi/v3/api/"))
    group = path.removeprefix("/apis/").removeprefix("/api/")
    if group in KINDS:
        verbs = ["create", "delete", "get", "list", "patch", "update", "watch"]
        return {
            "kind": "APIResourceList",
            "apiVersion": "v1",
            "groupVersion": group,
            "resources": [
                {
                    "name": plural,
                    "singularName": "",
                    "namespaced": True,
                    "kind": kind,
                    "verbs": verbs,
                }
                for plural, kind in KINDS[group].items()
            ],
        }
    return None


def prefix(group):
    return f"/{'apis' if '/' in group else 'api'}/{group}"


def openapi(group):
    """That the server checks fields by itself, so that Helm need not."""
    of, _, version = group.rpartition("/")
    parameter = {"name": "fieldValidation", "in": "query", "schema": {"type": "string"}}
    return {
        "openapi": "3.0.0",
        "info": {"title": "it", "version": VERSION},
        "paths": {
            f"{prefix(group)}/namespaces/{{namespace}}/{plural}/{{name}}": {
                "patch": {
                    "x-kubernetes-group-version-kind": {
                        "group": of,
                        "version": version,
                        "kind": kind,
                    },
                    "parameters": [parameter],
                    "responses": {},
                }
            }
            for plural, kind in KINDS[group].items()
        },
    }
