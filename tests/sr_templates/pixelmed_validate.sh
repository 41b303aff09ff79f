#!/usr/bin/env bash
# PixelMed's DicomSRValidator over SR files, in one JVM.
#   tests/sr_templates/pixelmed_validate.sh FILE...
# Exit status: 0 no error (warnings are printed); 1 an error; 77 javac or PixelMed is not installed.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
jars=/usr/share/java
if [ ! -r "$jars/pixelmed.jar" ] || ! command -v javac >/dev/null; then
  echo "skipped: no PixelMed or no javac (scripts/deps)"
  exit 77
fi
classes=$(mktemp -d "${TMPDIR:-/tmp}/cervigate-pixelmed.XXXXXX")
trap 'rm -rf "$classes"' EXIT
path=$jars/pixelmed.jar
for jar in commons-codec commons-cli javax.json; do
  [ -r "$jars/$jar.jar" ] && path=$path:$jars/$jar.jar
done
javac -J-XX:TieredStopAtLevel=1 -cp "$path" -d "$classes" "$here/ValidateAll.java"
# The second compiler of the JVM takes longer than it saves until there are some dozen files.
level=4
[ $# -gt 30 ] || level=1
# Java 17's limits on XPath are lower than the size of PixelMed's rules.
java -XX:TieredStopAtLevel=$level -Djdk.xml.xpathTotalOpLimit=0 -Djdk.xml.xpathExprOpLimit=0 -Djdk.xml.xpathExprGrpLimit=0 \
  -XX:+UseSerialGC -cp "$classes:$path" ValidateAll "$@"
