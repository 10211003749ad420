#!/bin/sh
# Deletes files that Node never loads from a folder of packages.
set -eu
find "$1" -type f \( -name '*.map' -o -name '*.ts' -o -name '*.mts' -o -name '*.cts' -o -name '*.flow' \
  -o -name '*.md' -o -name '*.markdown' -o -name '.*' \) ! -iname 'license*' -delete
find "$1" -type d \( -name test -o -name tests -o -name __tests__ -o -name docs -o -name example -o -name examples \
  -o -name benchmark -o -name benchmarks -o -name .github \) -prune -exec rm -rf {} +
