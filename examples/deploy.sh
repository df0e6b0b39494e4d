#!/bin/sh
# Tells everyone who has the site open that a new version is out, and the staff
# what is in it. The last step of a deployment:
#
#   SIOEMIT_REDIS_URL=redis://redis.internal examples/deploy.sh v2.1.0 CHANGES.txt
set -eu

version=${1:?usage: deploy.sh VERSION [FILE]}
notes=${2:-/dev/null}

# --string keeps a version such as 2.0 a string; without it, it would be the
# number 2.
sioemit emit --quiet --string deploy "$version"

# A file goes to the staff's namespace as binary. --volatile: a client whose
# connection is slow just now need not get it.
sioemit emit --quiet --namespace staff --volatile --string deploy:notes "$version" --binary "$notes"
