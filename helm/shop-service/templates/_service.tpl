{{/* What latchkey's library asks for. A value that is empty is left to the service's default. */}}

{{- define "service.environment" -}}
{{- with .Values -}}
{{- dict
  "LISTEN_ADDR" .listenAddr
  "OPS_ADDR" .opsAddr
  "DATABASE_POOL_SIZE" .databasePoolSize
  "MIGRATE_ON_START" .migrateOnStart
  "TOKEN_ISSUER" .tokenIssuer
  "TOKEN_AUDIENCE" .tokenAudience
  "REGISTRATION_CLIENT_ID" .registrationClientId
  "CORS_ALLOWED_ORIGINS" .corsAllowedOrigins
  "TRUSTED_PROXIES" .trustedProxies
  "MAX_CONNECTIONS" .maxConnections
  "LOG_FORMAT" .logFormat
  "RUST_LOG" .rustLog
  "OTEL_EXPORTER_OTLP_ENDPOINT" .otelExporterOtlpEndpoint
  "AUTH_URL" .authUrl
  "AUTH_TIMEOUT" .authTimeout
  "PUBLIC_AUTH_URL" .publicAuthUrl
  "MAIL_FROM" .mailFrom
| toJson }}
{{- end }}
{{- end }}

{{- define "service.files" -}}
{{- $files := list }}
{{- with .Values.mailUrl }}
{{- if .secretName }}
{{- $items := list (dict "key" .secretKey "path" "url" "variable" "MAIL_URL_FILE") }}
{{- $files = append $files (dict "folder" "mail" "secret" .secretName "items" $items) }}
{{- end }}
{{- end }}
{{- toJson $files }}
{{- end }}

{{/* Not /admin: admins call it within the cluster. */}}
{{- define "service.paths" -}}
{{- list "/user" "/products" "/cart" "/orders" "/docs" "/openapi.json" | toJson }}
{{- end }}

{{- define "service.clients" -}}
[]
{{- end }}

{{- define "service.egress" -}}
{{- $names := list "auth" }}
{{- if .Values.mailUrl.secretName }}{{ $names = append $names "mail" }}{{ end }}
{{- toJson $names }}
{{- end }}
