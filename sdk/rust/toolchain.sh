#!/bin/sh
# Sees to it that there is a cargo with clippy and rustfmt, not older than a version, and says nothing when there is.
set -eu
oldest=$1

new_enough() { # VERSION
	[ "$(printf '%s\n%s\n' "$oldest" "$1" | sort -V | head -n 1)" = "$oldest" ]
}

ready() {
	command -v cargo >/dev/null && cargo clippy --version >/dev/null 2>&1 && cargo fmt --version >/dev/null 2>&1 &&
		new_enough "$(cargo --version | cut -d ' ' -f 2)"
}

ready && exit 0
if command -v rustup >/dev/null; then
	echo "Installing the stable Rust with rustup"
	rustup toolchain install --profile minimal --component clippy,rustfmt stable
	ready && exit 0
fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	apt-get update -qq
	offered=$(apt-cache policy cargo | sed -n 's/^ *Candidate: //p')
	# Debian says 0.66 where cargo says 1.65.
	if command -v rustup >/dev/null || apt-cache show rustup >/dev/null 2>&1; then
		echo "Installing rustup with apt-get, and the stable Rust with it"
		apt-get install -qq -y --no-install-recommends rustup >/dev/null
		rustup toolchain install --profile minimal --component clippy,rustfmt stable
		ready && exit 0
	fi
	echo "apt-get has cargo $offered only" >&2
fi
echo "Install Rust $oldest or newer, with clippy and rustfmt: https://rustup.rs" >&2
exit 1
