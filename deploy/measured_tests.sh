#!/bin/sh
# The whole test suite, measured: branch coverage of libs and services, in the workers of pytest and in each
# service that a test starts by itself; commands and whole stacks run unmeasured.
#   sh deploy/measured_tests.sh [options of pytest]
# Fails with the tests or below the limit. What no test has run is in .coverage.txt, the figures in .coverage.json.
set -u

# Percent.
limit=95

# A folder of its own: two runs at the same time don't mix.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
COVERAGE_FILE=$folder/data
export COVERAGE_FILE

.venv/bin/coverage run -m pytest "$@"
tests=$?
.venv/bin/coverage combine --quiet || exit
.venv/bin/coverage json --quiet -o .coverage.json
.venv/bin/coverage report --fail-under="$limit" >.coverage.txt
code=$?
echo "branch coverage of libs and services: $(awk '/^TOTAL/ {print $NF}' .coverage.txt), $limit% is needed; what no test has run: .coverage.txt"
[ "$tests" -eq 0 ] || exit "$tests"
exit "$code"
