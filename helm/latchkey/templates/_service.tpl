{{- define "latchkey.serviceAccount" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "latchkey.name" . }}
  labels:
    {{- include "latchkey.labels" . | nindent 4 }}
automountServiceAccountToken: false
{{- end }}

{{- define "latchkey.service" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ include "latchkey.name" . }}
  labels:
    {{- include "latchkey.labels" . | nindent 4 }}
  {{- with .Values.service.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  type: ClusterIP
  selector:
    {{- include "latchkey.selector" . | nindent 4 }}
    app.kubernetes.io/component: service
  ports:
    - name: http
      port: {{ include "latchkey.port" .Values.listenAddr }}
      targetPort: http
    - name: ops
      port: {{ include "latchkey.port" .Values.opsAddr }}
      targetPort: ops
{{- end }}

{{/* `helm test`: the service's own image asks the Service, by the variables that Kubernetes sets. */}}
{{- define "latchkey.test" -}}
{{- $variable := include "latchkey.name" . | upper | replace "-" "_" | replace "." "_" }}
{{- /* In a cluster of IPv6 the host needs brackets. */}}
{{- $open := ternary "[" "" (hasPrefix "[" .Values.opsAddr) }}
{{- $close := ternary "]" "" (hasPrefix "[" .Values.opsAddr) }}
apiVersion: v1
kind: Pod
metadata:
  name: {{ include "latchkey.name" . }}-test
  labels:
    {{- include "latchkey.labels" . | nindent 4 }}
    app.kubernetes.io/component: test
  annotations:
    helm.sh/hook: test
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
spec:
  {{- include "latchkey.pod" . | nindent 2 }}
  enableServiceLinks: true
  restartPolicy: Never
  activeDeadlineSeconds: 60
  containers:
    - name: healthcheck
      {{- include "latchkey.container" . | nindent 6 }}
      args: [healthcheck]
      env:
        - name: OPS_ADDR
          value: "{{ $open }}$({{ $variable }}_SERVICE_HOST){{ $close }}:$({{ $variable }}_SERVICE_PORT_OPS)"
      resources:
        requests: { cpu: 10m, memory: 16Mi }
        limits: { cpu: 100m, memory: 64Mi }
{{- if .Values.networkPolicy.enabled }}
---
{{- $to := dict "podSelector" (dict "matchLabels" (include "latchkey.selector" . | fromYaml)) }}
{{- $port := dict "protocol" "TCP" "port" (include "latchkey.port" .Values.opsAddr | int) }}
{{ include "latchkey.hookPolicy" (dict "context" . "component" "test" "hook" "test" "egress" (list (dict "to" (list $to) "ports" (list $port)))) }}
{{- end }}
{{- end }}
