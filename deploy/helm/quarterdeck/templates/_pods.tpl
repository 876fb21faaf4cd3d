{{/* What all pods have. */}}
{{- define "quarterdeck.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "quarterdeck.locked" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- define "quarterdeck.container" -}}
image: {{ include "quarterdeck.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  {{- include "quarterdeck.locked" . | nindent 2 }}
envFrom:
  - secretRef:
      name: {{ include "quarterdeck.secret" . }}
env:
  - name: QUARTERDECK_PUBLIC_URL
    value: {{ .Values.publicUrl | quote }}
  - name: QUARTERDECK_TRUSTED_PROXIES
    value: {{ .Values.trustedProxies | quote }}
  - name: QUARTERDECK_LOG_LEVEL
    value: {{ .Values.logLevel | quote }}
  - name: QUARTERDECK_DATABASE_POOL
    value: {{ .Values.databasePool | quote }}
  {{- with .Values.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
volumeMounts:
  - name: data
    mountPath: /data
  - name: tmp
    mountPath: /tmp
{{- end }}

{{/* Nothing in /data must last: the record is in PostgreSQL, the key in the Secret. */}}
{{- define "quarterdeck.volumes" -}}
- name: data
  emptyDir:
    sizeLimit: 64Mi
- name: tmp
  emptyDir:
    sizeLimit: 64Mi
{{- end }}

{{- define "quarterdeck.proxyVolumes" -}}
- name: proxy
  configMap:
    name: {{ include "quarterdeck.fullname" . }}-proxy
- name: proxy-tmp
  emptyDir:
    sizeLimit: 64Mi
{{- end }}

{{/* A sidecar: there before the server and until after it, so that it drains through a proxy that lives. */}}
{{- define "quarterdeck.proxy" -}}
name: proxy
image: {{ .Values.proxy.image }}
imagePullPolicy: {{ .Values.proxy.pullPolicy }}
restartPolicy: Always
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
    # The image's caddy carries this as a mark on its file and does not start where it is impossible.
    add: [NET_BIND_SERVICE]
env:
  - name: XDG_CONFIG_HOME
    value: /tmp
  - name: XDG_DATA_HOME
    value: /tmp
ports:
  - name: http
    containerPort: 8080
  - name: admin
    containerPort: 9090
startupProbe:
  tcpSocket:
    port: admin
  periodSeconds: 1
  failureThreshold: 30
livenessProbe:
  tcpSocket:
    port: admin
  periodSeconds: 20
resources:
  {{- toYaml .Values.proxy.resources | nindent 2 }}
volumeMounts:
  - name: proxy
    mountPath: /etc/caddy
    readOnly: true
  - name: proxy-tmp
    mountPath: /tmp
{{- end }}

{{- define "quarterdeck.spread" -}}
topologySpreadConstraints:
  {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "quarterdeck.selector" $.root | nindent 8 }}
        app.kubernetes.io/component: {{ $.component }}
  {{- end }}
{{- end }}

{{- define "quarterdeck.placing" -}}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
