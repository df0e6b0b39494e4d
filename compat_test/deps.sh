#!/bin/sh
# Installs what the tests need beyond Go, make, Node and npm, from Debian's
# packages and from PyPI, and says so. It does nothing, and needs no network, when
# all is there.
set -eu

missing=
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
need redis-server redis-server
need redis-cli redis-tools
need nginx nginx
need apache2 apache2
need haproxy haproxy
need gcc gcc # of the race detector, with the headers in libc6-dev
need setpriv util-linux
need flock util-linux
need jq jq
need zsh zsh
need fish fish
need script bsdutils
need groff groff-base
need python3 python3
python3 -c 'import ensurepip' 2>/dev/null || missing="$missing python3-venv" # Debian's python3 leaves it out
need ruby ruby # of an example
need elixir elixir
set -- /usr/lib/erlang/lib/jiffy-*
[ -e "$1" ] || missing="$missing erlang-jiffy"
need mmdebstrap mmdebstrap # makes the roots in which packages are installed
need rpm rpm
need psql postgresql-client
set -- /usr/lib/postgresql/*/bin/postgres # where Debian keeps it, out of $PATH
[ -e "$1" ] || need postgres postgresql
/usr/bin/python3 -c 'import socketio, redis' 2>/dev/null || missing="$missing python3-socketio python3-redis"
[ -e /usr/include/stdlib.h ] || missing="$missing libc6-dev"

# Servers and clients in Python, of the versions that requirements.txt names.
install_python() {
	cd "$(dirname "$0")/python"
	cmp -s requirements.txt .venv/installed && return
	echo "Installing python-socketio and what it needs from PyPI into compat_test/python/.venv"
	rm -rf .venv
	python3 -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
	cp requirements.txt .venv/installed
}
if [ -z "$missing" ]; then
	install_python
	exit 0
fi

if ! command -v apt-get >/dev/null 2>&1; then
	echo "The tests need these, and there is no apt-get to install them:$missing" >&2
	exit 1
fi
sudo=
if [ "$(id -u)" != 0 ]; then
	sudo=sudo
fi
echo "Installing$missing with apt-get; their services stay stopped."
# Debian starts a service when it installs it, unless this file says no.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
	trap '$sudo rm -f $policy' EXIT
	trap 'exit 130' HUP INT TERM # sh runs no EXIT trap on a signal
	printf '#!/bin/sh\nexit 101\n' | $sudo tee $policy >/dev/null
	$sudo chmod +x $policy
fi
$sudo apt-get update -qq
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing >/dev/null
install_python
