{{- define "latchkey.serviceMonitor" -}}
{{- with .Values.monitoring.serviceMonitor }}
{{- if .enabled }}
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  name: {{ include "latchkey.name" $ }}
  labels:
    {{- include "latchkey.labels" $ | nindent 4 }}
    {{- with .labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  # Alerts and dashboard ask for job="{{ $.Chart.Name }}", whatever the release is called.
  jobLabel: app.kubernetes.io/name
  selector:
    matchLabels:
      {{- include "latchkey.selector" $ | nindent 6 }}
  endpoints:
    - port: ops
      path: /metrics
      interval: {{ .interval }}
{{- end }}
{{- end }}
{{- end }}

{{- define "latchkey.prometheusRule" -}}
{{- with .Values.monitoring.prometheusRule }}
{{- if .enabled }}
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: {{ include "latchkey.name" $ }}
  labels:
    {{- include "latchkey.labels" $ | nindent 4 }}
    {{- with .labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- $.Files.Get "monitoring/alerts.yaml" | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}

{{- define "latchkey.dashboard" -}}
{{- with .Values.monitoring.dashboard }}
{{- if .enabled }}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include "latchkey.name" $ }}-dashboard
  labels:
    {{- include "latchkey.labels" $ | nindent 4 }}
    {{- with .labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
data:
  {{ $.Chart.Name }}.json: |
    {{- $.Files.Get "monitoring/dashboard.json" | nindent 4 }}
{{- end }}
{{- end }}
{{- end }}
