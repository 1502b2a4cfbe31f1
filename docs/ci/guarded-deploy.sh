#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# guarded-deploy.sh SERVICE VERSION COMMAND...: deploys by COMMAND under the guard of revertd, and ends with its verdict:
# 0 healthy, 10 rolled back and verified, 11 the rollback failed, 12 bad but not rolled back, 13 superseded,
# 14 inconclusive, 15 aborted by a person. Everything but 0 fails a job.
set -euo pipefail
service=$1 version=$2
shift 2

# 3: known to be bad. 4: frozen, or an incident is open. 6: an unsafe migration. 5, nothing to go back to, is no reason to
# stop here: a first deploy has no earlier version.
code=0
revertctl gate "$service" "$version" || code=$?
[[ $code == 0 || $code == 5 ]] || exit "$code"

id=$(revertctl deploy start "$service" --version "$version")
# A deploy that breaks off is told: half of it may be live.
trap '[[ $? == 0 ]] || revertctl deploy finish "$id" --failed' EXIT
"$@"
trap - EXIT

revertctl deploy watch "$id" --wait
