"""How pods run: confined, bounded, drained, replaced."""

import re

from rules import AUTH, environment, rule

USER = 65532
LAST_SECONDS = 20  # background work and the exporter of traces, after SHUTDOWN_GRACE
IDLE_MIB = 70


def amount(quantity):
    """A quantity's bytes."""
    number, unit = re.fullmatch(r"([0-9.]+)([A-Za-z]*)", str(quantity)).groups()
    powers = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
    return float(number) * powers[unit]


@rule
def images_are_pinned(rendered):
    for _, name, _, container in rendered.containers():
        image = container["image"].partition("@")[0].rpartition("/")[2]
        if ":" not in image or image.endswith((":", ":latest")):
            yield f"{name}: the image {container['image']} has no tag that stays"


@rule
def resources_are_bounded(rendered):
    for _, name, _, container in rendered.containers():
        for side in ("requests", "limits"):
            for what in ("cpu", "memory"):
                if what not in container.get("resources", {}).get(side, {}):
                    yield f"{name}: {container['name']} has no {what} among its {side}"


@rule
def memory_holds_all_hashes(rendered):
    _, container = rendered.service(AUTH)
    given = environment(container)
    cores = container.get("resources", {}).get("limits", {}).get("cpu", 0)
    hashes = int(given.get("HASH_CONCURRENCY") or cores)
    needed = IDLE_MIB * 2**20 + hashes * int(given.get("ARGON2_MEMORY_KIB", "19456")) * 2**10
    limit = container.get("resources", {}).get("limits", {}).get("memory", 0)
    if amount(limit) < needed:
        yield f"{AUTH}: {hashes} hashes take {needed / 2**20:.0f} MiB, and the limit is {limit}"


@rule
def pods_are_confined(rendered):
    for _, name, spec, container in rendered.containers():
        pod, own = spec.get("securityContext", {}), container.get("securityContext", {})
        wanted = {
            "runAsNonRoot": pod.get("runAsNonRoot") is True,
            f"runAsUser {USER}": pod.get("runAsUser") == USER,
            f"runAsGroup {USER}": pod.get("runAsGroup") == USER,
            "seccompProfile RuntimeDefault": pod.get("seccompProfile", {}).get("type")
            == "RuntimeDefault",
            "allowPrivilegeEscalation false": own.get("allowPrivilegeEscalation") is False,
            "readOnlyRootFilesystem": own.get("readOnlyRootFilesystem") is True,
            "capabilities drop ALL": own.get("capabilities") == {"drop": ["ALL"]},
        }
        for what, is_so in wanted.items():
            if not is_so or own.get("privileged") or spec.get("hostNetwork"):
                yield f"{name}: {container['name']} lacks {what}"


@rule
def no_token_is_mounted(rendered):
    for _, name, _, spec in rendered.pods():
        if spec.get("automountServiceAccountToken") is not False:
            yield f"{name} mounts a token of its ServiceAccount"
    for chart, account in rendered.all("ServiceAccount"):
        if account.get("automountServiceAccountToken") is not False:
            yield f"{chart}: the ServiceAccount {account['metadata']['name']} has a token mounted"


@rule
def a_drain_has_time(rendered):
    for chart in rendered.charts:
        deployment, container = rendered.service(chart)
        pause = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        grace = int(environment(container)["SHUTDOWN_GRACE"].removesuffix("s"))
        has = deployment["spec"]["template"]["spec"].get("terminationGracePeriodSeconds", 30)
        if pause < 1 or has < pause + grace + LAST_SECONDS:
            yield f"{chart}: of {has} s until it is killed, a drain needs {pause} + {grace} + {LAST_SECONDS}"


@rule
def an_update_keeps_all_replicas(rendered):
    for chart in rendered.charts:
        deployment, _ = rendered.service(chart)
        if (
            deployment["spec"].get("strategy", {}).get("rollingUpdate", {}).get("maxUnavailable")
            != 0
        ):
            yield f"{chart}: an update takes a replica away before the new one is ready"
        scaler = rendered.of(chart, "HorizontalPodAutoscaler")
        if scaler and "replicas" in deployment["spec"]:
            yield f"{chart}: the Deployment's replicas undo what the HorizontalPodAutoscaler does"
        most = scaler[0]["spec"]["maxReplicas"] if scaler else deployment["spec"].get("replicas", 1)
        if bool(rendered.of(chart, "PodDisruptionBudget")) != (most > 1):
            yield f"{chart}: with up to {most} replicas a PodDisruptionBudget is missing, or in the way"
