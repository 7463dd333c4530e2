{{/*
What a chart must define for this library, each as JSON:
  service.environment  variables by name; empty ones are left to the service's default
  service.files        secrets beside the database's and the shared one, as in latchkey.files
  service.paths        public paths, for the Ingress
  service.clients      NetworkPolicy peers that call the service, whatever the values say
  service.egress       networkPolicy.egress entries in use, beside dns, database and collector
*/}}

{{/* The objects' name: the release's, so `helm install auth-service` makes the Service `auth-service`.
Short enough for every suffix used here. */}}
{{- define "latchkey.name" -}}
{{- $name := .Release.Name }}
{{- if not (contains .Chart.Name $name) }}{{ $name = printf "%s-%s" $name .Chart.Name }}{{ end }}
{{- .Values.fullnameOverride | default $name | trunc 50 | trimSuffix "-" }}
{{- end }}

{{/* The other chart's NetworkPolicies count on app.kubernetes.io/name, so nothing overrides it. */}}
{{- define "latchkey.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "latchkey.labels" -}}
{{ include "latchkey.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: latchkey
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "latchkey.image" -}}
{{- with .Values.image -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ with .digest }}@{{ . }}{{ end }}
{{- end }}
{{- end }}

{{/* The port of an address like 0.0.0.0:9000 or [::]:9000. */}}
{{- define "latchkey.port" -}}
{{ regexFind "[0-9]+$" . }}
{{- end }}

{{/* A value as a variable's text: lists by commas, numbers without an exponent. */}}
{{- define "latchkey.text" -}}
{{- if kindIs "slice" . }}{{ join "," . }}
{{- else if kindIs "float64" . }}{{ printf "%.0f" . }}
{{- else if not (kindIs "invalid" .) }}{{ toString . }}
{{- end }}
{{- end }}
