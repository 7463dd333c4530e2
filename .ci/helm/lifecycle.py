"""What Helm does with the shared Secret and the migration, release after release."""

import base64
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from cluster import Cluster
from helm import Helm
from rules import AUTH, SHOP

VALUES = {
    AUTH: {"database": {"secretName": "auth-db-app"}},
    SHOP: {"database": {"secretName": "shop-db-app"}},
}

# What is refused, and by which words.
REFUSED = [
    (AUTH, {"database": {"secretName": ""}}, "database.secretName is missing: name the Secret"),
    (SHOP, {"database": {"secretName": ""}}, "database.secretName is missing: name the Secret"),
    (
        AUTH,
        {"ingress": {"enabled": True, "host": "auth.example.com"}},
        "trustedProxies is empty: with an Ingress",
    ),
    (
        AUTH,
        {"ingress": {"enabled": True}, "trustedProxies": ["10.0.0.0/8"]},
        "ingress.host is missing",
    ),
    (AUTH, {"sharedSecret": {"name": ""}}, "sharedSecret.name is empty"),
    (SHOP, {"sharedSecret": {"name": ""}}, "sharedSecret.name is empty"),
    (
        SHOP,
        {"sharedSecret": {"name": "elsewhere"}},
        "the Secret elsewhere with the key token-secrets is not in",
    ),
    (AUTH, {"replicaCount": 2}, "additional properties 'replicaCount' not allowed"),
    (SHOP, {"database": {"url": "postgres://"}}, "additional properties 'url' not allowed"),
    (AUTH, {"replicas": "two"}, "got string, want integer"),
    (AUTH, {"accessTokenTtl": "soon"}, "/accessTokenTtl"),
    (AUTH, {"trustedProxies": ["everybody"]}, "/trustedProxies/0"),
    (AUTH, {"resources": {"limits": {"memory": "much"}}}, "/resources/limits/memory"),
    (AUTH, {"listenAddr": "9000"}, "/listenAddr"),
    (AUTH, {"image": {"tag": "latest"}}, "/image/tag"),
    (SHOP, {"authUrl": "auth-service:9000"}, "/authUrl"),
    (SHOP, {"networkPolicy": {"egress": {"database": {"ports": [70000]}}}}, "/ports/0"),
]


class Wrong(Exception):
    """Something is not as it should be."""


def expect(is_so, what):
    if not is_so:
        raise Wrong(what)


def refused(act, words):
    try:
        act()
    except Exception as error:  # each action has its own
        expect(words in str(error), f"{words!r} is not what was said: {error}")
    else:
        raise Wrong(f"it went through without a word of {words!r}")


def refusal(chart, values, words):
    with Cluster() as cluster:
        if chart == SHOP:
            cluster.put("given", "Secret", secret("latchkey-shared"))
        refused(lambda: Helm(cluster).install(chart, values), words)
        expect(not cluster.find("Deployment", chart), f"{chart} was installed all the same")


