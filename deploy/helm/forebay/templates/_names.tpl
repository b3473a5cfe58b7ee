{{/* The release as a prefix of names. */}}
{{- define "forebay.name" -}}
{{- if contains "forebay" .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-forebay" .Release.Name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}

{{/* The name of a part's objects: include with (list $ "engine"). */}}
{{- define "forebay.component" -}}
{{ include "forebay.name" (index . 0) }}-{{ index . 1 }}
{{- end }}

{{- define "forebay.selector" -}}
app.kubernetes.io/name: forebay
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "forebay.labels" -}}
{{ include "forebay.selector" . }}
app.kubernetes.io/version: {{ (index . 0).Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ (index . 0).Release.Service }}
helm.sh/chart: {{ (index . 0).Chart.Name }}-{{ (index . 0).Chart.Version }}
{{- end }}

{{- define "forebay.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}{{ .Values.serviceAccount.name | default (include "forebay.name" .) }}{{ else }}{{ .Values.serviceAccount.name | default "default" }}{{ end }}
{{- end }}

{{- define "forebay.secret" -}}
{{ .Values.secrets.existing | default (include "forebay.name" .) }}
{{- end }}

{{- define "forebay.image" -}}
{{- $root := index . 0 -}}
{{ $root.Values.image.repository }}-{{ index . 1 }}:{{ $root.Values.image.tag | default $root.Chart.AppVersion }}
{{- end }}

{{/* A part's configuration, with the `server` that goes with the chart's ports and probes. */}}
{{- define "forebay.config" -}}
{{- $root := index . 0 }}{{ $part := index . 1 }}{{ $values := index $root.Values $part -}}
{{- $server := dict "role" $part "host" "0.0.0.0" "port" 8080 "shutdown_timeout" (printf "%ds" (int $values.shutdownSeconds)) -}}
{{- if eq $part "web" }}{{ $server = set $server "gateway" (printf "http://%s:8080" (include "forebay.component" (list $root "gateway"))) }}{{ end -}}
{{ toYaml (dict "server" $server) }}
{{ tpl (toYaml $values.config) $root }}
{{- end }}
