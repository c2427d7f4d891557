{{- define "ordermesh.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Release and chart, once if they are the same. Short enough for a StatefulSet's pod and revision names. */}}
{{- define "ordermesh.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- $full := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) }}
{{- default $full .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- end }}

{{/* What finds the pods. It can never change, so it holds no version. */}}
{{- define "ordermesh.selector" -}}
app.kubernetes.io/name: {{ include "ordermesh.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: {{ .Values.mode }}
{{- end }}

{{- define "ordermesh.labels" -}}
{{ include "ordermesh.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "ordermesh.serviceAccountName" -}}
{{- $own := .Values.serviceAccount.create | ternary (include "ordermesh.fullname" .) "default" }}
{{- default $own .Values.serviceAccount.name }}
{{- end }}

{{/* The configuration as TOML: a table a section. JSON's strings and booleans are TOML's too. */}}
{{- define "ordermesh.config" -}}
{{- range $section, $settings := .Values.config }}

[{{ $section }}]
{{- range $key, $value := $settings }}
{{ $key }} = {{ kindIs "string" $value | ternary (toJson $value) (kindIs "bool" $value | ternary $value (int64 $value)) }}
{{- end }}
{{- if and (eq $section "server") $.Values.http.enabled }}
http_listen = "0.0.0.0:8080"
{{- end }}
{{- end }}
{{- end }}

{{/* A gRPC probe of the whole server on the health port. */}}
{{- define "ordermesh.probe" -}}
grpc:
  port: 50052
{{- end }}
