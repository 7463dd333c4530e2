"""That the rules can fail: what is right is broken in one place, and the rule it is for must say so."""

import copy

from rules import AUTH, RULES, SHOP

GONE = object()
POD = "spec.template.spec"
CONTAINER = f"{POD}.containers.0"

# The rule, and where to break what: chart, kind, path, value. All of the set with everything on.
FAULTS = [
    ("each_chart_is_rendered", AUTH, "Deployment", "kind", "Nothing"),
    ("images_are_pinned", AUTH, "Deployment", f"{CONTAINER}.image", "latchkey/auth-service:latest"),
    ("images_are_pinned", SHOP, "Job", f"{CONTAINER}.image", "host:5000/shop-service"),
    ("resources_are_bounded", SHOP, "Deployment", f"{CONTAINER}.resources.limits.memory", GONE),
    ("resources_are_bounded", AUTH, "Pod", "spec.containers.0.resources.requests", GONE),
    (
        "memory_holds_all_hashes",
        AUTH,
        "Deployment",
        f"{CONTAINER}.resources.limits.memory",
        "256Mi",
    ),
    ("pods_are_confined", AUTH, "Deployment", f"{POD}.securityContext.runAsNonRoot", False),
    ("pods_are_confined", AUTH, "Job", f"{POD}.securityContext.runAsUser", 0),
    ("pods_are_confined", SHOP, "Pod", "spec.securityContext.seccompProfile", GONE),
    (
        "pods_are_confined",
        SHOP,
        "Deployment",
        f"{CONTAINER}.securityContext.readOnlyRootFilesystem",
        GONE,
    ),
    (
        "pods_are_confined",
        SHOP,
        "Job",
        f"{CONTAINER}.securityContext.capabilities.drop",
        ["NET_RAW"],
    ),
    (
        "pods_are_confined",
        SHOP,
        "Job",
        f"{CONTAINER}.securityContext.allowPrivilegeEscalation",
        True,
    ),
    ("no_token_is_mounted", AUTH, "Job", f"{POD}.automountServiceAccountToken", GONE),
    ("no_token_is_mounted", SHOP, "ServiceAccount", "automountServiceAccountToken", True),
    ("no_secret_is_shown", AUTH, "ConfigMap", "data.url", "postgres://auth:hunter2@db/auth"),
    ("no_secret_is_shown", SHOP, "ConfigMap", "data.TOKEN_SECRETS", "x"),
    ("no_secret_is_shown", AUTH, "Deployment", f"{CONTAINER}.args", ["serve", "--token-secrets=x"]),
    (
        "no_secret_is_shown",
        SHOP,
        "Job",
        f"{CONTAINER}.env.0",
        {"name": "DATABASE_URL", "value": "x"},
    ),
    (
        "no_secret_is_shown",
        SHOP,
        "Deployment",
        f"{CONTAINER}.env.0",
        {"name": "X", "value": "smtp://a:b@c"},
    ),
    ("selectors_match", AUTH, "Service", "spec.selector.app\\.kubernetes\\.io/component", GONE),
    ("selectors_match", AUTH, "Service", "spec.selector.app\\.kubernetes\\.io/name", "auth"),
    (
        "selectors_match",
        SHOP,
        "Deployment",
        f"{POD[:-5]}.metadata.labels.app\\.kubernetes\\.io/instance",
        "x",
    ),
    (
        "selectors_match",
        SHOP,
        "PodDisruptionBudget",
        "spec.selector.matchLabels.app\\.kubernetes\\.io/name",
        "x",
    ),
    (
        "selectors_match",
        SHOP,
        "NetworkPolicy",
        "spec.podSelector.matchLabels.app\\.kubernetes\\.io/name",
        "x",
    ),
    ("selectors_match", AUTH, "HorizontalPodAutoscaler", "spec.scaleTargetRef.name", "auth"),
    (
        "selectors_match",
        AUTH,
        "ServiceMonitor",
        "spec.selector.matchLabels.app\\.kubernetes\\.io/name",
        "x",
    ),
    ("selectors_match", AUTH, "ServiceMonitor", "spec.endpoints.0.port", "metrics"),
    ("selectors_match", SHOP, "ServiceMonitor", "spec.jobLabel", GONE),
    ("ports_exist", AUTH, "Deployment", f"{CONTAINER}.readinessProbe.httpGet.port", "health"),
    ("ports_exist", AUTH, "Deployment", f"{CONTAINER}.livenessProbe.httpGet.path", "/health/ready"),
    ("ports_exist", SHOP, "Deployment", f"{CONTAINER}.ports.1.containerPort", 9001),
    ("ports_exist", SHOP, "Service", "spec.ports.0.targetPort", "web"),
    (
        "ports_exist",
        SHOP,
        "Ingress",
        "spec.rules.0.http.paths.0.backend.service.port",
        {"name": "ops"},
    ),
    ("values_reach_the_service", AUTH, "Deployment", f"{CONTAINER}.env.9.value", "1e+06"),
    (
        "values_reach_the_service",
        SHOP,
        "Deployment",
        f"{CONTAINER}.env.9",
        {"name": "X", "value": "x"},
    ),
    ("the_test_asks_the_service", SHOP, "Pod", "spec.enableServiceLinks", False),
    ("the_test_asks_the_service", SHOP, "Service", "metadata.name", "shop"),
    ("a_drain_has_time", AUTH, "Deployment", f"{POD}.terminationGracePeriodSeconds", 30),
    ("a_drain_has_time", SHOP, "Deployment", f"{CONTAINER}.lifecycle", GONE),
    (
        "an_update_keeps_all_replicas",
        AUTH,
        "Deployment",
        "spec.strategy.rollingUpdate.maxUnavailable",
        "25%",
    ),
    ("an_update_keeps_all_replicas", AUTH, "Deployment", "spec.replicas", 2),
    ("an_update_keeps_all_replicas", SHOP, "HorizontalPodAutoscaler", "spec.maxReplicas", 1),
    ("only_public_paths_leave_the_cluster", AUTH, "Ingress", "spec.rules.0.http.paths.0.path", "/"),
    (
        "only_public_paths_leave_the_cluster",
        AUTH,
        "Ingress",
        "spec.rules.0.http.paths.0.path",
        "/credentials",
    ),
    (
        "only_public_paths_leave_the_cluster",
        SHOP,
        "Ingress",
        "spec.rules.0.http.paths.0.pathType",
        "Exact",
    ),
    ("only_public_paths_leave_the_cluster", SHOP, "Ingress", "spec.tls", GONE),
    ("only_public_paths_leave_the_cluster", SHOP, "Ingress", "spec.defaultBackend", {}),
    ("policies_admit_what_is_needed_and_no_more", AUTH, "NetworkPolicy", "spec.ingress.0.from", []),
    (
        "policies_admit_what_is_needed_and_no_more",
        AUTH,
        "NetworkPolicy",
        "spec.ingress.0.ports.0.port",
        8000,
    ),
    ("policies_admit_what_is_needed_and_no_more", AUTH, "NetworkPolicy", "spec.ingress.1", GONE),
    ("policies_admit_what_is_needed_and_no_more", SHOP, "NetworkPolicy", "spec.egress.0", GONE),
    ("policies_admit_what_is_needed_and_no_more", SHOP, "NetworkPolicy", "spec.egress.1", GONE),
    ("policies_admit_what_is_needed_and_no_more", SHOP, "NetworkPolicy", "spec.egress.2", GONE),
    (
        "policies_admit_what_is_needed_and_no_more",
        SHOP,
        "NetworkPolicy",
        "spec.policyTypes",
        ["Ingress"],
    ),
    (
        "policies_admit_what_is_needed_and_no_more",
        "example",
        "NetworkPolicy",
        "spec.ingress.0.from",
        [],
    ),
    (
        "policies_admit_what_is_needed_and_no_more",
        "example",
        "NetworkPolicy",
        "spec.ingress.0.from.0.podSelector.matchExpressions.0.values",
        ["service"],
    ),
    (
        "policies_admit_what_is_needed_and_no_more",
        "example",
        "NetworkPolicy",
        "spec.ingress.1",
        GONE,
    ),
    ("secrets_are_known", AUTH, "Deployment", f"{POD}.volumes.0.secret.secretName", "unheard-of"),
    ("secrets_are_known", AUTH, "Job", f"{POD}.volumes.0.secret.defaultMode", 0o444),
    (
        "secrets_are_known",
        SHOP,
        "Deployment",
        f"{POD}.volumes.2.secret.items.0.key",
        "token-secret",
    ),
    ("secrets_are_known", AUTH, "Secret", "stringData.token-secrets", "short"),
    ("secrets_are_known", AUTH, "Secret", "stringData.token-secrets", GONE),
    ("secrets_are_known", AUTH, "Secret", "metadata.name", "another"),
    ("files_are_mounted", AUTH, "Deployment", f"{POD}.volumes.0.name", "db"),
    ("files_are_mounted", SHOP, "Job", f"{CONTAINER}.volumeMounts.0.readOnly", GONE),
    (
        "files_are_mounted",
        SHOP,
        "Deployment",
        f"{CONTAINER}.env.0.value",
        "/run/secrets/database-url",
    ),
    (
        "every_secret_of_a_service_is_a_file",
        SHOP,
        "Deployment",
        f"{CONTAINER}.env.1",
        {"name": "X", "value": "x"},
    ),
    (
        "every_secret_of_a_service_is_a_file",
        AUTH,
        "Job",
        f"{CONTAINER}.env.0.name",
        "TOKEN_SECRETS_FILE",
    ),
    ("migrations_come_first", AUTH, "Job", "metadata.annotations.helm\\.sh/hook", "post-install"),
    ("migrations_come_first", AUTH, "Job", "metadata.annotations.helm\\.sh/hook-weight", "-20"),
    (
        "migrations_come_first",
        SHOP,
        "Job",
        "metadata.annotations.helm\\.sh/hook-delete-policy",
        GONE,
    ),
    ("migrations_come_first", SHOP, "Job", f"{POD}.serviceAccountName", "shop-service"),
    ("migrations_come_first", SHOP, "Job", "spec.activeDeadlineSeconds", GONE),
    ("migrations_come_first", SHOP, "Job", "kind", "Nothing"),
    (
        "the_shared_secret_outlives_all",
        AUTH,
        "Secret",
        "metadata.annotations.helm\\.sh/hook-delete-policy",
        GONE,
    ),
    ("the_shared_secret_outlives_all", AUTH, "Secret", "metadata.annotations.helm\\.sh/hook", GONE),
    (
        "alerts_say_what_to_do",
        AUTH,
        "PrometheusRule",
        "spec.groups.0.rules.0.annotations.description",
        "Help!",
    ),
    ("alerts_say_what_to_do", SHOP, "PrometheusRule", "spec.groups.0.rules.0.labels", GONE),
    ("alerts_say_what_to_do", SHOP, "PrometheusRule", "spec.groups.0.rules.0.expr", "up == 0"),
]


def step(into, key):
    return into[int(key)] if isinstance(into, list) else into[key]


def break_at(item, path, value):
    *way, last = [key.replace("\0", ".") for key in path.replace("\\.", "\0").split(".")]
    for key in way:
        item = step(item, key)
    last = int(last) if isinstance(item, list) else last
    if value is GONE:
        del item[last]
    else:
        item[last] = value


def try_all(rendered):
    """What was not caught, a line each."""
    rules = {rule.__name__: rule for rule in RULES}
    for untried in rules.keys() - {fault[0] for fault in FAULTS}:
        yield f"nothing shows that the rule {untried} can fail"
    for name, chart, kind, path, value in FAULTS:
        broken = copy.deepcopy(rendered)
        items = broken.example if chart == "example" else broken.charts[chart]
        break_at(next(item for item in items if item["kind"] == kind), path, value)
        try:
            said = list(rules[name](broken))
        except Exception as error:  # a rule must say what is wrong, not fall over
            said = []
            yield f"{name} fell over {kind} {path}: {error!r}"
            continue
        if not said:
            yield f"{name} did not see {chart}'s {kind} {path} = {'(gone)' if value is GONE else value}"