def secret(name):
    content = {"token-secrets": "x", "registration-client-secret": "y"}
    data = {key: base64.b64encode(value.encode()).decode() for key, value in content.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": data}


def kept(server_side_apply):
    """From the first install to the last: one Secret, the same bytes."""
    with Cluster() as cluster:
        helm = Helm(cluster, server_side_apply=server_side_apply)

        refused(
            lambda: helm.install(SHOP, VALUES[SHOP]),
            "the Secret latchkey-shared with the key token-secrets is not",
        )

        helm.install(AUTH, VALUES[AUTH])
        made = cluster.find("Secret", "latchkey-shared")["data"]
        order = [kind for verb, kind, _ in cluster.log if verb == "create"]
        expect(
            order.index("Secret") < order.index("Job") < order.index("Deployment"),
            f"made as {order}",
        )
        expect(not cluster.find("Job", "auth-service-migrate"), "a Job that is done stays")
        expect(
            not cluster.find("NetworkPolicy", "auth-service-migration"), "a policy stays for no pod"
        )

        helm.install(SHOP, VALUES[SHOP])
        helm.test(AUTH)
        helm.test(SHOP)
        for chart in (AUTH, SHOP):
            expect(
                ("create", "Pod", f"{chart}-test") in cluster.log,
                f"helm test of {chart} made no pod",
            )

        del cluster.log[:]
        helm.upgrade(AUTH, {**VALUES[AUTH], "replicas": 3})
        expect(
            ("create", "Job", "auth-service-migrate") in cluster.log, "an upgrade does not migrate"
        )
        expect(
            cluster.find("Deployment", AUTH)["spec"]["replicas"] == 3, "an upgrade changes nothing"
        )

        cluster.jobs_fail = True
        refused(lambda: helm.upgrade(AUTH, {**VALUES[AUTH], "replicas": 4}), "auth-service-migrate")
        cluster.jobs_fail = False
        expect(
            cluster.find("Deployment", AUTH)["spec"]["replicas"] == 3,
            "it was replaced, and the schema was not",
        )
        expect(cluster.find("Job", "auth-service-migrate"), "a failed Job is gone with its log")
        helm.upgrade(AUTH, {**VALUES[AUTH], "replicas": 4})
        expect(
            cluster.find("Deployment", AUTH)["spec"]["replicas"] == 4,
            "after a failure there is no upgrade",
        )

        helm.uninstall(AUTH)
        expect(not cluster.find("Deployment", AUTH), "it was not uninstalled")
        helm.install(AUTH, VALUES[AUTH])
        touched = [entry for entry in cluster.log if entry[1:] == ("Secret", "latchkey-shared")]
        expect(not touched, f"the Secret was touched: {touched}")
        expect(cluster.find("Secret", "latchkey-shared")["data"] == made, "the Secret has changed")


def kept_after_a_failure():
    """A first install whose migration fails, and another try."""
    with Cluster() as cluster:
        helm = Helm(cluster)
        cluster.jobs_fail = True
        refused(lambda: helm.install(AUTH, VALUES[AUTH]), "auth-service-migrate")
        made = cluster.find("Secret", "latchkey-shared")
        expect(made, "the Secret went with the failed migration")
        expect(not cluster.find("Deployment", AUTH), "it was installed, and the schema was not")
        cluster.jobs_fail = False
        helm.uninstall(AUTH)
        helm.install(AUTH, VALUES[AUTH])
        expect(
            cluster.find("Secret", "latchkey-shared")["data"] == made["data"],
            "the Secret has changed",
        )


def given_is_left_alone():
    """A Secret from elsewhere."""
    with Cluster() as cluster:
        given = cluster.put("given", "Secret", secret("latchkey-shared"))
        for values in ({}, {"sharedSecret": {"create": False}}):
            helm = Helm(cluster)
            helm.install(AUTH, {**VALUES[AUTH], **values})
            helm.uninstall(AUTH)
        expect(cluster.find("Secret", "latchkey-shared") == given, "the Secret has changed")
        expect(
            [e[0] for e in cluster.log if e[2] == "latchkey-shared"] == ["given"],
            "the Secret was touched",
        )


def failures():
    """What went otherwise, a line each."""
    tasks = {
        f"the shared Secret, server-side apply {apply}": partial(kept, apply)
        for apply in (False, True)
    }
    tasks |= {
        "a failed first install": kept_after_a_failure,
        "a Secret of one's own": given_is_left_alone,
    }
    for chart, values, words in REFUSED:
        tasks[f"{chart} with {values}"] = partial(
            refusal, chart, {**VALUES[chart], **values}, words
        )
    with ThreadPoolExecutor() as several:  # Helm waits more than it works
        done = {name: several.submit(task) for name, task in tasks.items()}
    for name, task in done.items():
        if error := task.exception():
            yield f"{name}: {error!r}"
