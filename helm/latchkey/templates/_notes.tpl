{{/* What is not fit for production yet. */}}
{{- define "latchkey.notes" }}
Before production:
{{- if not (hasPrefix "https:" (.Values.tokenIssuer | default "")) }}
- tokenIssuer is plain http: passwords and tokens can be read on their way. Set the https address of
  auth-service, the same in both charts.
{{- end }}
{{- if and .Values.ingress.enabled (not .Values.ingress.tls) }}
- ingress.tls is off: the same.
{{- end }}
{{- if not .Values.database.caSecretName }}
- database.caSecretName is empty: unless a public authority has signed the server's certificate, the
  connection to PostgreSQL is not encrypted, or not verified.
{{- end }}
{{- if not .Values.networkPolicy.enabled }}
- networkPolicy.enabled is false: every pod in the cluster reaches this one, its ops port too.
{{- else if not .Values.networkPolicy.egress.database.peers }}
- networkPolicy.egress.database.peers is empty: the pods may reach any address at that port.
{{- end }}
{{- if not .Values.image.digest }}
- image.digest is empty: a tag can move to another image.
{{- end }}
{{- if not .Values.monitoring.prometheusRule.enabled }}
- monitoring.prometheusRule is off: nobody is told when something breaks.
{{- end }}
- `{{ .Chart.Name }} check` says what else should change.
{{- end }}
