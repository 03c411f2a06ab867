#!/usr/bin/env bash
# Every C file is as clang-format leaves it.
set -euo pipefail
cd "$(dirname "$0")/../.."
faults=0
while IFS= read -r file; do
  [ -f "$file" ] || continue
  if ! difference=$(clang-format "$file" | cmp "$file" - 2>&1); then
    echo "$file:${difference##*line }: not as clang-format leaves it: clang-format -i $file"
    faults=1
  fi
done < <(git ls-files --cached --others --exclude-standard -- '*.c' '*.h')
exit "$faults"
