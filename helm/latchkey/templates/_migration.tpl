{{/*
Migrations are applied before the new release's pods come. At the first install nothing else of the
chart is there yet, so the Job uses the namespace's own account, without a token. It needs the
database's URL and nothing more: whoever can read its logs or its definition learns no shared secret.
*/}}
{{- define "latchkey.migration" -}}
{{- if not .Values.migrateOnStart }}
{{- $files := include "latchkey.databaseFiles" . | fromJsonArray }}
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ include "latchkey.name" . }}-migrate
  labels:
    {{- include "latchkey.labels" . | nindent 4 }}
    app.kubernetes.io/component: migration
  annotations:
    helm.sh/hook: pre-install,pre-upgrade
    helm.sh/hook-weight: "0"
    # A failed one stays, with its log, until the next try.
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
spec:
  backoffLimit: {{ .Values.migration.backoffLimit }}
  activeDeadlineSeconds: {{ .Values.migration.activeDeadlineSeconds }}
  template:
    metadata:
      labels:
        {{- include "latchkey.labels" . | nindent 8 }}
        app.kubernetes.io/component: migration
    spec:
      {{- include "latchkey.pod" . | nindent 6 }}
      enableServiceLinks: false
      restartPolicy: Never
      containers:
        - name: migrate
          {{- include "latchkey.container" . | nindent 10 }}
          args: [migrate]
          env:
            {{- include "latchkey.fileVariables" $files | trim | nindent 12 }}
            {{- with .Values.extraEnv }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          resources:
            {{- toYaml .Values.migration.resources | nindent 12 }}
          volumeMounts:
            {{- include "latchkey.fileMounts" $files | trim | nindent 12 }}
            {{- with .Values.extraVolumeMounts }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
      volumes:
        {{- include "latchkey.fileVolumes" $files | trim | nindent 8 }}
        {{- with .Values.extraVolumes }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
{{- if .Values.networkPolicy.enabled }}
---
{{ include "latchkey.hookPolicy" (dict "context" . "component" "migration" "hook" "pre-install,pre-upgrade" "egress" (include "latchkey.egress" (dict "context" . "names" (list "dns" "database")) | fromJsonArray)) }}
{{- end }}
{{- end }}
{{- end }}
