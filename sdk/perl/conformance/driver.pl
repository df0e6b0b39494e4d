#!/usr/bin/env perl

# The driver through which the conformance suite calls the emitter. docs/conformance.md describes its lines.

use strict;
use warnings;
no if $] >= 5.035, warnings => 'experimental::builtin';

use JSON::PP     ();
use MIME::Base64 qw(decode_base64 encode_base64);
use Scalar::Util qw(blessed);

use Sioemit qw(bin);

my @VARIANTS = qw(redis redis-fast);
my %CLASSES  = ('redis' => 'Redis', 'redis-fast' => 'Redis::Fast');
my @FEATURES = qw(classic sharded streams python pipeline server-count numbers replies confirm);

my %CALLS = (
    socketsJoin           => 'sockets_join',
    socketsLeave          => 'sockets_leave',
    disconnectSockets     => 'disconnect_sockets',
    serverSideEmit        => 'server_side_emit',
    serverCount           => 'server_count',
    emitWithAck           => 'emit_with_ack',
    fetchSockets          => 'fetch_sockets',
    serverSideEmitWithAck => 'server_side_emit_with_ack',
);
my %OPTIONS = (
    adapter          => 'adapter',
    key              => 'key',
    codec            => 'codec',
    serverVersion    => 'server_version',
    maxAttachments   => 'max_attachments',
    socketIds        => 'socket_ids',
    channelPrefix    => 'channel_prefix',
    subscriptionMode => 'subscription_mode',
    streamName       => 'stream_name',
    streamCount      => 'stream_count',
    maxLen           => 'max_len',
    useShardedPubSub => 'use_sharded_pubsub',
    channel          => 'channel',
    allowBinary      => 'allow_binary',
);

# Numbers beyond 2^64 would be text without allow_bignum.
my $json = JSON::PP->new->utf8->canonical->allow_bignum;

# Ordered is a hash with an order.
package Ordered {

    sub TIEHASH { return bless { keys => [], values => {} }, $_[0] }

    sub STORE {
        my ($self, $key, $value) = @_;
        push @{ $self->{keys} }, $key if !exists $self->{values}{$key};
        $self->{values}{$key} = $value;
        return;
    }
    sub FETCH    { return $_[0]{values}{ $_[1] } }
    sub EXISTS   { return exists $_[0]{values}{ $_[1] } }
    sub SCALAR   { return scalar @{ $_[0]{keys} } }
    sub FIRSTKEY { $_[0]{next} = 0; return NEXTKEY($_[0]) }
    sub NEXTKEY  { return $_[0]{keys}[$_[0]{next}++] }
}

sub ordered {
    my (@pairs) = @_;
    tie my %hash, 'Ordered';
    while (my ($key, $value) = splice @pairs, 0, 2) {
        $hash{$key} = $value;
    }
    return \%hash;
}

# decode reads a line. JSON::PP refuses halves of surrogate pairs, which cases about broken text have: they stand
# between two characters that are none while it looks.
sub decode {
    my ($text) = @_;
    $text =~ s/(\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\[^u])|\\u([dD][89a-fA-F]..)/$1 || "\\uFDD0$2\\uFDD1"/ge;
    return broken($json->decode($text));
}

sub broken {
    my ($v) = @_;
    return [map { broken($_) } @$v]                    if ref $v eq 'ARRAY';
    return { map { $_ => broken($v->{$_}) } keys %$v } if ref $v eq 'HASH';
    return 0 + $v->bstr if blessed $v && $v->can('bstr');    # the nearest float64, as in JavaScript
    $v =~ s/\x{FDD0}(....)\x{FDD1}/chr hex $1/ge if defined $v && !ref $v && !Sioemit::Encoder::is_number($v);
    return $v;
}

sub value {
    my ($v) = @_;
    return [map { value($_) } @$v] if ref $v eq 'ARRAY';
    return $v                      if ref $v ne 'HASH';
    if (keys %$v == 1) {
        my ($tag) = keys %$v;
        return tagged($tag, $v->{$tag}) if $tag =~ /\A\$/;
    }
    return { map { $_ => value($v->{$_}) } keys %$v };
}

sub tagged {
    my ($tag, $v) = @_;
    return bin(decode_base64($v)) if $tag eq '$binary';
    return date($v)               if $tag eq '$date';
    return do { require Math::BigInt; Math::BigInt->new($v) }
        if $tag eq '$bigint';
    return { 'NaN' => -sin(9**9**9), 'Infinity' => 9**9**9, '-Infinity' => -9**9**9 }->{$v} // 0 + $v
        if $tag eq '$float';
    return ordered(map { ($_->[0], value($_->[1])) } @$v) if $tag eq '$object';
    return { map { $_ => value($v->{$_}) } keys %$v }     if $tag eq '$literal';
    if ($tag eq '$cycle') {
        my $cycle = $v eq 'array' ? [] : {};
        $v eq 'array' ? push @$cycle, $cycle : ($cycle->{self} = $cycle);
        return $cycle;
    }
    die { skip => "no tag $tag" } if $tag ne '$repeat';
    if ($v->{nest}) {
        my $out;
        $out = $v->{nest} eq 'array' ? [$out] : { a => $out } for 1 .. $v->{count};
        return $out;
    }
    my $repeated = value($v->{value});
    return [(@$repeated) x $v->{count}]        if ref $repeated eq 'ARRAY';
    return bin($repeated->bytes x $v->{count}) if ref $repeated;
    return $repeated x $v->{count};
}

