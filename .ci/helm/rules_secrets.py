"""Secrets are files, known by name, made once, and there before the migration."""

import re

from rules import AUTH, SHOP, environment, rule
from rules_pods import USER

SECRETS = {
    "DATABASE_URL",
    "TOKEN_SECRETS",
    "REGISTRATION_CLIENT_SECRET",
    "PASSWORD_PEPPER",
    "MAIL_URL",
}
URL_WITH_PASSWORD = re.compile(r"://[^/\s:@]*:[^/\s@]+@")
SHARED_KEYS = {"token-secrets", "registration-client-secret"}


def weight(item):
    return int(item["metadata"]["annotations"].get("helm.sh/hook-weight", 0))


@rule
def no_secret_is_shown(rendered):
    for _, item in rendered.all("ConfigMap"):
        for key, text in item.get("data", {}).items():
            if URL_WITH_PASSWORD.search(text) or any(
                f"{name}=" in text or name == key for name in SECRETS
            ):
                yield f"ConfigMap {item['metadata']['name']}: {key} holds a secret"
    for _, name, _, container in rendered.containers():
        for argument in container.get("args", []) + container.get("command", []):
            if URL_WITH_PASSWORD.search(argument) or re.search(
                "secret|password|pepper|_url|-url", argument, re.I
            ):
                yield f"{name}: the argument {argument.partition('=')[0]} may hold a secret"
        for variable, value in environment(container).items():
            if variable in SECRETS or URL_WITH_PASSWORD.search(value):
                yield f"{name}: {variable} is a secret in plain sight; {variable}_FILE is for that"


@rule
def secrets_are_known(rendered):
    shared = {}
    for chart, name, _, spec in rendered.pods():
        for volume in spec.get("volumes", []):
            secret = volume.get("secret")
            if not secret:
                yield f"{name}: the volume {volume['name']} is no Secret"
                continue
            if (
                secret.get("defaultMode") != 0o440
                or spec.get("securityContext", {}).get("fsGroup") != USER
            ):
                yield f"{name}: {secret['secretName']} is not for the service's group alone"
            keys = {item["key"] for item in secret["items"]}
            if volume["name"] == "shared":
                shared[chart] = (secret["secretName"], keys)
            elif secret["secretName"] not in str(rendered.values[chart]):
                yield f"{name}: no value names the Secret {secret['secretName']}"
    if shared.get(AUTH) != shared.get(SHOP) or shared[AUTH][1] != SHARED_KEYS:
        yield f"the shared Secret is {shared.get(AUTH)} for auth, {shared.get(SHOP)} for the shop"
    made = rendered.of(AUTH, "Secret")
    takes = rendered.values[AUTH].get("sharedSecret", {}).get("create", True)
    if bool(made) != takes or rendered.of(SHOP, "Secret"):
        yield "the shared Secret is made by auth's chart alone, unless it is told not to"
    for item in made:
        content = item.get("stringData", {})
        if item["metadata"]["name"] != shared[AUTH][0] or content.keys() != SHARED_KEYS:
            yield f"{AUTH} makes {item['metadata']['name']} with {sorted(content)}"
        if any(len(text) < 43 for text in content.values()) or len(set(content.values())) != 2:
            yield f"{AUTH} makes secrets that are short, or alike"


@rule
def files_are_mounted(rendered):
    for _, name, spec, container in rendered.containers():
        volumes = {volume["name"]: volume for volume in spec.get("volumes", [])}
        files = set()
        for mount in container.get("volumeMounts", []):
            if mount["name"] not in volumes:
                yield f"{name}: {mount['mountPath']} has no volume {mount['name']}"
                continue
            if not mount.get("readOnly") or not mount["mountPath"].startswith("/run/secrets/"):
                yield f"{name}: {mount['mountPath']} is writable, or not below /run/secrets"
            items = volumes[mount["name"]].get("secret", {}).get("items", [])
            files |= {f"{mount['mountPath']}/{item['path']}" for item in items}
        for unused in volumes.keys() - {
            mount["name"] for mount in container.get("volumeMounts", [])
        }:
            yield f"{name}: the volume {unused} is mounted nowhere"
        for variable, value in environment(container).items():
            if variable.endswith("_FILE") and value not in files:
                yield f"{name}: {variable} is {value}, which is not mounted"


# extraEnv of the value sets.
EXTRA = {"OTEL_TRACES_SAMPLER", "SSL_CERT_FILE"}


@rule
def every_secret_of_a_service_is_a_file(rendered):
    required = {"DATABASE_URL_FILE", "TOKEN_SECRETS_FILE", "REGISTRATION_CLIENT_SECRET_FILE"}
    for chart in rendered.charts:
        for missing in required - environment(rendered.service(chart)[1]).keys():
            yield f"{chart}: {missing} is missing"
        for item in rendered.of(chart, "Job"):
            given = environment(item["spec"]["template"]["spec"]["containers"][0]).keys()
            # What the operator adds (extraEnv) it gets, too; of ours, nothing that it does not need.
            for variable in given & environment(rendered.service(chart)[1]).keys() - EXTRA:
                if variable != "DATABASE_URL_FILE":
                    yield f"{chart}: the migration gets {variable}, and needs DATABASE_URL_FILE alone"
            if "DATABASE_URL_FILE" not in given:
                yield f"{chart}: the migration has no DATABASE_URL_FILE"


@rule
def migrations_come_first(rendered):
    for chart in rendered.charts:
        jobs = rendered.of(chart, "Job")
        at_start = environment(rendered.service(chart)[1]).get("MIGRATE_ON_START")
        if at_start != ("false" if jobs else "true"):
            yield f"{chart}: {len(jobs)} Jobs migrate, and MIGRATE_ON_START is {at_start}"
        for item in jobs:
            hook, spec = item["metadata"]["annotations"], item["spec"]["template"]["spec"]
            if hook.get("helm.sh/hook") != "pre-install,pre-upgrade":
                yield f"{chart}: the migration is the hook {hook.get('helm.sh/hook')}"
            if hook.get("helm.sh/hook-delete-policy") != "before-hook-creation,hook-succeeded":
                yield f"{chart}: the migration's Job would be in its own way, or stay"
            if spec.get("serviceAccountName", "default") != "default":
                yield f"{chart}: the migration uses the account {spec['serviceAccountName']}, made after it"
            if not item["spec"].get("activeDeadlineSeconds") or "backoffLimit" not in item["spec"]:
                yield f"{chart}: the migration may try for ever"
            for secret in rendered.of(chart, "Secret"):
                if weight(secret) >= weight(item):
                    yield f"{chart}: the migration does not wait for the shared Secret"


@rule
def the_shared_secret_outlives_all(rendered):
    for chart, item in rendered.all("Secret"):
        hook = item["metadata"].get("annotations", {})
        if hook.get("helm.sh/hook") != "pre-install,pre-upgrade":
            yield f"{chart}: the Secret is part of the release, which deletes it"
        if (
            hook.get("helm.sh/hook-delete-policy") != "hook-failed"
            or hook.get("helm.sh/resource-policy") != "keep"
        ):
            yield f"{chart}: Helm may delete the Secret"
