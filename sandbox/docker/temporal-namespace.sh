#!/bin/sh
# Makes the namespace, and registers what runs are found by (workflows/search-attributes.ts). May be repeated.
# TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE are read by `temporal` itself.
set -eu

tries=0
until temporal operator cluster health; do
  tries=$((tries + 1))
  if [ "$tries" -ge 30 ]; then
    echo "Temporal at $TEMPORAL_ADDRESS is not healthy" >&2
    exit 1
  fi
  sleep 2
done

# Histories are kept for as long as an audit may ask for them; reports stay in the store.
temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1 ||
  temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention 90d

register() {
  temporal operator search-attribute create --name "$1" --type "$2"
}

known=
tries=0
until known=$(temporal operator search-attribute list); do
  tries=$((tries + 1))
  # A new namespace is known to the whole server only after a while.
  if [ "$tries" -ge 30 ]; then exit 1; fi
  sleep 2
done
for one in DrScenario:Keyword DrEnvironment:Keyword DrPhase:Keyword DrOutcome:Keyword DrVerdict:Keyword DrDrill:Bool \
  DrRtoSeconds:Int; do
  name=${one%%:*}
  case "$known" in *"$name"*) ;; *) register "$name" "${one##*:}" ;; esac
done
