{{/* Only the paths that the chart lists. What is not listed does not leave the cluster. */}}
{{- define "latchkey.ingress" -}}
{{- with .Values.ingress }}
{{- if .enabled }}
{{- $host := required "ingress.host is missing: name the host under which the public reaches this service" .host }}
{{- if not $.Values.trustedProxies }}
{{- fail "trustedProxies is empty: with an Ingress, name the networks of its controller's pods, or every client would count as that proxy when failed logins are throttled" }}
{{- end }}
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {{ include "latchkey.name" $ }}
  labels:
    {{- include "latchkey.labels" $ | nindent 4 }}
  {{- with .annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- with .className }}
  ingressClassName: {{ . }}
  {{- end }}
  {{- if .tls }}
  tls:
    - hosts: [{{ $host | quote }}]
      secretName: {{ .tlsSecretName | default (printf "%s-tls" (include "latchkey.name" $)) }}
  {{- end }}
  rules:
    - host: {{ $host | quote }}
      http:
        paths:
          {{- range include "service.paths" $ | fromJsonArray }}
          - path: {{ . }}
            pathType: Prefix
            backend:
              service:
                name: {{ include "latchkey.name" $ }}
                port: { name: http }
          {{- end }}
{{- end }}
{{- end }}
{{- end }}
