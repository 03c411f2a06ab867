# Reading items out of `onward --json`, for system tests. Source it behind deploy/network.sh.
short_of() { sed -n 's/.*"short": *"\([^"]*\)".*/\1/p' | head -n 1; }
field_of() { # name id box field
  as "$1" "$3" --json | python3 -c '
import json, sys
for item in json.load(sys.stdin)["items"]:
    if item["short"] == sys.argv[1]:
        value = item.get(sys.argv[2], "")
        print(str(value).lower() if isinstance(value, bool) else value)' "$2" "$4"
}
state_is() { [ "$(field_of "$1" "$2" "$3" state)" = "$4" ]; }
arrives() { until_true 60 state_is "$@"; } # name id inbox|sent state
file_is_here() { [ "$(field_of "$1" "$2" "$3" has_file)" = true ]; }
