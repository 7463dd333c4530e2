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
  "ACCESS_TOKEN_TTL" .accessTokenTtl
  "REFRESH_TOKEN_TTL" .refreshTokenTtl
  "REFRESH_GRACE" .refreshGrace
  "ARGON2_MEMORY_KIB" .argon2MemoryKib
  "ARGON2_ITERATIONS" .argon2Iterations
  "ARGON2_PARALLELISM" .argon2Parallelism
  "HASH_CONCURRENCY" .hashConcurrency
  "HASH_QUEUE" .hashQueue
  "NETWORK_FAILURES" .networkFailures
| toJson }}
{{- end }}
{{- end }}

{{- define "service.files" -}}
{{- $files := list }}
{{- with .Values.passwordPepper }}
{{- if .secretName }}
{{- $items := list (dict "key" .secretKey "path" "password-pepper" "variable" "PASSWORD_PEPPER_FILE") }}
{{- $files = append $files (dict "folder" "pepper" "secret" .secretName "items" $items) }}
{{- end }}
{{- end }}
{{- toJson $files }}
{{- end }}

{{/* Not /credentials, /introspect and /admin: the shop and admins call them within the cluster. */}}
{{- define "service.paths" -}}
{{- list "/login" "/token" "/revoke" "/.well-known/oauth-authorization-server" "/password" "/sessions" "/docs" "/openapi.json" | toJson }}
{{- end }}

{{/* The shop registers users here. */}}
{{- define "service.clients" -}}
{{- list (dict "podSelector" (dict "matchLabels" (dict "app.kubernetes.io/name" "shop-service" "app.kubernetes.io/component" "service"))) | toJson }}
{{- end }}

{{- define "service.egress" -}}
[]
{{- end }}
