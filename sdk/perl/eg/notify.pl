#!/usr/bin/env perl

# Tells one user, everyone but the muted, and the servers: perl eg/notify.pl [HOST:PORT]

use strict;
use warnings;

use Redis;
use Sioemit;

my $io = Sioemit->new(Redis->new(server => $ARGV[0] // 'localhost:6379'));
$io->to('user:7')->emit('order:paid', { id => 12345, total => 19.99 });
$io->except('muted')->emit('news', 'The shop is open');
$io->server_side_emit('reload-config');
print $io->server_count, " servers listen\n";
