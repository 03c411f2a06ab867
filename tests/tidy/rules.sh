#!/usr/bin/env bash
# The documentation's table of rules is the one that the code obeys.
diff -u ../../docs/spec/table.md <("$1") && exit 0
echo "docs/spec/table.md: is not what proto/rules/table.c says. Write it anew: $1 > docs/spec/table.md"
exit 1
