#!/usr/bin/env perl

# What an emit costs beside the bare client and JSON::PP, in CPU time of the client.
#
# It starts a redis-server of its own. BENCH_JSON=FILE writes the figures into a file, too, one object a line.
# BENCH_QUICK=1 does little of everything: a smoke test, whose figures mean nothing.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../t/lib";

use JSON::PP   ();
use List::Util qw(max min);
use Redis;
use Redis::Fast;
use Time::HiRes qw(clock);

use RedisServer;
use Sioemit;
use Sioemit::MessagePack ();

my ($EVENTS, $ROUNDS) = $ENV{BENCH_QUICK} ? (20, 1) : (1000, 15);

my $ORDER = {
    id    => 12_345,
    title => 'Order shipped',
    price => 19.99,
    tags  => ['a', 'b', 'c'],
    user  => { id => 'u_123', name => 'Ada' },
};

my @figures;

# cpu returns what a piece of work costs for one event, in nanoseconds.
sub cpu {
    my ($work) = @_;
    my $start = clock;
    $work->();
    return 1e9 * (clock() - $start) / $EVENTS;
}

# contest measures two pieces of work in turns, so that a busy machine slows down both.
sub contest {
    my ($client, $what, $work, $against, $reference, %bar) = @_;
    cpu($_) for $work, $reference;
    my @turns = map { [cpu($work), cpu($reference)] } 1 .. $ROUNDS;
    my $ratio = $client eq '' ? 'time' : 'rate';
    push @figures,
        {
        language    => 'perl',
        client      => $client,
        what        => $what,
        nanoseconds => int median(map { $_->[0] } @turns),
        against     => $against,
        ratio       => $ratio,
        rounds      => [map { $ratio eq 'rate' ? $_->[1] / $_->[0] : $_->[0] / $_->[1] } @turns],
        %bar,
        };
    return;
}

sub median {
    my @sorted = sort { $a <=> $b } @_;
    return $sorted[@sorted / 2];
}

sub encoding {
    my $json = JSON::PP->new;
    contest(
        '',
        'encode an event',
        sub { Sioemit::MessagePack->encode('order', [$ORDER], 10) for 1 .. $EVENTS },
        'JSON::PP of the argument',
        sub { $json->encode($ORDER) for 1 .. $EVENTS },
        atMost => 1,
    );
    return;
}

sub publishing {
    my ($client, $redis) = @_;
    my $io = Sioemit->new($redis);
    my (undef, $channel, $message) = $io->{options}{adapter}->broadcast($io->to('r')->{target}, 'order', [$ORDER], 10);
    my $bare = sub {
        $redis->publish($channel, $message, sub { }) for 1 .. $EVENTS;
        $redis->wait_all_responses;
    };
    my $kept = sub {
        $io->pipeline(sub { my $room = $_[0]->to('r'); $room->emit('order', $ORDER) for 1 .. $EVENTS });
    };
    my $each = sub {
        $io->pipeline(sub { my ($pipe) = @_; $pipe->to('r')->emit('order', $ORDER) for 1 .. $EVENTS });
    };
    my @bar = $client eq 'redis' ? (atLeast => 0.3) : ();
    contest($client, 'pipeline, target kept',              $kept, 'a pipeline of ready bytes', $bare, @bar);
    contest($client, 'pipeline, $io->to($room) each time', $each, 'a pipeline of ready bytes', $bare, @bar);
    contest(
        $client,
        '$io->to($room)->emit, one by one',
        sub { $io->to('r')->emit('order', $ORDER) for 1 .. $EVENTS },
        'PUBLISH of ready bytes, one by one',
        sub { $redis->publish($channel, $message) for 1 .. $EVENTS },
    );
    return;
}

sub report {
    my @table = (['client', 'what', 'one', 'compared with', 'ratio (lowest to highest)', 'bar', 'met']);
    for my $figure (@figures) {
        my @rounds = @{ $figure->{rounds} };
        my $value  = median(@rounds);
        my ($least, $most) = @$figure{qw(atLeast atMost)};
        push @table,
            [
            $figure->{client},
            $figure->{what},
            "$figure->{nanoseconds} ns",
            $figure->{against},
            sprintf('%s %.2f (%.2f to %.2f)', $figure->{ratio}, $value, min(@rounds), max(@rounds)),
            defined $least ? "at least $least"                 : defined $most ? "at most $most"                  : '',
            defined $least ? ($value >= $least ? 'yes' : 'NO') : defined $most ? ($value <= $most ? 'yes' : 'NO') : '',
            ];
    }
    for my $row (@table) {
        my $line = join '  ', map {
            my $i = $_;
            sprintf '%-*s', max(map { length $_->[$i] } @table), $row->[$i]
        } 0 .. $#$row;
        print $line =~ s/\s+\z//r, "\n";
    }
    return if !$ENV{BENCH_JSON};
    open my $out, '>', $ENV{BENCH_JSON} or die "$ENV{BENCH_JSON}: $!\n";
    my $json = JSON::PP->new->canonical;
    print {$out} $json->encode($_), "\n" for @figures;
    close $out or die "$ENV{BENCH_JSON}: $!\n";
    return;
}

my $server = RedisServer->new;
encoding();
publishing('redis',      Redis->new(server => $server->address));
publishing('redis-fast', Redis::Fast->new(server => $server->address));
report();