sub date {
    my ($text) = @_;
    require DateTime;
    my ($year, $month, $day, $hour, $minute, $second, $fraction) =
        $text =~ /\A(\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+)(\.\d+)?Z\z/
        or die { skip => "no date $text" };
    return DateTime->new(
        year       => $year,
        month      => $month,
        day        => $day,
        hour       => $hour,
        minute     => $minute,
        second     => $second,
        nanosecond => sprintf('%.0f', 1e9 * ($fraction || 0)),
        time_zone  => 'UTC',
    );
}

# tagged_value is the way back: what an answer holds, in JSON.
sub tagged_value {
    my ($v) = @_;
    return [map { tagged_value($_) } @$v]                if ref $v eq 'ARRAY';
    return { '$binary' => encode_base64($v->bytes, '') } if blessed $v && $v->isa('Sioemit::Binary');
    return $v                                            if ref $v ne 'HASH';
    my %tagged = map { $_ => tagged_value($v->{$_}) } keys %$v;
    return keys %tagged == 1 && (keys %tagged)[0] =~ /\A\$/ ? { '$literal' => \%tagged } : \%tagged;
}

# What a call returns, in the form that all languages have.
my %RESULTS = (
    serverCount => sub { $_[0] },
    confirm     => sub { $_[0] },
    emitWithAck => sub {
        my ($acks) = @_;
        return {
            values    => tagged_value($acks->{values}),
            clients   => $acks->{clients},
            servers   => $acks->{servers},
            perServer => $acks->{per_server}
        };
    },
    fetchSockets => sub {
        return [
            map {
                my $socket  = $_;
                my @numbers = grep { Sioemit::Encoder::is_number($_) } @{ $socket->{rooms} };
                my @texts   = grep { !Sioemit::Encoder::is_number($_) } @{ $socket->{rooms} };
                {
                    id          => $socket->{id},
                    rooms       => \@texts,
                    numberRooms => \@numbers,
                    data        => tagged_value($socket->{data}),
                    handshake   => tagged_value($socket->{handshake})
                }
            } @_
        ];
    },
    serverSideEmitWithAck => sub { tagged_value([@_]) },
    rooms                 => sub { [@_] },
);

sub call {
    my ($io, $step) = @_;
    for my $link (@{ $step->{chain} || [] }) {
        my ($name, @words) = @$link;
        $words[0] /= 1000 if $name eq 'timeout';
        $io = $io->$name(@words);
    }
    my ($name, @words) = @{ $step->{call} };
    my $method = $CALLS{$name} || $name;
    return $io->$method(map { value($_) } @words);
}

sub incomplete {
    my ($error, $call) = @_;
    my $partial = $error->partial;
    return (
        missing => { map { $_ => $error->$_ } qw(servers asked clients expected unread) },
        $call && ref $partial ? (result => $call->(ref $partial eq 'ARRAY' ? @$partial : $partial)) : ()
    );
}

my ($variant, @more) = @ARGV;
if (defined $variant && $variant eq '--list') {
    print "$_\n" for @VARIANTS;
    exit;
}
die 'usage: run --list, or run VARIANT, one of ', join(', ', @VARIANTS), "\n"
    if @more || !defined $variant || !$CLASSES{$variant};
my $class = $CLASSES{$variant};
require(($class =~ s{::}{/}gr) . '.pm');

my %clients;

sub emitter {
    my ($line) = @_;
    my ($user, $secret, $address) = $line->{redis} =~ m{\Aredis://(?:([^:@]*):([^@]*)@)?([^/]+)\z}
        or die "no redis URL: $line->{redis}\n";
    my $login   = sub { $_[0]->auth($user || (), $secret) };    # Redis::Fast has no option username
    my $connect = sub {
        $class->new(server => $address, reconnect => 5, every => 10_000, defined $secret ? (on_connect => $login) : ());
    };
    my $redis = $clients{ $line->{redis} } //= $connect->();
    my $given = $line->{options} || {};
    for my $name (keys %$given) {
        die { skip => "no option $name" } if !$OPTIONS{$name};
    }
    my @another = $class eq 'Redis' ? () : (connect => $connect);    # a Redis shows how it connects
    return Sioemit->new($redis, @another, map { $OPTIONS{$_} => $given->{$_} } keys %$given);
}

# outcome makes a call, or a pipeline of them, and returns what came of it.
sub outcome {
    my ($step, $io) = @_;
    my $call = $step->{call} ? $RESULTS{ $step->{call}[0] } : undef;
    my @result;
    my $done = eval {
        $io //= emitter($step);
        if ($step->{sequence}) {
            @result = map { +{ outcome($_, $io) } } @{ $step->{sequence} };
            $call   = sub { [@_] };
        }
        elsif ($step->{pipeline}) {
            my $given;
            $io->pipeline(sub { $given = $_[0]; call($given, $_) for @{ $step->{pipeline} } });
            call($given, $step->{after}) if $step->{after};
        }
        else {
            @result = call($io, $step);
        }
        1;
    };
    return (ok => JSON::PP::true, $call ? (result => $call->(@result)) : ()) if $done;
    my $error = $@;
    return (error => 'incomplete', message => $error->message, incomplete($error, $call))
        if blessed $error && $error->isa('Sioemit::Incomplete');
    return (error => $error->reason, message => $error->message) if blessed $error && $error->isa('Sioemit::Error');
    return (skip  => $error->{skip})                             if ref $error;
    return (error => 'redis', message => $error);    # of a client that could not connect
}

local $| = 1;
print $json->encode({ language => 'perl', variant => $variant, version => $Sioemit::VERSION, features => \@FEATURES }), "\n";
while (my $text = <STDIN>) {
    my $line = decode($text);
    print $json->encode({ id => $line->{id}, outcome($line) }), "\n";
}
