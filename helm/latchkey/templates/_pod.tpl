{{/* What all pods here have in common: the service's, the migration's, the test's. */}}
{{- define "latchkey.pod" -}}
automountServiceAccountToken: false
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}

{{- define "latchkey.container" -}}
image: {{ include "latchkey.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  {{- toYaml .Values.securityContext | nindent 2 }}
{{- end }}

{{/* Secrets are files, a folder for each Secret below /run/secrets/. */}}
{{- define "latchkey.databaseFiles" -}}
{{- $missing := "database.secretName is missing: name the Secret whose key database.secretKey holds the URL of this service's PostgreSQL database" }}
{{- with .Values.database }}
{{- $url := list (dict "key" .secretKey "path" "url" "variable" "DATABASE_URL_FILE") }}
{{- $files := list (dict "folder" "database" "secret" (required $missing .secretName) "items" $url) }}
{{- if .caSecretName }}
{{- $ca := list (dict "key" .caKey "path" "ca.crt") }}
{{- $files = append $files (dict "folder" "database-ca" "secret" .caSecretName "items" $ca) }}
{{- end }}
{{- toJson $files }}
{{- end }}
{{- end }}

{{- define "latchkey.files" -}}
{{- $missing := "sharedSecret.name is empty: name the Secret that auth-service's chart has made, or your own with the keys token-secrets and registration-client-secret" }}
{{- $shared := list
  (dict "key" "token-secrets" "path" "token-secrets" "variable" "TOKEN_SECRETS_FILE")
  (dict "key" "registration-client-secret" "path" "registration-client-secret" "variable" "REGISTRATION_CLIENT_SECRET_FILE") }}
{{- $shared = list (dict "folder" "shared" "secret" (required $missing .Values.sharedSecret.name) "items" $shared) }}
{{- concat (include "latchkey.databaseFiles" . | fromJsonArray) $shared (include "service.files" . | fromJsonArray) | toJson }}
{{- end }}

{{- define "latchkey.fileVariables" -}}
{{- range $files := . }}
{{- range .items }}
{{- if .variable }}
- name: {{ .variable }}
  value: {{ printf "/run/secrets/%s/%s" $files.folder .path }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "latchkey.fileMounts" -}}
{{- range . }}
- name: {{ .folder }}
  mountPath: /run/secrets/{{ .folder }}
  readOnly: true
{{- end }}
{{- end }}

{{/* Readable by fsGroup, which is the service's own group, and by nobody else. */}}
{{- define "latchkey.fileVolumes" -}}
{{- range . }}
- name: {{ .folder }}
  secret:
    secretName: {{ .secret }}
    defaultMode: 0440
    items:
      {{- range .items }}
      - key: {{ .key }}
        path: {{ .path }}
      {{- end }}
{{- end }}
{{- end }}
