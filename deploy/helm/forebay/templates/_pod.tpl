{{/* What every container of ours may do: next to nothing. */}}
{{- define "forebay.confined" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- define "forebay.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "forebay.mounts" -}}
- {name: config, mountPath: /etc/forebay, readOnly: true}
- {name: state, mountPath: /var/lib/forebay}
- {name: tmp, mountPath: /tmp}
{{- if ne . "web" }}
- {name: secrets, mountPath: /run/secrets/forebay, readOnly: true}
{{- end }}
{{- end }}

{{/* The engine sees the key by which the gateway asks it, and no other. */}}
{{- define "forebay.secretVolume" -}}
{{- $root := index . 0 -}}
- name: secrets
  secret:
    secretName: {{ include "forebay.secret" $root }}
    defaultMode: 0440
    {{- if eq (index . 1) "engine" }}
    items: [{key: engine-key, path: engine-key}]
    {{- end }}
{{- end }}
