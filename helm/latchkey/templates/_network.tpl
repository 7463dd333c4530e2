{{/* Rules for the named entries of networkPolicy.egress, as JSON. Without peers, an entry stands for
any address, at its ports. */}}
{{- define "latchkey.egress" -}}
{{- $rules := list }}
{{- range $name := .names }}
{{- $entry := index $.context.Values.networkPolicy.egress $name }}
{{- $ports := list }}
{{- range $entry.ports }}
{{- $ports = append $ports (dict "protocol" "TCP" "port" .) }}
{{- if eq $name "dns" }}{{ $ports = append $ports (dict "protocol" "UDP" "port" .) }}{{ end }}
{{- end }}
{{- $rule := dict "ports" $ports }}
{{- with $entry.peers }}{{ $rule = set $rule "to" . }}{{ end }}
{{- $rules = append $rules $rule }}
{{- end }}
{{- toJson $rules }}
{{- end }}

{{/*
The service's pods hear from whom they serve, and speak to what they need. The kubelet's probes come
from the pod's own node, which a NetworkPolicy never holds back; `kubectl port-forward` ends within
the pod.
*/}}
{{- define "latchkey.networkPolicy" -}}
{{- if .Values.networkPolicy.enabled }}
{{- $values := .Values.networkPolicy.ingress }}
{{- $callers := concat (include "service.clients" . | fromJsonArray) $values.clients }}
{{- if .Values.ingress.enabled }}{{ $callers = concat $callers $values.controller }}{{ end }}
{{- $egress := concat (list "dns" "database") (include "service.egress" . | fromJsonArray) }}
{{- if .Values.otelExporterOtlpEndpoint }}{{ $egress = append $egress "collector" }}{{ end }}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "latchkey.name" . }}
  labels:
    {{- include "latchkey.labels" . | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      {{- include "latchkey.selector" . | nindent 6 }}
      app.kubernetes.io/component: service
  policyTypes: [Ingress, Egress]
  ingress:
    # An empty list of peers would mean everybody.
    {{- with $callers }}
    - from:
        {{- toYaml . | nindent 8 }}
      ports:
        - { protocol: TCP, port: http }
    {{- end }}
    - from:
        - podSelector:
            matchLabels:
              {{- include "latchkey.selector" . | nindent 14 }}
              app.kubernetes.io/component: test
        {{- with $values.monitoring }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      ports:
        - { protocol: TCP, port: ops }
  egress:
    {{- include "latchkey.egress" (dict "context" . "names" $egress) | fromJsonArray | toYaml | nindent 4 }}
    {{- with .Values.networkPolicy.extraEgress }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}
{{- end }}

{{/* For a hook's pods: also where the namespace denies everything else they reach what they need,
and only that. It comes before the pods and goes with them. */}}
{{- define "latchkey.hookPolicy" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "latchkey.name" .context }}-{{ .component }}
  labels:
    {{- include "latchkey.labels" .context | nindent 4 }}
  annotations:
    helm.sh/hook: {{ .hook }}
    helm.sh/hook-weight: "-5"
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
spec:
  podSelector:
    matchLabels:
      {{- include "latchkey.selector" .context | nindent 6 }}
      app.kubernetes.io/component: {{ .component }}
  policyTypes: [Ingress, Egress]
  egress:
    {{- toYaml .egress | nindent 4 }}
{{- end }}
