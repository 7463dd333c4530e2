{{- define "latchkey.deployment" -}}
{{- $files := include "latchkey.files" . | fromJsonArray }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "latchkey.name" . }}
  labels:
    {{- include "latchkey.labels" . | nindent 4 }}
spec:
  {{- if not .Values.autoscaling.enabled }}
  replicas: {{ .Values.replicas }}
  {{- else }}
  {{- /* As many as there are: without a number, the release that switches autoscaling on would have
  one, until the autoscaler has counted. */}}
  {{- with lookup "apps/v1" "Deployment" .Release.Namespace (include "latchkey.name" .) }}
  replicas: {{ .spec.replicas }}
  {{- end }}
  {{- end }}
  revisionHistoryLimit: 3
  # The old release serves until the new one does: both work with the new schema.
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxUnavailable: 0
      maxSurge: 1
  selector:
    matchLabels: &selector
      {{- include "latchkey.selector" . | nindent 6 }}
      app.kubernetes.io/component: service
  template:
    metadata:
      labels:
        {{- include "latchkey.labels" . | nindent 8 }}
        app.kubernetes.io/component: service
        {{- with .Values.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      annotations:
        kubectl.kubernetes.io/default-container: {{ .Chart.Name }}
        {{- with .Values.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      {{- include "latchkey.pod" . | nindent 6 }}
      serviceAccountName: {{ include "latchkey.name" . }}
      # A Service in this namespace must not become a variable that the service reads.
      enableServiceLinks: false
      # The pause before SIGTERM, what requests may take after it, and 20 s for what comes last:
      # background work has 15, the exporter of traces 5.
      terminationGracePeriodSeconds: {{ add .Values.preStopSeconds .Values.shutdownGraceSeconds 20 }}
      topologySpreadConstraints:
        {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
        - topologyKey: {{ . }}
          maxSkew: 1
          whenUnsatisfiable: {{ $.Values.topologySpread }}
          labelSelector:
            matchLabels: *selector
          # Or the pods that an update replaces would count.
          matchLabelKeys: [pod-template-hash]
        {{- end }}
      containers:
        - name: {{ .Chart.Name }}
          {{- include "latchkey.container" . | nindent 10 }}
          args: [serve]
          env:
            {{- include "latchkey.fileVariables" $files | trim | nindent 12 }}
            - name: SHUTDOWN_GRACE
              value: {{ .Values.shutdownGraceSeconds }}s
            {{- range $name, $value := include "service.environment" . | fromJson }}
            {{- $text := include "latchkey.text" $value }}
            {{- if $text }}
            - name: {{ $name }}
              value: {{ $text | quote }}
            {{- end }}
            {{- end }}
            {{- with .Values.extraEnv }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          ports:
            - name: http
              containerPort: {{ include "latchkey.port" .Values.listenAddr }}
            - name: ops
              containerPort: {{ include "latchkey.port" .Values.opsAddr }}
          startupProbe:
            httpGet: &live { path: /health/live, port: ops }
            periodSeconds: 1
            failureThreshold: 60
          # Live it is also without PostgreSQL: a restart would not bring that back.
          livenessProbe:
            httpGet: *live
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 3
          readinessProbe:
            httpGet: { path: /health/ready, port: ops }
            periodSeconds: 5
            # Without PostgreSQL it says no within 2 s.
            timeoutSeconds: 3
            failureThreshold: 2
          lifecycle:
            preStop:
              # Until no proxy sends new connections here any more. The image has no shell, so this
              # is Kubernetes' own sleep.
              sleep:
                seconds: {{ .Values.preStopSeconds }}
          resources:
            {{- toYaml .Values.resources | nindent 12 }}
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
{{- end }}
