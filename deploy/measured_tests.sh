#!/bin/sh
# The whole test suite, measured: branch coverage of libs and services over all processes, children included.
#   sh deploy/measured_tests.sh [options of pytest]
# Prints what no test has run, leaves the figures in .coverage.json, and fails with the tests or below 85 %.
set -u

# A folder of its own: two runs at the same time don't mix.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
COVERAGE_FILE=$folder/data
export COVERAGE_FILE

.venv/bin/coverage run -m pytest "$@"
tests=$?
.venv/bin/coverage combine --quiet || exit
.venv/bin/coverage report
.venv/bin/coverage json --quiet -o .coverage.json
total=$(.venv/bin/coverage report --format=total --fail-under=85)
code=$?
echo "branch coverage of libs and services: $total % (at least 85)"
[ "$tests" -eq 0 ] || exit "$tests"
exit "$code"
