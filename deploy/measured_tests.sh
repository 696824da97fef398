#!/bin/sh
# The whole test suite, measured: branch coverage of libs and services over all processes, children included.
#   sh deploy/measured_tests.sh [--keep] [options of pytest]
# --keep prints what no test has run and leaves the figures in .coverage.json.
set -u
keep=
if [ "${1:-}" = --keep ]; then keep=1; shift; fi

# A folder of its own: two runs at the same time don't mix.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
COVERAGE_FILE=$folder/data
export COVERAGE_FILE

.venv/bin/coverage run -m pytest "$@" || exit
.venv/bin/coverage combine --quiet || exit
if [ "$keep" ]; then
	.venv/bin/coverage report
	.venv/bin/coverage json --quiet -o .coverage.json
fi
total=$(.venv/bin/coverage report --format=total --fail-under=85)
code=$?
echo "branch coverage of libs and services: $total % (at least 85)"
exit $code
