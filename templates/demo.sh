#!/bin/sh
# Runs the quickstart workflow for real, offline, and says where its report is. `make demo` calls it from a checkout.
# A checkout without git history (an unpacked archive) gets a small repository of its own to look at.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
out="$here/build/demo"
mkdir -p "$out"
repository=$here
if ! git -C "$here" rev-parse --verify --quiet HEAD >/dev/null 2>&1; then
  repository="$out/repository"
  rm -rf "$repository"
  mkdir -p "$repository"
  cp -R "$here/actorflow" "$here/README.md" "$repository/"
  git -C "$repository" init --quiet
  git -C "$repository" add .
  git -C "$repository" -c user.name=demo -c user.email=demo@localhost commit --quiet -m "A snapshot"
fi
cd "$here"
actorflow run templates/quickstart.yaml --state-dir "$out/state" \
  --set "repository=$repository" --set "report_file=$out/report.md"
echo
actorflow graph last --state-dir "$out/state" -o "$out/graph.svg" >/dev/null
actorflow timeline last --state-dir "$out/state" -o "$out/timeline.svg" >/dev/null
echo "The report:            $out/report.md"
echo "The picture:           $out/graph.svg"
echo "The timeline:          $out/timeline.svg"
echo "What happened, again:  $here/.venv/bin/actorflow status last --state-dir $out/state"
